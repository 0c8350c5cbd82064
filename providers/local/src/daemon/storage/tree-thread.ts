import { Worker } from 'node:worker_threads';
import { ProviderError } from '@clusternator/core/provider';
import { isAnswer, type Answer, type Task } from './tree-task.ts';

/** From its sources, the daemon runs without a build. */
const PROGRAM = new URL(import.meta.url.endsWith('.ts') ? './tree-worker.ts' : './tree-worker.js', import.meta.url);

/** @throws ProviderError `denied`, `internal`, and the signal's reason. */
export async function inThread(
  task: Task,
  signal: AbortSignal,
  onBytes?: (done: number) => void,
): Promise<Extract<Answer, { kind: 'done' }>> {
  signal.throwIfAborted();
  const worker = new Worker(PROGRAM, { workerData: task });
  const { promise, resolve, reject } = Promise.withResolvers<Extract<Answer, { kind: 'done' }>>();
  const abort = (): void => {
    reject(signal.reason instanceof Error ? signal.reason : new Error('aborted'));
  };
  signal.addEventListener('abort', abort, { once: true });
  worker.on('message', (message: unknown) => {
    if (!isAnswer(message)) return;
    if (message.kind === 'progress') onBytes?.(message.done);
    else if (message.kind === 'done') resolve(message);
    else reject(errorOf(message));
  });
  worker.once('error', reject);
  worker.once('exit', (code) => {
    reject(new Error(`the thread ended with code ${String(code)}`));
  });
  try {
    return await promise;
  } finally {
    signal.removeEventListener('abort', abort);
    await worker.terminate();
  }
}

function errorOf({ message, code }: Extract<Answer, { kind: 'failed' }>): ProviderError {
  if (code === 'ENOSPC' || code === 'EDQUOT') return new ProviderError('quota', `the disk is full: ${message}`);
  return new ProviderError(code === 'EACCES' || code === 'EPERM' ? 'denied' : 'internal', message, { effect: 'none' });
}
