/** Whose things are: a process, told apart from a later one of the same id, so that what a killed one left is known as such. */
import { readFileSync, readlinkSync } from 'node:fs';

export const OWNER = `${String(process.pid)}-${startOf(process.pid) ?? '0'}-${nameSpace()}`;

/** Whether a process of this name space made it, and is no more. What another name space owns can't be judged. */
export function isGone(owner: string): boolean {
  const [pid = '', start, space] = owner.split('-');
  return space === nameSpace() && startOf(Number(pid)) !== start;
}

/** @see https://man7.org/linux/man-pages/man5/proc_pid_stat.5.html The 22nd field; the second may hold spaces and ends with a bracket. */
function startOf(pid: number): string | undefined {
  try {
    const stat = readFileSync(`/proc/${String(pid)}/stat`, 'utf8');
    return stat.slice(stat.lastIndexOf(')') + 2).split(' ')[19];
  } catch {
    return undefined;
  }
}

function nameSpace(): string {
  try {
    return readlinkSync('/proc/self/ns/pid').replaceAll(/\D/g, '');
  } catch {
    return 'none';
  }
}
