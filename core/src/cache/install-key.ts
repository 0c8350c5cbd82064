import { hash } from 'node:crypto';
import { open, readFile, realpath, stat } from 'node:fs/promises';
import { delimiter, join } from 'node:path';
import { isInside } from '../artefact/files.ts';
import { fingerprint } from '../names/fingerprint.ts';

/** An install, and what its outcome goes by. */
export interface KeyedInstall {
  readonly argv: readonly string[];
  /** The checkout that it runs in. */
  readonly tree: string;
  /** Files of the checkout. */
  readonly inputs: readonly string[];
  /** Folders of the checkout. */
  readonly outputs: readonly string[];
  /** What its process is given. */
  readonly env: Readonly<Record<string, string | undefined>>;
  /** Those of `env` that the config sets for it. */
  readonly variables: Readonly<Record<string, string>>;
}

/** Told to every service, each time with other values. */
const PER_ENVIRONMENT = /^(?:CLUSTERNATOR_\w+|PORT)$/;
const SHEBANG_BYTES = 256;

/**
 * Equal for installs that make the same: of the same command and programs, from files of the same content.
 * @returns 64 hex. Undefined: an input is a link that leads out of the checkout.
 */
export async function installKey({
  argv,
  tree,
  inputs,
  outputs,
  env,
  variables,
}: KeyedInstall): Promise<string | undefined> {
  const root = await realpath(tree);
  const files: [string, string][] = [];
  for (const path of inputs) {
    const real = await realpath(join(root, path)).catch(() => undefined);
    if (real !== undefined && !isInside(root, real)) return undefined;
    files.push([path, real === undefined ? 'absent' : hash('sha256', await readFile(real))]);
  }
  const told = Object.entries(variables).filter(([name]) => !PER_ENVIRONMENT.test(name));
  const machine = [process.platform, process.arch];
  const programs = await programsOf(argv, env.PATH ?? '');
  return fingerprint({ argv, outputs, files, variables: Object.fromEntries(told), machine, programs });
}

/** Of all words that name a program, also those inside of a shell's line: which file it is now, and what interprets it. */
async function programsOf(argv: readonly string[], path: string): Promise<readonly string[]> {
  const words = new Set(argv.flatMap((argument) => argument.split(/[\s;&|()<>"'`]+/)));
  const found = new Set<string>();
  for (const word of words) {
    for (const file of await withInterpreter(word, path)) found.add(file);
  }
  return [...found].sort();
}

async function withInterpreter(word: string, path: string): Promise<readonly string[]> {
  const file = await findProgram(word, path);
  if (file === undefined) return [];
  const start = await startOf(file);
  const [, first = '', second = ''] = /^#! *(\S+)(?: +(\S+))?/.exec(start) ?? [];
  const interpreters = [first, second].filter((name) => name !== '' && !name.startsWith('-'));
  const files = [file];
  for (const name of interpreters) {
    const interpreter = await findProgram(name, path);
    if (interpreter !== undefined) files.push(interpreter);
  }
  return Promise.all(files.map(printOf));
}

/** A name without a slash is looked for as a shell does. One with a slash in it is a file of the checkout, but for an absolute one. */
async function findProgram(name: string, path: string): Promise<string | undefined> {
  if (name === '' || (name.includes('/') && !name.startsWith('/'))) return undefined;
  const candidates = name.startsWith('/') ? [name] : path.split(delimiter).map((folder) => join(folder, name));
  for (const candidate of candidates) {
    const found = await stat(candidate).catch(() => undefined);
    if (found?.isFile() && (found.mode & 0o111) !== 0) return candidate;
  }
  return undefined;
}

async function startOf(file: string): Promise<string> {
  await using handle = await open(file);
  const { buffer, bytesRead } = await handle.read(Buffer.alloc(SHEBANG_BYTES), 0, SHEBANG_BYTES, 0);
  return buffer.toString('latin1', 0, bytesRead);
}

async function printOf(file: string): Promise<string> {
  const real = await realpath(file);
  const { size, mtimeMs } = await stat(real);
  return `${real} ${String(size)} ${String(mtimeMs)}`;
}
