import { DatabaseSync } from 'node:sqlite';
import { setTimeout as sleep } from 'node:timers/promises';

/** Held by one process at a time. It ends with its process, however that ends. */
export interface Lock {
  release(): void;
}

/** Two that try at the same moment can both be refused, so a refusal counts only when it is repeated. */
const TRIES = 4;

/**
 * A lock that the operating system frees when its holder dies: an exclusive transaction on a database of its own, under which SQLite
 * holds a lock on the file. @see https://sqlite.org/lockingv3.html
 * @returns Undefined when another process has it.
 */
export async function tryLock(file: string): Promise<Lock | undefined> {
  for (let tries = 0; tries < TRIES; tries++) {
    if (tries > 0) await sleep(10 + Math.random() * 40);
    const lock = tryLockOnce(file);
    if (lock) return lock;
  }
  return undefined;
}

/** As `tryLock`, but of two that try at the same moment both may be refused. */
export function tryLockOnce(file: string): Lock | undefined {
  const database = new DatabaseSync(file, { timeout: 0 });
  try {
    database.exec('BEGIN EXCLUSIVE');
  } catch (error) {
    database.close();
    if (isBusy(error)) return undefined;
    throw error;
  }
  return {
    release() {
      database.close();
    },
  };
}

/** @see https://sqlite.org/rescode.html#busy */
function isBusy(error: unknown): boolean {
  return typeof error === 'object' && error !== null && 'errcode' in error && Number(error.errcode) % 256 === 5;
}
