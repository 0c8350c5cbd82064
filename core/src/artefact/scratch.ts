import { createHash, randomBytes } from 'node:crypto';
import { mkdir, readdir, readFile, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { currentIdentity, livenessOf } from '../engine/identity.ts';
import type { ProcessIdentity } from '../engine/identity.ts';
import { removeFolder } from './files.ts';

/** A folder of this process alone, gone after use. Its name says whose it is, so that others can tell when it is left over. */
export interface Scratch extends AsyncDisposable {
  readonly folder: string;
}
/** Processes of this folder have it in their environment, so that they end with it. */
export const SCRATCH_VARIABLE = 'CLUSTERNATOR_SCRATCH';
const FOREIGN_HOURS = 24;

/** A new path below `root` that tells whose it is, also for a file. */
export function scratchPath(root: string): string {
  return join(root, `${ownPrefix()}-${randomBytes(6).toString('hex')}`);
}

/** Makes one below `root`. */
export async function openScratch(root: string): Promise<Scratch> {
  const folder = scratchPath(root);
  await mkdir(folder, { recursive: true, mode: 0o700 });
  return { folder, [Symbol.asyncDispose]: () => removeFolder(folder) };
}

/** Removes what dead processes left below `root`, and ends what they started there. @returns How many folders. */
export async function sweepScratch(root: string, now: Date = new Date()): Promise<number> {
  const names = await readdir(root).catch(() => []);
  let swept = 0;
  for (const name of names) {
    const folder = join(root, name);
    if (!(await isLeftOver(folder, name, now))) continue;
    await endProcessesOf(folder);
    await removeFolder(folder);
    swept++;
  }
  return swept;
}

/** Ends all processes that carry the folder in their environment, also those that left their process group. Linux only. */
export async function endProcessesOf(folder: string): Promise<void> {
  const mark = Buffer.from(`${SCRATCH_VARIABLE}=${folder}\0`);
  for (const pid of await readdir('/proc').catch(() => [])) {
    if (!/^\d+$/.test(pid) || Number(pid) === process.pid) continue;
    const environment = await readFile(`/proc/${pid}/environ`).catch(() => undefined);
    if (environment?.includes(mark)) endProcess(Number(pid));
  }
}

function endProcess(pid: number): void {
  try {
    process.kill(pid, 'SIGKILL');
  } catch {
    // It ended by itself meanwhile.
  }
}

async function isLeftOver(folder: string, name: string, now: Date): Promise<boolean> {
  const [host = '', boot, pid, started] = name.split('-');
  const me = currentIdentity();
  const machine = host === hostOf(me) && started !== undefined ? me.machine : '';
  const liveness = livenessOf({
    ...me,
    machine,
    boot: boot === bootOf(me) ? me.boot : '',
    pid: Number(pid),
    started: started ?? '',
  });
  if (liveness !== 'unknown') return liveness === 'dead';
  const seen = await stat(folder).catch(() => undefined); // Of another machine or container, whose processes can't be seen from here.
  return seen !== undefined && now.getTime() - seen.mtimeMs > FOREIGN_HOURS * 3_600_000;
}

function ownPrefix(): string {
  const me = currentIdentity();
  return [hostOf(me), bootOf(me), me.pid, me.started].join('-');
}

const hostOf = (me: ProcessIdentity): string => short(`${me.machine} ${me.pidNamespace}`);
const bootOf = (me: ProcessIdentity): string => short(me.boot);

function short(text: string): string {
  return createHash('sha256').update(text).digest('hex').slice(0, 8);
}
