import { readdirSync } from 'node:fs';
import path from 'node:path';
import type { LocalDatabase } from './database.ts';
import { endProcesses } from './end-processes.ts';
import { bootId, listProcesses, processesMarked, type ProcessEntry } from './process-table.ts';
import { removeTree } from './source-tree.ts';

const GRACE_SECONDS = 3;

/**
 * Ends what a daemon that died left running: found by the marker in its environment, or, where a program wiped that, by its recorded pid and
 * start. Only called under the lock, before this daemon has started anything.
 */
export async function endLeftovers(home: string, database: LocalDatabase): Promise<number> {
  const boot = bootId();
  const recorded = database.processes();
  const alive = listProcesses();
  const isOurs = (session: number): boolean => {
    const record = recorded.find((it) => it.pid === session && it.boot === boot);
    if (!record) return false;
    // A pid is not given away while its session lives: without a leader, the session is still the recorded one.
    const leader = alive.find((it) => it.pid === session);
    return !leader || leader.startTicks === record.startTicks;
  };
  const sessions = new Set(alive.filter((it) => isOurs(it.session)).map((it) => it.session));
  const find = (): readonly ProcessEntry[] => {
    const marked = processesMarked(`${home}:`);
    const known = new Set(marked.map((it) => it.pid));
    return [...marked, ...listProcesses().filter((it) => sessions.has(it.session) && !known.has(it.pid))];
  };
  const found = find().length;
  if (found > 0) await endProcesses(find, GRACE_SECONDS);
  for (const { pid } of recorded) database.removeProcess(pid);
  return found;
}

/** Folders of environments that are written down nowhere: of one whose record could not be written, for example. */
export async function removeStrayFolders(folder: string, isKnown: (name: string) => boolean): Promise<void> {
  for (const name of entriesOf(folder)) if (!isKnown(name)) await removeTree(path.join(folder, name));
}

function entriesOf(folder: string): readonly string[] {
  try {
    return readdirSync(folder);
  } catch {
    return [];
  }
}
