import { createHmac } from 'node:crypto';
import { readFileSync, readlinkSync } from 'node:fs';
import { hostname, userInfo } from 'node:os';
import { systemCodeOf } from './thrown.ts';

/** Which process of which machine. With all of it the same, it is the same process and not another under the same pid. */
export interface ProcessIdentity {
  /** A hash of the machine's id and name; never the id itself, which is confidential. */
  readonly machine: string;
  /** Of this start of the machine; empty where the system does not tell. */
  readonly boot: string;
  /** Containers number their processes for themselves; empty where the system does not tell. */
  readonly pidNamespace: string;
  readonly pid: number;
  /** When it started, in the system's own ticks; empty where the system does not tell. */
  readonly started: string;
  readonly user: string;
  /** The machine's name, for messages. */
  readonly host: string;
}

/** `unknown`: it can't be told from here. */
export type Liveness = 'alive' | 'dead' | 'unknown';

/** The namespace outside of all containers. @see https://github.com/torvalds/linux/blob/v6.12/include/linux/proc_ns.h (PROC_PID_INIT_INO) */
const OUTERMOST = 'pid:[4026531836]';

/** This process. */
export function currentIdentity(): ProcessIdentity {
  return identityOf(process.pid);
}

/** A process of this machine, as the current one sees it. */
export function identityOf(pid: number): ProcessIdentity {
  return {
    machine: machineId(),
    boot: textOf('/proc/sys/kernel/random/boot_id'),
    pidNamespace: linkOf('/proc/self/ns/pid'),
    pid,
    started: processState(pid)?.started ?? '',
    user: userName(),
    host: hostname(),
  };
}

/** `dead` only when that is certain: then nobody waits for its heartbeat. */
export function livenessOf(other: ProcessIdentity, me: ProcessIdentity = currentIdentity()): Liveness {
  if (other.machine !== me.machine) return 'unknown';
  if (other.boot !== me.boot) {
    // Images of containers may bring one machine id to many machines. What ran outside of containers is told by it.
    return other.pidNamespace === OUTERMOST && me.pidNamespace === OUTERMOST ? 'dead' : 'unknown';
  }
  if (other.pidNamespace !== me.pidNamespace) return 'unknown';
  return hasProc() ? livenessByProc(other) : livenessBySignal(other.pid);
}

/** Who it is, for people. */
export function describeOwner(owner: Pick<ProcessIdentity, 'user' | 'host' | 'pid'>): string {
  return `${owner.user}@${owner.host}, process ${owner.pid}`;
}

/** The same process. */
export function isSameProcess(a: ProcessIdentity, b: ProcessIdentity): boolean {
  return (
    a.machine === b.machine &&
    a.boot === b.boot &&
    a.pidNamespace === b.pidNamespace &&
    a.pid === b.pid &&
    a.started === b.started
  );
}

function livenessByProc(other: ProcessIdentity): Liveness {
  const state = processState(other.pid);
  if (!state) return livenessBySignal(other.pid) === 'dead' ? 'dead' : 'unknown'; // /proc may hide other users' processes
  return state.started === other.started && !state.ended ? 'alive' : 'dead';
}

function livenessBySignal(pid: number): Liveness {
  try {
    process.kill(pid, 0);
    return 'alive';
  } catch (error) {
    return systemCodeOf(error) === 'ESRCH' ? 'dead' : 'unknown';
  }
}

/** @see https://man7.org/linux/man-pages/man5/proc_pid_stat.5.html (3: state, 22: starttime) */
function processState(pid: number): { readonly started: string; readonly ended: boolean } | undefined {
  const stat = textOf(`/proc/${pid}/stat`);
  const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' '); // a program's name may hold blanks and brackets
  const [state, started] = [fields[0], fields[19]];
  return state && started ? { started, ended: state === 'Z' || state === 'X' } : undefined;
}

const hasProc = (): boolean => processState(process.pid) !== undefined;

function machineId(): string {
  const id = textOf('/etc/machine-id') || textOf('/var/lib/dbus/machine-id');
  return createHmac('sha256', 'clusternator').update(`${id}\n${hostname()}`).digest('hex').slice(0, 32);
}

function userName(): string {
  try {
    return userInfo().username;
  } catch {
    return String(process.getuid?.() ?? 'unknown'); // containers run under numbers without a name
  }
}

function textOf(file: string): string {
  try {
    return readFileSync(file, 'utf8').trim();
  } catch {
    return '';
  }
}

function linkOf(file: string): string {
  try {
    return readlinkSync(file);
  } catch {
    return '';
  }
}
