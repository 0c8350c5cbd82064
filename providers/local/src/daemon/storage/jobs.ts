import { setTimeout as sleep } from 'node:timers/promises';
import type { ProgressView } from '../../control/storage-protocol.ts';

/** What work is given. */
export interface Job {
  /** Aborted when it is stopped, or the daemon is. */
  readonly signal: AbortSignal;
  tell(progress: ProgressView): void;
}

interface Running {
  readonly abort: AbortController;
  readonly ended: Promise<void>;
  progress?: ProgressView;
}

/** Work that outlives the request that asked for it: one at a time for each key. */
export class Jobs {
  readonly #running = new Map<string, Running>();
  readonly #failures = new Map<string, Error>();
  #isClosed = false;

  /** Not begun where one of this key runs. */
  run(key: string, work: (job: Job) => Promise<void>): void {
    if (this.#isClosed || this.#running.has(key)) return;
    this.#failures.delete(key);
    const abort = new AbortController();
    const begun = Promise.withResolvers<undefined>();
    const job = {
      signal: abort.signal,
      tell: (progress: ProgressView) => {
        running.progress = progress;
      },
    };
    const ended = begun.promise
      .then(() => work(job))
      .catch((error: unknown) => {
        if (!abort.signal.aborted) this.#failures.set(key, error instanceof Error ? error : new Error(String(error)));
      })
      .finally(() => this.#running.delete(key));
    const running: Running = { abort, ended };
    this.#running.set(key, running);
    begun.resolve(undefined);
  }

  progress(key: string): ProgressView | undefined {
    return this.#running.get(key)?.progress;
  }

  /** For whoever waited for it. @throws What the last of this key failed with. */
  assertDidNotFail(key: string): void {
    const failure = this.#failures.get(key);
    if (failure) throw failure;
  }

  isRunning(key: string): boolean {
    return this.#running.has(key);
  }

  /** Resolves when it has ended, or the time is over, or the signal aborts. */
  async ended(key: string, seconds: number, signal: AbortSignal): Promise<void> {
    const running = this.#running.get(key);
    if (!running || seconds <= 0) return;
    const waiting = new AbortController();
    const limit = AbortSignal.any([signal, waiting.signal]);
    await Promise.race([running.ended, sleep(seconds * 1000, undefined, { signal: limit }).catch(() => undefined)]);
    waiting.abort();
  }

  /** Nothing of it runs any more. */
  async stop(key: string): Promise<void> {
    const running = this.#running.get(key);
    running?.abort.abort();
    await running?.ended;
  }

  async close(): Promise<void> {
    this.#isClosed = true;
    await Promise.all([...this.#running.keys()].map((key) => this.stop(key)));
  }
}
