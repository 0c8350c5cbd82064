import { spawnSync } from 'node:child_process';
import {
  chmodSync,
  chownSync,
  closeSync,
  ftruncateSync,
  lstatSync,
  openSync,
  readdirSync,
  rmSync,
  utimesSync,
  writeSync,
  type Stats,
} from 'node:fs';
import { fill } from './checksums.ts';

export interface FollowTask {
  readonly source: string;
  readonly target: string;
  /** By the clock of the source's file system. */
  readonly sinceMs: number;
  /** Nothing writes to the source: what goes missing is a failure. */
  readonly isStill: boolean;
  /** Copies are of no cost, however large. */
  readonly sharesBlocks: boolean;
  /** By this machine's clock: too late is a failure. */
  readonly untilMs: number;
}

/** From here on a file is compared piece by piece, and only what differs is written. */
const LARGE_BYTES = 2 ** 20;
const SLASH = Buffer.from('/');
const DOT = Buffer.from('.');
const ZERO = Buffer.from([0]);
let ours: Buffer | undefined;
let theirs: Buffer | undefined;

/**
 * Brings a copy up to what its source is now: whatever changed since, by the change time that only the kernel sets. Reads no content but of
 * what changed. Blocks its thread.
 */
export function follow(task: FollowTask): void {
  const changed: Buffer[] = [];
  visit(task, DOT, changed, false);
  copyAll(task, changed);
}

/** @param isMoved - The folder may have come here by a rename: what is in it did not change for that. */
function visit(task: FollowTask, folder: Buffer, changed: Buffer[], isMoved: boolean): void {
  const stats = look(task.source, folder);
  if (!stats?.isDirectory()) return;
  const isChanged = isMoved || stats.ctimeMs >= task.sinceMs;
  const names = namesIn(task.source, folder);
  if (isChanged) removeOthers(task, folder, names);
  for (const name of names) {
    assertInTime(task);
    const inside = Buffer.concat([folder, SLASH, name]);
    const one = look(task.source, inside);
    if (!one) continue;
    const copy = isChanged ? look(task.target, inside) : undefined;
    const isOther = isChanged && differs(one, copy);
    if (one.isDirectory() && !(isChanged && !copy?.isDirectory())) {
      visit(task, inside, changed, isChanged && (isMoved || one.ctimeMs >= task.sinceMs));
    } else if (one.ctimeMs >= task.sinceMs || isOther) {
      if (!isToPatch(task, one, inside) || !patched(task, inside, one)) changed.push(inside);
    }
  }
  if (isChanged) takeAttributes(at(task.target, folder), stats);
}

function removeOthers(task: FollowTask, folder: Buffer, names: readonly Buffer[]): void {
  const known = new Set(names.map((name) => name.toString('latin1')));
  for (const name of namesIn(task.target, folder)) {
    const inside = Buffer.concat([folder, SLASH, name]);
    const copy = look(task.target, inside);
    const isKept =
      known.has(name.toString('latin1')) && look(task.source, inside)?.isDirectory() === copy?.isDirectory();
    if (!isKept) rmSync(at(task.target, inside), { recursive: true, force: true });
  }
}

function differs(one: Stats, copy: Stats | undefined): boolean {
  return copy?.mode !== one.mode || copy.size !== one.size || Math.abs(copy.mtimeMs - one.mtimeMs) >= 1;
}

function isToPatch({ target, sharesBlocks }: FollowTask, one: Stats, file: Buffer): boolean {
  if (sharesBlocks || !one.isFile() || one.nlink > 1 || one.size < LARGE_BYTES) return false;
  const copy = look(target, file);
  return copy?.isFile() === true && copy.nlink === 1;
}

/** @returns False when it went meanwhile. */
function patched(task: FollowTask, file: Buffer, stats: Stats): boolean {
  try {
    patch(task, file, stats);
    return true;
  } catch (error) {
    if (task.isStill || !isGone(error)) throw error;
    return false;
  }
}

/** Two readings of what is in memory cost less than one writing of what is not. */
function patch(task: FollowTask, file: Buffer, stats: Stats): void {
  ours ??= Buffer.allocUnsafeSlow(LARGE_BYTES);
  theirs ??= Buffer.allocUnsafeSlow(LARGE_BYTES);
  const source = openSync(at(task.source, file), 'r');
  const target = openSync(at(task.target, file), 'r+');
  try {
    let position = 0;
    for (;;) {
      assertInTime(task);
      const length = fill(source, ours, () => undefined);
      if (length === 0) break;
      const copied = fill(target, theirs, () => undefined);
      const piece = ours.subarray(0, length);
      if (!piece.equals(theirs.subarray(0, copied))) writeAll(target, piece, position);
      position += length;
    }
    ftruncateSync(target, position);
  } finally {
    closeSync(source);
    closeSync(target);
  }
  takeAttributes(at(task.target, file), stats);
}

function writeAll(handle: number, piece: Buffer, position: number): void {
  for (let done = 0; done < piece.length;) done += writeSync(handle, piece, done, piece.length - done, position + done);
}

/** By `cp`, which knows of links, holes and extended attributes. */
function copyAll({ source, target, isStill, untilMs }: FollowTask, files: readonly Buffer[]): void {
  if (files.length === 0) return;
  const input = Buffer.concat(files.flatMap((file) => [file, ZERO]));
  const copy = ['cp', '-a', '--reflink=auto', '--remove-destination', '--parents', '-t', target, '--'];
  const env = { PATH: process.env.PATH ?? '/usr/bin:/bin', LC_ALL: 'C' };
  const timeout = Math.max(1, Math.min(untilMs - Date.now(), 2 ** 31 - 1));
  const done = spawnSync('xargs', ['-0', ...copy], { cwd: source, input, env, timeout, maxBuffer: 2 ** 24 });
  if (done.error && Date.now() >= untilMs) throw late();
  if (done.error) throw done.error;
  if (done.status === 0) return;
  const lines = done.stderr.toString().trim().split('\n');
  const serious = isStill
    ? lines
    : lines.filter((line) => !/No such file or directory$|replaced while being copied$/.test(line));
  if (serious.length === 0) return;
  const code = /no space left|quota exceeded/i.test(serious.join()) ? 'ENOSPC' : 'EIO';
  throw Object.assign(new Error(serious.slice(0, 10).join('\n')), { code });
}

function takeAttributes(file: Buffer, { mode, uid, gid, atimeMs, mtimeMs }: Stats): void {
  try {
    chownSync(file, uid, gid);
  } catch {
    // not ours to give away: as with `cp`, it is then ours
  }
  chmodSync(file, mode & 0o7777);
  utimesSync(file, atimeMs / 1000, mtimeMs / 1000);
}

function look(tree: string, file: Buffer): Stats | undefined {
  return lstatSync(at(tree, file), { throwIfNoEntry: false });
}

function namesIn(tree: string, folder: Buffer): Buffer[] {
  try {
    return readdirSync(at(tree, folder), { encoding: 'buffer' });
  } catch (error) {
    if (isGone(error)) return [];
    throw error;
  }
}

function isGone(error: unknown): boolean {
  return error instanceof Error && 'code' in error && (error.code === 'ENOENT' || error.code === 'ENOTDIR');
}

function at(tree: string, file: Buffer): Buffer {
  return Buffer.concat([Buffer.from(tree), SLASH, file]);
}

function assertInTime({ untilMs }: FollowTask): void {
  if (Date.now() > untilMs) throw late();
}

function late(): Error {
  return Object.assign(new Error('it took too long'), { code: 'ETIME' });
}
