import { ProviderError } from '@clusternator/core';
import { readFile } from 'node:fs/promises';
import { parseEnv } from 'node:util';

/**
 * The variables of env files, later files winning.
 * @throws ProviderError `not-found`, `invalid`: a file can't be read.
 */
export async function readEnvFiles(files: readonly string[]): Promise<Record<string, string>> {
  const all: Record<string, string> = {};
  for (const file of files) {
    try {
      Object.assign(all, parseEnv(await readFile(file, 'utf8')));
    } catch (cause) {
      const missing = cause instanceof Error && 'code' in cause && cause.code === 'ENOENT';
      throw new ProviderError(missing ? 'not-found' : 'invalid', `the env file ${file} can't be read`, {
        path: '--env-file',
        cause,
      });
    }
  }
  return all;
}
