import { statfsSync } from 'node:fs';
import { dirname } from 'node:path';
import { messageOf, sqliteCodeOf, systemCodeOf } from '../engine/thrown.ts';
import { ProviderError } from '../provider/error.ts';

/** Result codes, without their extension. @see https://www.sqlite.org/rescode.html */
const BUSY = 5;
const LOCKED = 6;
const PROTOCOL = 15;
const READONLY = 8;
const IOERR = 10;
const CORRUPT = 11;
const FULL = 13;
const CANTOPEN = 14;
const PERM = 3;
const AUTH = 23;
const NOTADB = 26;

/** SQLite's own number for what went wrong; undefined for another error. */
function sqliteCode(error: unknown): number | undefined {
  const extended = sqliteCodeOf(error);
  return extended === undefined ? undefined : extended & 0xff;
}

/** Another process writes; a moment later it won't. */
export function isBusy(error: unknown): boolean {
  const code = sqliteCode(error);
  return code === BUSY || code === LOCKED || code === PROTOCOL;
}

/** The file can't be read as what it was. */
export function isDamage(error: unknown): boolean {
  const code = sqliteCode(error);
  return code === CORRUPT || code === NOTADB;
}

/** Less than what the log's index takes. */
function hasNoSpace(file: string): boolean {
  try {
    const { bavail, bsize } = statfsSync(dirname(file));
    return bavail * bsize < INDEX_BYTES;
  } catch {
    return false;
  }
}
/** @see https://www.sqlite.org/walformat.html#the_wal_index_file_format */
const INDEX_BYTES = 32 * 1024;

/** What SQLite or the file system said, as ours. */
export function sqliteError(cause: unknown, doing: string, file: string): ProviderError {
  if (ProviderError.is(cause)) return cause;
  const message = messageOf(cause);
  const fail = (...[code, text, detail]: ConstructorParameters<typeof ProviderError>) =>
    new ProviderError(code, `${doing}: ${text}`, { cause, path: file, ...detail });
  const code = sqliteCode(cause) ?? systemCodeOf(cause);
  // Reading writes, too: the index of its log. Where that finds no space, SQLite says only that it failed.
  const isFull = (code === IOERR || code === CANTOPEN) && hasNoSpace(file);
  switch (isFull ? FULL : code) {
    case BUSY:
    case LOCKED:
    case PROTOCOL:
      return fail('unavailable', `${file} is locked by another process`, {
        retry: 'safe',
        effect: 'none',
        hint: 'Try again. If it stays so, look for a process that holds the file open: fuser -v on it tells.',
      });
    case CORRUPT:
    case NOTADB:
      return damaged(file, doing, message, cause);
    case FULL:
    case 'ENOSPC':
    case 'EDQUOT':
      return fail('quota', `no space is left for ${file}`, {
        effect: code === IOERR ? 'unknown' : 'none',
        hint: 'Free some disk space, then run the same command again.',
      });
    case READONLY:
    case CANTOPEN:
    case PERM:
    case AUTH:
    case 'EACCES':
    case 'EPERM':
    case 'EROFS':
      return fail('denied', `${file} or its folder can't be opened for this: ${message}`, {
        effect: 'none',
        hint: 'Check who owns the folder and that it is writable, or set CLUSTERNATOR_STATE_HOME to one that is.',
      });
    case 'ENOTDIR':
    case 'EEXIST':
    case 'EISDIR':
      return fail('invalid', `${file} is not a file in a folder: ${message}`, {
        hint: 'Move away what is in its place, or set CLUSTERNATOR_STATE_HOME to another folder.',
      });
    case IOERR:
    case 'EIO':
      return fail('unavailable', `the disk failed under ${file}: ${message}`, {
        effect: 'unknown',
        retry: 'after-read',
      });
    default:
      return fail('internal', message, {});
  }
}

/** Tells what to do with a store that can't be read, and leaves it as it is. */
export function damaged(file: string, doing: string, why: string, cause?: unknown): ProviderError {
  return new ProviderError('internal', `${doing}: ${file} is damaged (${why}); it was left as it is`, {
    effect: 'none',
    retry: 'never',
    path: file,
    cause,
    hint:
      `Copy it first, with what lies beside it: cp -a '${file}'* <another folder>. ` +
      'Then `clusternator state export` writes down what can still be read, ' +
      'and with the damaged files moved away `clusternator state rebuild` makes the state again from what runs.',
  });
}
