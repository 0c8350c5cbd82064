import { spawn, type ChildProcess } from 'node:child_process';
import { setTimeout as sleep } from 'node:timers/promises';
import { ProviderError } from '@clusternator/core/provider';
import type { ContainerRuntime } from '../../containers/runtime.ts';
import { codeOf } from '../../control/failure.ts';
import { readProcess } from '../process-table.ts';
import type { Members } from '../service.ts';

export interface HoldOptions {
  /** Looks anew each time: processes start others until they are stopped themselves. */
  readonly find: () => Members;
  readonly runtime: Pick<ContainerRuntime, 'pause' | 'unpause'>;
  readonly signal: AbortSignal;
}

/** How long a process may take to stop: one that waits for the disk stops after. */
const STOP_SECONDS = 2;
const LOOK_MS = 2;

/**
 * Stops what writes to a volume, for a moment. Who stops processes and dies would leave them so: a shell that lives on its own waits for the
 * end of its input, which comes with the end of this process too, and lets go what it was told of before each was stopped.
 */
export class Hold {
  readonly #options: HoldOptions;
  readonly #stopped = new Set<number>();
  readonly #paused = new Set<string>();
  readonly #guard: ChildProcess;

  private constructor(options: HoldOptions) {
    this.#options = options;
    const script = 'p=; while read -r l; do p="$p $l"; done; [ -z "$p" ] || kill -CONT $p';
    this.#guard = spawn('/bin/sh', ['-c', script], { detached: true, stdio: ['pipe', 'ignore', 'ignore'] });
    this.#guard.on('error', () => undefined);
    this.#guard.stdin?.on('error', () => undefined);
  }

  /** @throws ProviderError `denied` (they are another user's), `timeout`; then nothing is held. */
  static async begin(options: HoldOptions): Promise<Hold> {
    const hold = new Hold(options);
    try {
      await hold.extend();
      return hold;
    } catch (error) {
      await hold.end();
      throw error;
    }
  }

  /** Stops those that came since. @returns Whether there were any. */
  async extend(): Promise<boolean> {
    const { find, runtime, signal } = this.#options;
    const deadline = performance.now() + STOP_SECONDS * 1000;
    let isExtended = false;
    for (;;) {
      const { processes, containers } = find();
      const fresh = containers.filter((name) => !this.#paused.has(name));
      for (const name of fresh) this.#paused.add(name);
      await Promise.all(fresh.map((name) => runtime.pause(name, signal)));
      const running = processes.filter(({ pid, isStopped }) => !isStopped && pid !== this.#guard.pid);
      for (const { pid } of running) if (!this.#stopped.has(pid)) this.#stop(pid);
      if (running.length === 0 && fresh.length === 0) return isExtended;
      isExtended = true;
      if (performance.now() > deadline) {
        throw new ProviderError('timeout', 'what writes to the volume did not stop', { effect: 'none', retry: 'safe' });
      }
      await sleep(LOOK_MS, undefined, { signal });
    }
  }

  /** All go on. */
  async end(): Promise<void> {
    for (const pid of this.#stopped) send(pid, 'SIGCONT');
    this.#guard.stdin?.end();
    const never = new AbortController().signal;
    await Promise.all([...this.#paused].map((name) => this.#options.runtime.unpause(name, never)));
  }

  #stop(pid: number): void {
    this.#guard.stdin?.write(`${String(pid)}\n`);
    this.#stopped.add(pid);
    try {
      process.kill(pid, 'SIGSTOP');
    } catch (cause) {
      if (codeOf(cause) === 'ESRCH' || !readProcess(pid)) return; // it ended in between
      throw new ProviderError('denied', `process ${String(pid)} writes to the volume, and may not be held`, {
        cause,
        effect: 'none',
        hint: 'it runs as another user: let the daemon run as that user or as root, or stop the service first',
      });
    }
  }
}

function send(pid: number, signal: NodeJS.Signals): void {
  try {
    process.kill(pid, signal);
  } catch {
    // it ended in between
  }
}
