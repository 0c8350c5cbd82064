import { readFile } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { dirname, join, resolve } from 'node:path';
import { readProviderSource, type ProviderSource } from './discovery.ts';

/**
 * The providers among the packages that a program or a project names in its package.json: in that folder, or the first above it that has one.
 * So each project can have the version that it wants. It reads manifests and runs no code.
 */
export async function findProviders(folder: string): Promise<readonly ProviderSource[]> {
  const root = await packageRoot(resolve(folder));
  if (root === undefined) return [];
  const names = namesIn(await readManifest(root));
  const { resolve: resolver } = createRequire(join(root, 'package.json'));
  const found = await Promise.all(
    names.map(async (name) => {
      for (const parent of resolver.paths(name) ?? []) {
        const source = await readProviderSource(join(parent, ...name.split('/')));
        if (source) return [source];
      }
      return [];
    }),
  );
  return found.flat();
}

/** Of several lists, the first that has an id counts for it: what is nearer goes before what is further. */
export function nearestFirst(...lists: readonly (readonly ProviderSource[])[]): readonly ProviderSource[] {
  const ids = new Set<string>();
  return lists.flatMap((list) => {
    const fresh = list.filter(({ id }) => !ids.has(id));
    for (const { id } of fresh) ids.add(id);
    return fresh;
  });
}

async function packageRoot(folder: string): Promise<string | undefined> {
  for (let at = folder; ; at = dirname(at)) {
    if ((await readManifest(at)) !== undefined) return at;
    if (dirname(at) === at) return undefined;
  }
}

async function readManifest(folder: string): Promise<unknown> {
  try {
    return JSON.parse(await readFile(join(folder, 'package.json'), 'utf8'));
  } catch {
    return undefined; // none, or one that is no JSON: npm has its say about that
  }
}

const LISTS = ['dependencies', 'devDependencies', 'optionalDependencies'] as const;

function namesIn(manifest: unknown): string[] {
  const names = LISTS.flatMap((list) => {
    const packages = valueOf(manifest, list);
    return typeof packages === 'object' && packages !== null ? Object.keys(packages) : [];
  });
  return [...new Set(names)];
}

function valueOf(value: unknown, key: string): unknown {
  return typeof value === 'object' && value !== null ? Reflect.get(value, key) : undefined;
}
