import { parentPort } from 'node:worker_threads';
import { changedBytes } from './changes.ts';
import { follow } from './follow.ts';
import { firstDamaged, sealOf } from './seal.ts';
import { isTask, type Answer, type Result, type Task } from './tree-task.ts';

/** Tells at most so often: a message for each file would take longer than the file. */
const TELL_BYTES = 2 ** 24;

/** Reads whole trees, in a thread of its own: the daemon answers everybody meanwhile. */
async function work(task: Task): Promise<Result> {
  let bytes = 0;
  let told = 0;
  const onBytes = (more: number): void => {
    bytes += more;
    if (bytes - told < TELL_BYTES) return;
    told = bytes;
    tell({ kind: 'progress', done: bytes });
  };
  if (task.kind === 'seal') {
    const seal = sealOf(task.folder, task.list, onBytes);
    return { seal, bytes };
  }
  if (task.kind === 'damaged') return { damaged: await firstDamaged(task.folder, task.list), bytes };
  if (task.kind === 'changes') return { bytes: changedBytes(task.folder, task.since) };
  follow(task);
  return { bytes };
}

function failure(error: unknown): Answer {
  const code = typeof error === 'object' && error !== null && 'code' in error ? String(error.code) : undefined;
  return { kind: 'failed', message: error instanceof Error ? error.message : String(error), code };
}

function tell(answer: Answer): void {
  parentPort?.postMessage(answer);
}

parentPort?.on('message', (task: unknown) => {
  if (!isTask(task)) return;
  work(task).then(
    (result) => {
      tell({ kind: 'done', ...result });
    },
    (error: unknown) => {
      tell(failure(error));
    },
  );
});
