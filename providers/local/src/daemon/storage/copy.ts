import { constants } from 'node:fs';
import { copyFile, mkdir, rm, statfs, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { ProviderError } from '@clusternator/core/provider';
import { codeOf } from '../../control/failure.ts';
import { readProcFile } from '../proc-file.ts';
import { runProgram } from '../run-program.ts';

export interface CopyOptions {
  readonly signal: AbortSignal;
  readonly onBytes?: (done: number) => void;
  /** Files may come and go meanwhile: what is gone is no failure. */
  readonly isLive?: boolean;
}

/** Kept free beside what is copied, for what else the disk must hold. */
const SPARE_BYTES = 32 * 2 ** 20;
const LOOK_MS = 200;
/** What `cp` says of a file that went, or was replaced, before it came to it. */
const WENT = /No such file or directory$|as it was replaced while being copied$|file vanished/;

/**
 * All of a folder's content, with owners, modes, times, links, holes and extended attributes. Blocks are shared where the file system can.
 * @param target - Is there, and empty.
 * @throws ProviderError `quota`, `denied`.
 */
export async function copyContent(source: string, target: string, options: CopyOptions): Promise<void> {
  const { isLive = false, onBytes, signal } = options;
  const share = process.platform === 'darwin' ? ['-Rpc'] : ['-a', '--reflink=auto'];
  let looking: NodeJS.Timeout | undefined;
  const onStart = (pid: number): void => {
    looking = setInterval(() => {
      const written = /^wchar: (\d+)$/m.exec(readProcFile(`/proc/${String(pid)}/io`) ?? '')?.[1];
      if (written !== undefined) onBytes?.(Number(written));
    }, LOOK_MS);
  };
  try {
    await runProgram(['cp', ...share, `${source}/.`, target], {
      signal,
      onStart,
      ...(isLive && { tolerates: (line) => WENT.test(line) }),
    });
  } finally {
    clearInterval(looking);
  }
}

/** On the disk. Holes and shared blocks as `du` counts them. */
export async function bytesOf(folder: string, signal: AbortSignal): Promise<number> {
  const printed = await runProgram(['du', '-sk', folder], { signal, tolerates: (line) => WENT.test(line) });
  return Number.parseInt(printed, 10) * 1024;
}

/** Whether a copy from one folder into the other takes no space. Both may be written to. */
export async function sharesBlocks(from: string, to: string): Promise<boolean> {
  const probe = path.join(from, `.clusternator-probe-${String(process.pid)}`);
  const clone = path.join(to, `.clusternator-probe-${String(process.pid)}`);
  try {
    await writeFile(probe, 'probe');
    await copyFile(probe, clone, constants.COPYFILE_FICLONE_FORCE);
    return true;
  } catch {
    return false;
  } finally {
    await Promise.all([rm(probe, { force: true }), rm(clone, { force: true })]);
  }
}

/** @throws ProviderError `quota`: nothing was written. */
export async function assertSpace(folder: string, bytes: number, what: string): Promise<void> {
  const { bavail, bsize } = await statfs(folder);
  const free = bavail * bsize;
  if (free >= bytes + SPARE_BYTES) return;
  throw new ProviderError('quota', `${what} takes ${gib(bytes)}, and the disk of ${folder} has ${gib(free)} left`, {
    effect: 'none',
    hint: 'free some space: `clusternator gc`, or remove snapshots that nobody needs',
  });
}

/** Puts all that was written there on the disk: after a power cut it is there. */
export async function flush(folder: string, signal: AbortSignal): Promise<void> {
  await runProgram(process.platform === 'linux' ? ['sync', '-f', folder] : ['sync'], { signal });
}

/** A new and empty folder that only this user can look into. */
export async function freshFolder(folder: string): Promise<void> {
  try {
    await mkdir(folder, { mode: 0o700 });
  } catch (error) {
    if (codeOf(error) !== 'ENOENT') throw error;
    await mkdir(path.dirname(folder), { recursive: true, mode: 0o700 });
    await mkdir(folder, { mode: 0o700 });
  }
}

export function gib(bytes: number): string {
  return bytes >= 2 ** 30 ? `${(bytes / 2 ** 30).toFixed(1)} GiB` : `${(bytes / 2 ** 20).toFixed(1)} MiB`;
}

/** One folder of a tree that is written to, into another tree. */
export async function copyOne(source: string, folder: string, target: string, signal: AbortSignal): Promise<void> {
  const into = path.dirname(path.join(target, folder));
  const share = process.platform === 'darwin' ? ['-Rpc'] : ['-a', '--reflink=auto'];
  await runProgram(['cp', ...share, path.join(source, folder), into], { signal, tolerates: (line) => WENT.test(line) });
}
