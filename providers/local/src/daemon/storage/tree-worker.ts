import { parentPort, workerData } from 'node:worker_threads';
import { firstDamaged, sealOf } from './seal.ts';
import { isTask, type Answer, type Task } from './tree-task.ts';

/** Tells at most so often: a message for each file would take longer than the file. */
const TELL_BYTES = 2 ** 24;

/** Reads whole trees, in a thread of its own: the daemon's answers everybody meanwhile. */
async function work(task: Task): Promise<Answer> {
  let done = 0;
  let told = 0;
  const onBytes = (bytes: number): void => {
    done += bytes;
    if (done - told < TELL_BYTES) return;
    told = done;
    parentPort?.postMessage({ kind: 'progress', done } satisfies Answer);
  };
  if (task.kind === 'seal') return { kind: 'done', seal: sealOf(task.folder, task.list, onBytes) };
  return { kind: 'done', damaged: await firstDamaged(task.folder, task.list) };
}

function failure(error: unknown): Answer {
  const code = typeof error === 'object' && error !== null && 'code' in error ? String(error.code) : undefined;
  return { kind: 'failed', message: error instanceof Error ? error.message : String(error), code };
}

if (isTask(workerData)) {
  work(workerData).then(
    (answer) => parentPort?.postMessage(answer),
    (error: unknown) => parentPort?.postMessage(failure(error)),
  );
}
