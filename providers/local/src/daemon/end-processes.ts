import { setTimeout as sleep } from 'node:timers/promises';
import type { ProcessEntry } from './process-table.ts';

/**
 * Ends processes: asks first, then forces, until `find` finds none. Whole groups are signalled, since a program's children end with it.
 * @param find - Looks anew each time: children may be born while their parents end.
 * @returns False when some survived the force for five seconds, as a process in an uninterruptible wait does.
 */
export async function endProcesses(find: () => readonly ProcessEntry[], graceSeconds: number): Promise<boolean> {
  const asked = Date.now();
  if (graceSeconds > 0) signalAll(find(), 'SIGTERM');
  for (let pause = 5; ; pause = Math.min(pause * 1.5, 100)) {
    const left = find();
    if (left.length === 0) return true;
    const waitedSeconds = (Date.now() - asked) / 1000;
    if (waitedSeconds >= graceSeconds) signalAll(left, 'SIGKILL');
    if (waitedSeconds >= graceSeconds + 5) return false;
    await sleep(pause);
  }
}

function signalAll(processes: readonly ProcessEntry[], signal: NodeJS.Signals): void {
  const groups = new Set(processes.filter((entry) => entry.group === entry.session).map((entry) => entry.group));
  for (const group of groups) send(-group, signal);
  for (const entry of processes) if (!groups.has(entry.group)) send(entry.pid, signal);
}

function send(target: number, signal: NodeJS.Signals): void {
  try {
    process.kill(target, signal);
  } catch {
    // it ended in between
  }
}
