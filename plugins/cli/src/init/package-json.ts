import { existsSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';

/** The parts of a package.json that tell how it is run. */
export interface NodePackage {
  readonly name: string | undefined;
  readonly scripts: Readonly<Record<string, string>>;
  readonly dependencies: ReadonlySet<string>;
  readonly hasInstall: boolean;
  readonly main: string | undefined;
  readonly type: 'npm' | 'pnpm' | 'yarn' | 'bun';
  readonly locked: boolean;
}

const LOCK_FILES = {
  'package-lock.json': 'npm',
  'npm-shrinkwrap.json': 'npm',
  'pnpm-lock.yaml': 'pnpm',
  'yarn.lock': 'yarn',
  'bun.lock': 'bun',
  'bun.lockb': 'bun',
} as const;

/** Undefined: there is none, or it is not JSON. */
export async function readPackage(folder: string): Promise<NodePackage | undefined> {
  let parsed: unknown;
  try {
    parsed = JSON.parse(await readFile(join(folder, 'package.json'), 'utf8'));
  } catch {
    return undefined;
  }
  const manifest = record(parsed);
  const lock = Object.entries(LOCK_FILES).find(([file]) => existsSync(join(folder, file)));
  const dependencies = new Set([
    ...Object.keys(record(manifest.dependencies)),
    ...Object.keys(record(manifest.devDependencies)),
  ]);
  return {
    name: text(manifest.name),
    scripts: Object.fromEntries(
      Object.entries(record(manifest.scripts)).filter(
        (entry): entry is [string, string] => typeof entry[1] === 'string',
      ),
    ),
    dependencies,
    hasInstall: dependencies.size > 0 || lock !== undefined,
    main: text(manifest.main),
    type: lock?.[1] ?? 'npm',
    locked: lock !== undefined,
  };
}

/** The command that installs exactly what the lock file says. Undefined: there is nothing to install. */
export function installOf(found: NodePackage): string | undefined {
  if (!found.hasInstall) return undefined;
  if (!found.locked) return 'npm install';
  return {
    npm: 'npm ci',
    pnpm: 'pnpm install --frozen-lockfile',
    yarn: 'yarn install --immutable',
    bun: 'bun install --frozen-lockfile',
  }[found.type];
}

/** `node server.js` starts faster than npm would, and gets signals itself. Anything that needs a shell is npm's. */
export function startOf(found: NodePackage): string | undefined {
  const script = found.scripts.start;
  if (script === undefined) return undefined;
  return /^node [\w./ =:@-]+$/.test(script) ? script : `${found.type} run start`;
}

function record(value: unknown): Record<string, unknown> {
  return typeof value === 'object' && value !== null ? { ...value } : {};
}
function text(value: unknown): string | undefined {
  return typeof value === 'string' && value !== '' ? value : undefined;
}
