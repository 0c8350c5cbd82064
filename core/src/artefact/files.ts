import { chmodSync, constants, lstatSync, readdirSync, readlinkSync } from 'node:fs';
import { copyFile, chmod, mkdir, rm, symlink } from 'node:fs/promises';
import { dirname, isAbsolute, join, relative, sep } from 'node:path';
import { ProviderError } from '../provider/error.ts';

/** A path as the file system has it, one character a byte: names of files need not be UTF-8. */
export type BytePath = string;
/** Something below a folder. `path` is relative to it, with `/`. */
export interface Entry {
  readonly path: BytePath;
  readonly kind: 'file' | 'link' | 'folder';
  readonly executable: boolean;
  readonly size: number;
  readonly inode: bigint;
  /** When its content, mode or name last changed; only the kernel sets it. */
  readonly changedNanoseconds: bigint;
}
const COPIES_AT_ONCE = 16;

export const toBytes = (path: string): BytePath => Buffer.from(path).toString('latin1');
export const toText = (path: BytePath): string => Buffer.from(path, 'latin1').toString();
export const toPath = (path: BytePath): Buffer => Buffer.from(path, 'latin1');

/** All entries below `root`, parents first, in the order of their bytes. Links are not followed. @throws `invalid`: sockets, devices. */
export function* entriesOf(root: string, below: BytePath = ''): Generator<Entry> {
  const folder = below === '' ? toBytes(root) : `${toBytes(root)}/${below}`;
  for (const name of readdirSync(toPath(folder), { encoding: 'latin1' }).sort()) {
    const path = below === '' ? name : `${below}/${name}`;
    const status = lstatSync(toPath(`${folder}/${name}`), { bigint: true });
    const kind = status.isFile()
      ? 'file'
      : status.isSymbolicLink()
        ? 'link'
        : status.isDirectory()
          ? 'folder'
          : undefined;
    if (kind === undefined) {
      throw new ProviderError('invalid', `${toText(path)} is neither a file, a folder nor a link`, {
        path: toText(path),
      });
    }
    yield {
      path,
      kind,
      executable: kind === 'file' && (status.mode & 0o111n) !== 0n,
      size: kind === 'file' ? Number(status.size) : 0,
      inode: status.ino,
      changedNanoseconds: status.ctimeNs,
    };
    if (kind === 'folder') yield* entriesOf(root, path);
  }
}

/** Copies what is below `from` into `to`, sharing blocks where the file system can. The copy belongs to whoever makes it, and can be
 *  written whatever the modes of `from`; executables stay so, links are copied as they are. */
export async function copyTree(from: string, to: string, signal?: AbortSignal): Promise<void> {
  await mkdir(to, { recursive: true });
  const running = new Set<Promise<void>>();
  for (const entry of entriesOf(from)) {
    signal?.throwIfAborted();
    const source = toPath(`${toBytes(from)}/${entry.path}`);
    const target = toPath(`${toBytes(to)}/${entry.path}`);
    if (entry.kind === 'folder') await mkdir(target, { recursive: true });
    else if (entry.kind === 'link') await symlink(readlinkSync(source, { encoding: 'buffer' }), target);
    else {
      const copy = copyFileWritable(source, target, entry.executable).finally(() => running.delete(copy));
      copy.catch(() => undefined); // It is awaited below.
      running.add(copy);
      if (running.size >= COPIES_AT_ONCE) await Promise.race(running);
    }
  }
  await Promise.all(running);
}

async function copyFileWritable(source: Buffer, target: Buffer, executable: boolean): Promise<void> {
  await copyFile(source, target, constants.COPYFILE_FICLONE | constants.COPYFILE_EXCL);
  await chmod(target, executable ? 0o755 : 0o644);
}

/** Removes a folder with all that is in it, also what was made read-only. One that is not there is removed already. */
export async function removeFolder(folder: string): Promise<void> {
  try {
    await rm(folder, { recursive: true, force: true, maxRetries: 3 });
  } catch {
    makeWritable(folder);
    await rm(folder, { recursive: true, force: true, maxRetries: 3 });
  }
}

/** Folders need to be writable for what is in them to go. */
function makeWritable(folder: string): void {
  try {
    chmodSync(folder, 0o700);
    for (const entry of entriesOf(folder))
      if (entry.kind === 'folder') chmodSync(toPath(`${toBytes(folder)}/${entry.path}`), 0o700);
  } catch {
    // What can't be changed, rm will name.
  }
}

/** True for the folder itself and for what is below it; both are real paths. */
export function isInside(folder: string, path: string): boolean {
  const way = relative(folder, path);
  return way === '' || (way !== '..' && !way.startsWith(`..${sep}`) && !isAbsolute(way));
}

/** The first link that leads out of `root` or names an absolute path, wherever that leads. */
export function escapingLink(root: string): { readonly path: string; readonly target: string } | undefined {
  for (const entry of entriesOf(root)) {
    if (entry.kind !== 'link') continue;
    const target = toText(readlinkSync(toPath(`${toBytes(root)}/${entry.path}`), { encoding: 'latin1' }));
    const path = toText(entry.path);
    if (isAbsolute(target) || !isInside(root, join(root, dirname(path), target))) return { path, target };
  }
  return undefined;
}

/** The system's code of an error, such as ENOENT, and what it says. */
export function systemError(error: unknown): { readonly code: string; readonly message: string } | undefined {
  if (typeof error !== 'object' || error === null || !('code' in error) || typeof error.code !== 'string')
    return undefined;
  return { code: error.code, message: 'message' in error ? String(error.message) : error.code };
}

/** A full disk, and a folder that can't be written, as errors that can be acted on. */
export function fileError(error: unknown, doing: string): unknown {
  const known = ProviderError.is(error) ? undefined : systemError(error);
  if (!known) return error;
  const detail = { cause: error, effect: 'none' } as const;
  const message = `could not ${doing}: ${known.message}`;
  if (['ENOSPC', 'EDQUOT'].includes(known.code)) {
    const hint = 'free some disk space, then run the same command again';
    return new ProviderError('quota', message, { ...detail, hint });
  }
  if (['EACCES', 'EPERM', 'EROFS'].includes(known.code)) {
    const hint = 'see that this user may write to the folder, or set CLUSTERNATOR_STATE_HOME';
    return new ProviderError('denied', message, { ...detail, hint });
  }
  return error;
}
