import { constants } from 'node:fs';
import { chmod, copyFile, lstat, mkdir, readdir, readlink, realpath, symlink, utimes } from 'node:fs/promises';
import { dirname, isAbsolute, join } from 'node:path';
import { isInside, systemError } from '../artefact/files.ts';
import { ProviderError } from '../provider/error.ts';

export interface CopyOptions {
  readonly signal: AbortSignal;
  /** More is refused, with `quota`. */
  readonly maxBytes: number;
  /** Links may lead anywhere in it. Left out: in what is copied. */
  readonly within?: string;
  /** Refuses what would be left out otherwise, with `invalid`. */
  readonly isWhole?: boolean;
}

/**
 * Copies what is below `from` into `to`, sharing blocks where the file system can, with the times that build tools go by. What is in `to`
 * already stays: a folder of the commit is filled up, its files win. Links are copied as links, and left out where they lead out of the folder;
 * so is what is neither a file, a folder nor a link.
 * @returns The bytes of the files. @throws ProviderError `quota`; what the file system says.
 */
export async function copyCache(from: string, to: string, options: CopyOptions): Promise<number> {
  let bytes = 0;
  const copyFolder = async (below: string): Promise<void> => {
    await mkdir(join(to, below), { recursive: true });
    const { mode } = await lstat(join(from, below));
    if (isPrivate(mode)) await chmod(join(to, below), 0o700);
    for (const entry of await readdir(join(from, below), { withFileTypes: true })) {
      options.signal.throwIfAborted();
      const path = join(below, entry.name);
      const there = await lstat(join(to, path)).catch(whenAbsent);
      if (entry.isDirectory()) {
        // A link or a file of the commit in its place is not written through.
        if (!there || there.isDirectory()) await copyFolder(path);
      } else if (there) continue;
      else if (entry.isFile()) bytes += await copyOne(path);
      else if (entry.isSymbolicLink()) await copyLink(path);
      else leaveOut(path, 'is neither a file, a folder nor a link');
    }
  };
  const copyOne = async (path: string): Promise<number> => {
    const { size, mode, atime, mtime } = await lstat(join(from, path));
    if (bytes + size > options.maxBytes) throw tooLarge(options.maxBytes);
    await copyFile(join(from, path), join(to, path), constants.COPYFILE_FICLONE | constants.COPYFILE_EXCL);
    const all = (mode & 0o111) === 0 ? 0o644 : 0o755;
    await chmod(join(to, path), isPrivate(mode) ? all & 0o700 : all);
    await utimes(join(to, path), atime, mtime);
    return size;
  };
  const copyLink = async (path: string): Promise<void> => {
    const target = await readlink(join(from, path));
    const isFine = !isAbsolute(target) && isInside(options.within ?? from, join(from, dirname(path), target));
    if (isFine) await symlink(target, join(to, path));
    else leaveOut(path, 'is a link that leads out');
  };
  const leaveOut = (path: string, why: string): void => {
    if (options.isWhole) throw new ProviderError('invalid', `${path} ${why}`);
  };
  await copyFolder('');
  return bytes;
}

/**
 * Where a folder of a checkout really is. Undefined: it is not there, or a link on the way to it leads out, or it is no folder.
 * @param make - Makes it, one folder after the other, where it is not there.
 */
export async function cacheFolder(tree: string, path: string, make: boolean): Promise<string | undefined> {
  const root = await realpath(tree);
  let at = root;
  for (const name of path.split('/')) {
    const next = join(at, name);
    if (make) await mkdir(next).catch(whenThere);
    const real = await realpath(next).catch(whenAbsent);
    if (real === undefined || real === root || !isInside(root, real) || !(await lstat(real)).isDirectory())
      return undefined;
    at = real;
  }
  return at;
}

/** What its owner alone may see stays so: PostgreSQL and SSH refuse what others may. */
function isPrivate(mode: number): boolean {
  return (mode & 0o077) === 0;
}

function tooLarge(maxBytes: number): ProviderError {
  return new ProviderError('quota', `it is larger than ${String(Math.floor(maxBytes / 2 ** 20))} MiB`);
}

function whenAbsent(error: unknown): undefined {
  if (!['ENOENT', 'ENOTDIR', 'ELOOP'].includes(systemError(error)?.code ?? '')) throw error;
}
function whenThere(error: unknown): void {
  if (systemError(error)?.code !== 'EEXIST') throw error;
}
