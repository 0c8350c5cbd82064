import { Worker } from 'node:worker_threads';
import { ProviderError } from '@clusternator/core/provider';
import { isAnswer, type Answer, type Result, type Task } from './tree-task.ts';

/** From its sources, the daemon runs without a build. */
const PROGRAM = new URL(import.meta.url.endsWith('.ts') ? './tree-worker.ts' : './tree-worker.js', import.meta.url);

/** It makes much that is soon of no use: what is kept of that grows to 48 MiB, if it may. */
const LIMITS = { maxYoungGenerationSizeMb: 4 } as const;

/** A thread that does one task after the other, and is there before the first comes. */
export class TreeThread {
  readonly #worker = new Worker(PROGRAM, { resourceLimits: LIMITS });
  readonly #signal: AbortSignal;

  constructor(signal: AbortSignal) {
    this.#signal = signal;
    this.#worker.on('error', () => undefined); // told by whoever asks
    this.#worker.unref();
  }

  /** @throws ProviderError `denied`, `quota`, `timeout`, `internal`, and the signal's reason. */
  async ask(task: Task, onBytes?: (done: number) => void): Promise<Result> {
    const signal = this.#signal;
    signal.throwIfAborted();
    const { promise, resolve, reject } = Promise.withResolvers<Result>();
    const onMessage = (message: unknown): void => {
      if (!isAnswer(message)) return;
      if (message.kind === 'progress') onBytes?.(message.done);
      else if (message.kind === 'done') resolve(message);
      else reject(errorOf(message));
    };
    const onAbort = (): void => {
      reject(signal.reason instanceof Error ? signal.reason : new Error('aborted'));
    };
    const onExit = (code: number): void => {
      reject(new Error(`the thread ended with code ${String(code)}`));
    };
    this.#worker.on('message', onMessage).on('error', reject).on('exit', onExit);
    signal.addEventListener('abort', onAbort, { once: true });
    this.#worker.postMessage(task);
    try {
      return await promise;
    } finally {
      signal.removeEventListener('abort', onAbort);
      this.#worker.off('message', onMessage).off('error', reject).off('exit', onExit);
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#worker.terminate();
  }
}

/** One task. */
export async function inThread(task: Task, signal: AbortSignal, onBytes?: (done: number) => void): Promise<Result> {
  await using thread = new TreeThread(signal);
  return await thread.ask(task, onBytes);
}

function errorOf({ message, code }: Extract<Answer, { kind: 'failed' }>): ProviderError {
  if (code === 'ETIME') return new ProviderError('timeout', message, { effect: 'none' });
  if (code === 'ENOSPC' || code === 'EDQUOT') {
    return new ProviderError('quota', `the disk is full: ${message}`, { effect: 'none' });
  }
  return new ProviderError(code === 'EACCES' || code === 'EPERM' ? 'denied' : 'internal', message, { effect: 'none' });
}
