import { existsSync } from 'node:fs';
import { open, readdir, readFile } from 'node:fs/promises';
import { basename, join } from 'node:path';
import { installOf, readPackage, startOf, type NodePackage } from './package-json.ts';
import { nameOf, type Part } from './part.ts';

const CONTAINER_PORT = 8080;
const NODE_PORT = 3000;
const DEEPEST = 2;
const MOST_FOLDERS = 200;
const MOST_BYTES = 256 * 1024;
const NEVER_LOOK_IN = new Set([
  'node_modules',
  'dist',
  'build',
  'out',
  'coverage',
  'vendor',
  'test',
  'tests',
  'docs',
  'examples',
]);
const FILES_OF_SITES = ['.', 'public', 'dist', 'build', 'site', 'www'];
/** Where each builder leaves its files, unless it was told otherwise. */
const BUILDERS: Readonly<Record<string, string>> = {
  vite: 'dist',
  astro: 'dist',
  parcel: 'dist',
  webpack: 'dist',
  'react-scripts': 'build',
  '@docusaurus/core': 'build',
  '@11ty/eleventy': '_site',
  vitepress: '.vitepress/dist',
};
const SINGLE_PAGE = new Set(['vite', 'react-scripts', 'webpack', 'parcel']);

/** What can be deployed of a repository, the most likely first. In a folder a Dockerfile says more than a package.json, and that more than files. */
export async function detect(root: string): Promise<Part[]> {
  const parts: Part[] = [];
  for (const folder of await foldersOf(root)) {
    const found = await inFolder(root, folder);
    parts.push(...found.filter((part) => !parts.some((outer) => includes(outer, part))));
  }
  return withDistinctNames(parts);
}

/** What lies in a part's folder is a piece of it, as a rule: all of it in an image, the files that a program or a site serves. */
function includes(outer: Part, inner: Part): boolean {
  const isInside = outer.folder === '.' || inner.folder.startsWith(`${outer.folder}/`);
  if (!isInside) return outer.kind === 'site' && outer.dir === inner.folder;
  return outer.kind === 'container' || (inner.kind === 'site' && inner.build === undefined);
}

async function inFolder(root: string, folder: string): Promise<Part[]> {
  const path = join(root, folder);
  const name = folder === '.' ? 'web' : nameOf(basename(folder), 'web');
  if (existsSync(join(path, 'Dockerfile'))) return [await container(path, folder, name)];
  const found = await readPackage(path);
  const process = found && (await nodeProcess(path, folder, name, found));
  if (process) return [process];
  const site = await staticSite(path, folder, name, found);
  return site ? [site] : [];
}

async function container(path: string, folder: string, name: string): Promise<Part> {
  const exposed = /^\s*EXPOSE\s+(\d+)/im.exec(await beginning(join(path, 'Dockerfile')))?.[1];
  const port = exposed === undefined ? CONTAINER_PORT : Number(exposed);
  return {
    kind: 'container',
    name,
    folder,
    port,
    why: `${join(folder, 'Dockerfile')}${exposed ? '' : ' (it has no EXPOSE: check the port)'}`,
  };
}

async function nodeProcess(path: string, folder: string, name: string, found: NodePackage): Promise<Part | undefined> {
  const command = startOf(found);
  if (command === undefined) return undefined;
  const install = installOf(found);
  const port = await portOf(path, found);
  return {
    kind: 'process',
    name,
    folder,
    command,
    port,
    ...(install && { install }),
    why: `the start script of ${join(folder, 'package.json')}`,
  };
}

