/**
 * Packs what would be published and installs it in a folder outside of the workspace, as a user would have it.
 * Nothing that is only there because of the workspace (a hoisted module, a source file) can be found from there.
 */
import { execFile } from 'node:child_process';
import { mkdtemp, realpath, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { promisify } from 'node:util';

const exec = promisify(execFile);
const root = path.resolve(import.meta.dirname, '..', '..');
const installed = ['core', 'providers/local', 'plugins/create-provider', 'plugins/cli'];
/** Packed beside them, for who makes a provider or installs one. */
const beside = { '@clusternator/conformance': 'test/conformance', '@clusternator/provider-aws': 'providers/aws' };

/** The folder of the installed tool; the caller removes it. */
export async function installPacked() {
  const folder = await realpath(await mkdtemp(path.join(tmpdir(), 'clusternator-tool-')));
  try {
    const workspaces = [...installed, ...Object.values(beside)].flatMap((name) => ['--workspace', name]);
    const { stdout } = await npm(['pack', '--json', '--pack-destination', folder, ...workspaces], root);
    const packed = Object.values(JSON.parse(stdout)).filter(({ name }) => !(name in beside));
    const tarballs = packed.map(({ filename }) => `./${path.basename(filename)}`);
    await writeFile(path.join(folder, 'package.json'), '{ "name": "a-user", "private": true }\n');
    await npm(['install', '--prefer-offline', '--no-audit', '--no-fund', '--no-package-lock', ...tarballs], folder);
    return folder;
  } catch (error) {
    await rm(folder, { recursive: true, force: true });
    throw new Error(`the packed tool could not be installed: ${error.stderr ?? error.message}`, { cause: error });
  }
}

async function npm(args, cwd) {
  return exec('npm', args, { cwd, maxBuffer: 64 * 1024 * 1024, env: { ...process.env, NODE_OPTIONS: '' } });
}
