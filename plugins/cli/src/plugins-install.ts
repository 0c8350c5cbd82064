import { ProviderError } from '@clusternator/core';
import { execFile } from 'node:child_process';
import { createHash } from 'node:crypto';
import { copyFile, mkdir, mkdtemp, readdir, readFile, rm, stat } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { basename, dirname, join, resolve } from 'node:path';
import { promisify } from 'node:util';
import { folderOf } from './providers.ts';

const INSTALL: ReadonlySet<string> = new Set(['plugins install', 'plugins add', 'plugins:install', 'plugins:add']);
const TARBALL = /\.(?:tgz|tar\.gz)$/;

/** Whether a command line installs plugins. */
export function installsPlugins(argv: readonly string[]): boolean {
  return INSTALL.has(argv.slice(0, 2).join(' ')) || INSTALL.has(argv[0] ?? '');
}

/**
 * `plugins install ./folder` and `plugins install ./a.tgz`, as oclif understands them: it would take a path for a repository on GitHub, and tells
 * two packages apart by the name of their file alone. So a folder is packed as it would be published, and each tarball gets a copy of its own,
 * which npm finds again when the other is long gone.
 * @param dataDir - Where plugins are installed.
 * @throws ProviderError `not-found`: there is nothing at the path; `invalid`: the folder can't be packed.
 */
export async function withLocalPackages(argv: readonly string[], dataDir: string): Promise<readonly string[]> {
  if (!installsPlugins(argv)) return argv;
  const folder = join(dataDir, 'packages');
  return Promise.all(
    argv.map(async (word) => ((await isPath(word)) ? `file:${await keep(resolve(word), folder)}` : word)),
  );
}

/** Removes the copies of what is not installed any more. */
export async function removeUnusedPackages(dataDir: string): Promise<void> {
  const folder = join(dataDir, 'packages');
  const [files, manifest] = await Promise.all([
    readdir(folder).catch(() => []),
    readFile(join(dataDir, 'package.json'), 'utf8').catch(() => undefined),
  ]);
  if (manifest === undefined) return;
  await Promise.all(files.filter((file) => !manifest.includes(file)).map((file) => rm(join(folder, file))));
}

/** What npm takes for a path too, and a folder that is there, as `providers/fly`. */
async function isPath(word: string): Promise<boolean> {
  if (word.startsWith('-') || word.includes(':')) return false;
  if (/^(?:\.{1,2}(?:\/|$)|\/)/.test(word) || TARBALL.test(word)) return true;
  return word.includes('/') && !word.startsWith('@') && (await stat(word).catch(() => undefined)) !== undefined;
}

async function keep(path: string, folder: string): Promise<string> {
  const found = await stat(path).catch(() => undefined);
  if (!found) throw new ProviderError('not-found', `there is nothing to install at ${path}`, { path });
  await mkdir(folder, { recursive: true });
  if (!found.isDirectory()) return keepTarball(path, folder);
  const scratch = await mkdtemp(join(folder, 'packing-'));
  try {
    return await keepTarball(await pack(path, scratch), folder);
  } finally {
    await rm(scratch, { recursive: true, force: true });
  }
}

async function keepTarball(tarball: string, folder: string): Promise<string> {
  const digest = createHash('sha256')
    .update(await readFile(tarball))
    .digest('hex');
  const kept = join(folder, `${digest.slice(0, 12)}-${basename(tarball)}`);
  await copyFile(tarball, kept);
  return kept;
}

async function pack(folder: string, into: string): Promise<string> {
  const args = [npmProgram(), 'pack', '--pack-destination', into, '--loglevel=error'];
  try {
    await promisify(execFile)(process.execPath, args, { cwd: folder, maxBuffer: 1 << 26 });
  } catch (cause) {
    throw new ProviderError('invalid', `${folder} can't be packed as a plugin: ${stderrOf(cause)}`, {
      path: folder,
      hint: 'it has to be the folder of a package that npm pack takes',
      cause,
    });
  }
  const [file] = await readdir(into);
  if (file === undefined) throw new ProviderError('internal', `npm packed nothing of ${folder}`);
  return join(into, file);
}

/** The npm that comes with oclif's plugin for plugins, which installs with it too. */
function npmProgram(): string {
  const installer = folderOf('@oclif/plugin-plugins', import.meta.dirname);
  if (installer === undefined) throw new ProviderError('internal', '@oclif/plugin-plugins is not installed');
  return join(dirname(createRequire(join(installer, 'package.json')).resolve('npm/package.json')), 'bin', 'npm-cli.js');
}

function stderrOf(cause: unknown): string {
  const stderr = typeof cause === 'object' && cause !== null && 'stderr' in cause ? String(cause.stderr).trim() : '';
  return stderr || (cause instanceof Error ? cause.message : String(cause));
}
