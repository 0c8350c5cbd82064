import { spawn } from 'node:child_process';
import { readFile } from 'node:fs/promises';
import { resolve } from 'node:path';
import { text } from 'node:stream/consumers';
import { parseEnv } from 'node:util';
import { systemCodeOf } from '../engine/thrown.ts';
import { ProviderError } from '../provider/error.ts';

/** Where values of secrets come from; the first that has a name gives its value. */
export interface SecretSources {
  /** The environment of the command, and what `--env-file` said. */
  readonly env: Readonly<Record<string, string | undefined>>;
  /** The top of the work tree, in which the file and the command are. */
  readonly folder: string;
  /** A file of lines NAME=value, relative to the folder. */
  readonly file?: string;
  /** Arguments of a command that prints lines NAME=value, or a JSON object. */
  readonly command?: readonly string[];
  readonly signal: AbortSignal;
}

/**
 * The values of secrets by name. They are in the result alone: no error has one.
 * @throws ProviderError `invalid`: a name has no value anywhere, or a source can't be read; `cancelled`.
 */
export async function resolveSecrets(
  names: readonly string[],
  sources: SecretSources,
): Promise<ReadonlyMap<string, string>> {
  const values = new Map<string, string>();
  const looked = ['the environment'];
  take(values, names, sources.env);
  if (missing(values, names).length > 0 && sources.file !== undefined) {
    looked.push(sources.file);
    take(values, names, await readSecretsFile(sources.folder, sources.file));
  }
  if (missing(values, names).length > 0 && sources.command) {
    looked.push(`the command ${sources.command[0] ?? ''}`);
    take(values, names, await runSecretsCommand(sources.command, sources));
  }
  const without = missing(values, names);
  const [first] = without;
  if (first === undefined) return values;
  throw new ProviderError('invalid', `no value for the secret ${without.join(', ')}: looked in ${looked.join(', ')}`, {
    path: `secrets.${first}`,
    hint: `set it in the environment: ${first}=… clusternator …, or in a file: --env-file <file>, or name a source under secretsFrom in the config`,
  });
}

function take(
  values: Map<string, string>,
  names: readonly string[],
  source: Readonly<Record<string, string | undefined>>,
): void {
  for (const name of names) {
    const value = Object.hasOwn(source, name) ? source[name] : undefined;
    if (value !== undefined && !values.has(name)) values.set(name, value);
  }
}

function missing(values: ReadonlyMap<string, string>, names: readonly string[]): readonly string[] {
  return names.filter((name) => !values.has(name));
}

/** It need not be there: it is meant for machines where the environment has no values. */
async function readSecretsFile(folder: string, file: string): Promise<Readonly<Record<string, string | undefined>>> {
  try {
    return parseEnv(await readFile(resolve(folder, file), 'utf8'));
  } catch (cause) {
    if (systemCodeOf(cause) === 'ENOENT') return {};
    throw new ProviderError('invalid', `the secrets file ${file} can't be read`, { path: 'secretsFrom.file', cause });
  }
}

/** What it prints goes nowhere but here; what it says on stderr may hold a value too, and is not shown. */
async function runSecretsCommand(
  [program = '', ...args]: readonly string[],
  { folder, env, signal }: SecretSources,
): Promise<Readonly<Record<string, string | undefined>>> {
  const failed = (why: string): ProviderError =>
    new ProviderError('invalid', `the secrets command ${program} ${why}`, {
      path: 'secretsFrom.command',
      hint: 'run it by hand in the work tree: it has to print lines NAME=value or a JSON object, and end with 0',
    });
  const child = spawn(program, args, { cwd: folder, env: { ...env }, signal, stdio: ['ignore', 'pipe', 'ignore'] });
  const ended = new Promise<number | null>((settle, reject) => {
    child.once('error', reject);
    child.once('close', settle);
  });
  try {
    const [printed, code] = await Promise.all([text(child.stdout), ended]);
    if (code !== 0) throw failed(`ended with ${code === null ? 'a signal' : String(code)}`);
    return parsePrinted(printed) ?? {};
  } catch (error) {
    if (ProviderError.is(error)) throw error;
    if (signal.aborted) throw new ProviderError('cancelled', `the secrets command ${program} was ended`);
    throw failed(`can't be run (${systemCodeOf(error) ?? 'unknown error'})`);
  }
}

function parsePrinted(printed: string): Readonly<Record<string, string | undefined>> | undefined {
  if (!printed.trimStart().startsWith('{')) return parseEnv(printed);
  try {
    const parsed: unknown = JSON.parse(printed);
    if (typeof parsed !== 'object' || parsed === null) return undefined;
    return Object.fromEntries(
      Object.entries(parsed).flatMap(([name, value]) => (typeof value === 'string' ? [[name, value]] : [])),
    );
  } catch {
    return undefined; // the error would quote it
  }
}