async function staticSite(
  path: string,
  folder: string,
  name: string,
  found: NodePackage | undefined,
): Promise<Part | undefined> {
  const builder = Object.keys(BUILDERS).find((one) => found?.dependencies.has(one));
  if (found?.scripts.build !== undefined && builder !== undefined) {
    const install = installOf(found);
    const dir = join(folder, BUILDERS[builder] ?? 'dist');
    const build = 'npm run build';
    const fallback = SINGLE_PAGE.has(builder) ? { fallback: 'index.html' } : {};
    return {
      kind: 'site',
      name,
      folder,
      dir,
      build,
      ...(install && { install }),
      ...fallback,
      why: `the build script of ${join(folder, 'package.json')} (${builder})`,
    };
  }
  const files = FILES_OF_SITES.find((one) => existsSync(join(path, one, 'index.html')));
  if (files === undefined) return undefined;
  const isBuilt = found?.scripts.build !== undefined && (files === 'dist' || files === 'build');
  const install = isBuilt ? installOf(found) : undefined;
  return {
    kind: 'site',
    name,
    folder,
    dir: join(folder, files),
    ...(isBuilt && { build: 'npm run build' }),
    ...(install && { install }),
    why: join(folder, files, 'index.html'),
  };
}

/** What the program itself names as its port; it is told the real one in PORT. */
async function portOf(path: string, found: NodePackage): Promise<number> {
  const started = /[\w./-]+\.(?:[cm]?js|ts)\b/.exec(found.scripts.start ?? '')?.[0];
  for (const file of [started, found.main, 'server.js', 'index.js', 'app.js', 'src/index.js', 'src/server.js']) {
    if (file === undefined) continue;
    const code = await beginning(join(path, file));
    const port = /(?:PORT['"\]]?\s*\)?\s*(?:\|\||\?\?)\s*['"]?|\.listen\(\s*|\bport\s*[=:]\s*)(\d{2,5})\b/.exec(
      code,
    )?.[1];
    if (port !== undefined && Number(port) <= 65_535) return Number(port);
  }
  return NODE_PORT;
}

/** The top and the folders below it, nearest first. Links are not followed: they may lead out of the repository. */
async function foldersOf(root: string): Promise<string[]> {
  let level = ['.'];
  const all = ['.'];
  for (let depth = 0; depth < DEEPEST; depth++) {
    const below = await Promise.all(level.map((folder) => childrenOf(root, folder)));
    level = below.flat();
    all.push(...level);
  }
  return all.slice(0, MOST_FOLDERS);
}

async function childrenOf(root: string, folder: string): Promise<string[]> {
  const entries = await readdir(join(root, folder), { withFileTypes: true }).catch(() => []);
  return entries
    .filter((entry) => entry.isDirectory() && !entry.name.startsWith('.') && !NEVER_LOOK_IN.has(entry.name))
    .map((entry) => join(folder, entry.name))
    .sort();
}

async function beginning(file: string): Promise<string> {
  try {
    const handle = await open(file);
    try {
      const { buffer, bytesRead } = await handle.read(Buffer.alloc(MOST_BYTES), 0, MOST_BYTES, 0);
      return buffer.subarray(0, bytesRead).toString();
    } finally {
      await handle.close();
    }
  } catch {
    return '';
  }
}

function withDistinctNames(parts: readonly Part[]): Part[] {
  const taken = new Set<string>();
  return parts.map((part) => {
    let { name } = part;
    for (let count = 2; taken.has(name); count++) name = `${part.name}-${String(count)}`;
    taken.add(name);
    return { ...part, name };
  });
}

/** The project's name, as the repository itself has it. */
export async function projectNameOf(root: string): Promise<string> {
  const found = await readPackage(root);
  return nameOf(found?.name ?? basename(root), nameOf(basename(root), 'project'));
}

/** Whether config files are there already. */
export async function configFilesIn(root: string): Promise<string[]> {
  const names = await readdir(root);
  const files = names.filter((name) =>
    /^(?:clusternator\.config\.(?:ts|mts|js|mjs|cjs|yaml|yml|json)|\.clusternatorrc(?:\..+)?)$/.test(name),
  );
  const manifest = await readFile(join(root, 'package.json'), 'utf8').catch(() => '');
  return /"clusternator"\s*:\s*\{/.test(manifest) && (await hasConfigKey(manifest))
    ? [...files, 'package.json']
    : files;
}

async function hasConfigKey(manifest: string): Promise<boolean> {
  try {
    const parsed: unknown = JSON.parse(manifest);
    return typeof parsed === 'object' && parsed !== null && 'clusternator' in parsed;
  } catch {
    return false;
  }
}
