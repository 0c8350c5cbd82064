import { readdirSync } from 'node:fs';
import { readProcFile } from './proc-file.ts';

/** One line of the system's process table. */
export interface ProcessEntry {
  readonly pid: number;
  readonly parent: number;
  readonly group: number;
  readonly session: number;
  /** Since the machine started, in clock ticks: with the pid, it names a process for good. */
  readonly startTicks: number;
  /** By a signal, or a debugger. */
  readonly isStopped: boolean;
}

/** Set for every process that a daemon starts, and inherited: how a later daemon knows what an earlier one left behind. */
export const MARKER = 'CLUSTERNATOR_INSTANCE';

/** Undefined when it is gone, or ended and only waits to be reaped. */
export function readProcess(pid: number): ProcessEntry | undefined {
  const text = readProcFile(`/proc/${String(pid)}/stat`);
  if (text === undefined) return undefined;
  // The second field is the program's name in parentheses, which may hold spaces and parentheses itself.
  const fields = text.slice(text.lastIndexOf(')') + 2).split(' ');
  const [state, parent, group, session] = fields;
  if (state === undefined || state === 'Z' || state === 'X') return undefined;
  return {
    pid,
    parent: Number(parent),
    group: Number(group),
    session: Number(session),
    startTicks: Number(fields[19]),
    isStopped: state === 'T' || state === 't',
  };
}

/** All that run now, zombies left out. Empty on systems without /proc. */
export function listProcesses(): readonly ProcessEntry[] {
  let names: string[];
  try {
    names = readdirSync('/proc');
  } catch {
    return [];
  }
  return names.filter((name) => /^\d+$/.test(name)).flatMap((name) => readProcess(Number(name)) ?? []);
}

/** The marker that a process was started with. Undefined: it has none, is gone, or is another user's. */
export function markerOf(pid: number): string | undefined {
  const text = readProcFile(`/proc/${String(pid)}/environ`);
  const start = text?.startsWith(`${MARKER}=`) ? 0 : (text?.indexOf(`\0${MARKER}=`) ?? -1) + 1;
  if (text === undefined || (start === 0 && !text.startsWith(`${MARKER}=`))) return undefined;
  const end = text.indexOf('\0', start);
  return text.slice(start + MARKER.length + 1, end === -1 ? undefined : end);
}

/** Processes whose marker starts with this. Reads every process's environment: for rare use. */
export function processesMarked(prefix: string): readonly ProcessEntry[] {
  return listProcesses().filter((entry) => entry.pid !== process.pid && markerOf(entry.pid)?.startsWith(prefix));
}

/** Processes, and all that they started, and those started. */
export function withDescendants(roots: readonly ProcessEntry[]): readonly ProcessEntry[] {
  const found = new Map(roots.map((entry) => [entry.pid, entry]));
  const others = listProcesses();
  for (let before = -1; before !== found.size;) {
    before = found.size;
    for (const entry of others) if (found.has(entry.parent)) found.set(entry.pid, entry);
  }
  return [...found.values()];
}

/** Of the running machine: pids and ticks mean nothing after it started anew. */
export function bootId(): string {
  return readProcFile('/proc/sys/kernel/random/boot_id')?.trim() ?? 'unknown';
}
