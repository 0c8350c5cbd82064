import { constants } from 'node:fs';
import { access, lstat, realpath, stat } from 'node:fs/promises';
import { join, relative, resolve, sep } from 'node:path';
import { codeOf } from './cause.ts';
import { ConfigError } from './problem.ts';

/** Where a config is looked for, in this order, and only at the top of the tree. The first that is there counts. */
export const SEARCH_PLACES = [
  'clusternator.config.ts',
  'clusternator.config.mts',
  'clusternator.config.js',
  'clusternator.config.mjs',
  'clusternator.config.yaml',
  'clusternator.config.yml',
  'clusternator.config.json',
  '.clusternatorrc',
  '.clusternatorrc.yaml',
  '.clusternatorrc.yml',
  '.clusternatorrc.json',
  'package.json',
] as const;

/**
 * The first place that holds something; package.json may yet turn out to have no config in it.
 * @throws ConfigError for what can't be read, is no file, or is a link that leads out of the tree: nothing outside is read.
 */
export async function firstPlace(root: string): Promise<string | undefined> {
  for (const place of SEARCH_PLACES) {
    const file = join(root, place);
    const found = await lstat(file).catch(whenAbsent);
    if (found === undefined || found.isDirectory()) continue;
    if (found.isSymbolicLink()) await refuseEscape(root, file, place);
    await refuseUnreadable(file, place);
    return place;
  }
  return undefined;
}

async function refuseEscape(root: string, file: string, place: string): Promise<void> {
  const target = await realpath(file).catch((cause: unknown) => {
    throw new ConfigError([{ path: '', message: 'is a link to nothing' }], place, cause);
  });
  const inside = relative(await realpath(root), target);
  if (inside === '..' || inside.startsWith(`..${sep}`) || resolve(inside) === inside) {
    throw new ConfigError([{ path: '', message: 'is a link that leads out of the repository' }], place);
  }
}

async function refuseUnreadable(file: string, place: string): Promise<void> {
  if (!(await stat(file)).isFile()) throw new ConfigError([{ path: '', message: 'is not a file' }], place);
  await access(file, constants.R_OK).catch((cause: unknown) => {
    throw new ConfigError([{ path: '', message: 'can not be read: permission denied' }], place, cause);
  });
}

function whenAbsent(cause: unknown): undefined {
  if (codeOf(cause) === 'ENOENT' || codeOf(cause) === 'ENOTDIR') return undefined;
  throw cause;
}
