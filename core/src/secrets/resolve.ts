import { readFile } from 'node:fs/promises';
import { resolve } from 'node:path';
import { ProviderError } from '../provider/error.ts';
import type { Variables } from '../source/git.ts';
import { parseEnvFile } from './env-file.ts';
import { readFromCommand } from './secrets-command.ts';

/** Where values of secrets come from, in this order. */
export interface SecretSources {
  /** Variables that were given for this run, as from `--env-file`. */
  readonly values?: Readonly<Record<string, string>>;
  readonly env: Variables;
  /** A dotenv file. */
  readonly file?: string;
  /** Arguments, not a shell line. Its output is dotenv or a JSON object. It runs only if something is missing by then. */
  readonly command?: readonly string[];
  /** `file` is relative to it, and `command` runs in it. */
  readonly folder: string;
  readonly signal: AbortSignal;
}

/** Finds the value of every name. @throws ProviderError `invalid`: names what has none, and where it was looked for; `cancelled`. No error
 *  has a value in it. */
export async function resolveSecrets(
  names: readonly string[],
  sources: SecretSources,
): Promise<ReadonlyMap<string, string>> {
  const found = new Map<string, string>();
  const looked: string[] = [];
  const look = (where: string, values: Variables): void => {
    looked.push(where);
    for (const name of names) {
      const value = Object.hasOwn(values, name) ? values[name] : undefined;
      if (value !== undefined && !found.has(name)) found.set(name, value);
    }
  };
  const isMissing = (): boolean => names.some((name) => !found.has(name));

  if (sources.values) look('--env-file', sources.values);
  look('the environment', sources.env);
  if (isMissing() && sources.file !== undefined)
    look(sources.file, await readEnvFile(resolve(sources.folder, sources.file)));
  if (isMissing() && sources.command)
    look(`the output of ${sources.command[0] ?? ''}`, await readFromCommand(sources.command, sources));
  if (isMissing())
    throw missingError(
      names.filter((name) => !found.has(name)),
      looked,
    );
  return found;
}

/** @throws ProviderError `invalid`: the file can't be read. */
export async function readEnvFile(file: string): Promise<Readonly<Record<string, string>>> {
  try {
    return parseEnvFile(await readFile(file, 'utf8'));
  } catch (error) {
    const reason = error instanceof Error ? error.message : String(error);
    throw new ProviderError('invalid', `could not read variables from ${file}: ${reason}`, {
      path: file,
      cause: error,
    });
  }
}

function missingError(missing: readonly string[], looked: readonly string[]): ProviderError {
  const [first = ''] = missing;
  const what = missing.length === 1 ? `secret ${first} has no value` : `secrets ${missing.join(', ')} have no value`;
  return new ProviderError('invalid', `${what} in ${looked.join(', nor in ')}`, {
    path: `secrets.${first}`,
    hint: `set it in the environment: ${first}=… clusternator …, or in a file: --env-file <file>`,
  });
}
