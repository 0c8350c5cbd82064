import { ProviderError } from '@clusternator/core';
import { resolve } from 'node:path';

/** The folder that a command works in. @throws ProviderError `invalid`: the one that it was started in is gone. */
export function directoryOf(flag: string | undefined): string {
  try {
    return resolve(flag ?? '.');
  } catch (cause) {
    throw new ProviderError('invalid', 'the folder that this was started in is gone', {
      path: '--cwd',
      hint: 'cd to the repository, or name it with -C',
      cause,
    });
  }
}
