import { setTimeout as sleep } from 'node:timers/promises';
import { ContainerInstance, type ContainerOptions } from './container-instance.ts';
import {
  CRASH_LOOP_ENDS,
  HOPELESS_ENDS,
  WITHIN_SECONDS,
  withLastLines,
  type Members,
  type PartHealth,
  type RunningService,
  type ServiceState,
} from './service.ts';

const RETRY_SECONDS = 1;

/** A service that runs an image. */
export class ContainerService implements RunningService {
  readonly #options: Omit<ContainerOptions, 'index'>;
  #wanted: number;
  #started = false;
  #instances: ContainerInstance[] = [];
  #unreadySinceMs = 0;
  #wasReady = false;
  #lateTimer: NodeJS.Timeout | undefined;
  readonly #leaving = new Set<Promise<void>>();
  readonly #abort = new AbortController();
  #hasEnded = false;

  constructor(options: Omit<ContainerOptions, 'index'>) {
    this.#options = {
      ...options,
      context: {
        ...options.context,
        onChange: () => {
          this.#changed();
        },
      },
    };
    this.#notify = options.context.onChange;
    this.#wanted = options.context.instances;
    this.#removeFormer();
  }
  readonly #notify: () => void;

  get state(): ServiceState {
    if (this.#wanted === 0) return { phase: this.isRunning ? 'stopping' : 'stopped', endpoints: [] };
    if (!this.#started) return { phase: 'waiting', endpoints: [] };
    const { context } = this.#options;
    const endpoints = this.#instances.flatMap((instance) => instance.endpoint ?? []);
    const failed = (message: string, final: boolean): ServiceState => ({
      phase: 'failed',
      message: withLastLines(`service ${context.name} ${message}`, context.log.tail(context.name, 10)),
      ...(final && { final: true as const }),
      endpoints,
    });
    const broken = this.#instances.find((instance) => instance.broken !== undefined)?.broken;
    if (broken !== undefined) return failed(`can't be started: ${broken}`, true);
    if (this.#instances.length > 0 && this.#instances.every((instance) => instance.ready))
      return { phase: 'active', endpoints };
    const looping = this.#instances.find((it) => !it.ready && (it.status?.restarts ?? 0) >= CRASH_LOOP_ENDS);
    const restarts = looping?.status?.restarts ?? 0;
    if (looping) return failed(`ends again and again: ${looping.waitsFor}`, restarts >= HOPELESS_ENDS);
    if (Date.now() - this.#unreadySinceMs >= this.#withinSeconds() * 1000) {
      const why = this.#instances.find((instance) => !instance.ready)?.waitsFor ?? '';
      return failed(`did not become healthy within ${String(this.#withinSeconds())} s: ${why}`, true);
    }
    const message = this.#instances.find((instance) => !instance.ready)?.waitsFor;
    return { phase: 'starting', ...(message !== undefined && { message }), endpoints };
  }

  get isRunning(): boolean {
    return !this.#hasEnded && (this.#instances.length > 0 || this.#leaving.size > 0);
  }

  start(): void {
    if (this.#started || this.#wanted === 0) return;
    this.#started = true;
    this.#expectReady();
    this.#match();
  }

  scale(instances: number): void {
    this.#wanted = instances;
    if (this.#started) {
      this.#expectReady();
      this.#match();
    } else this.start();
    this.#notify();
  }

  async stop(how: { readonly forever: boolean }): Promise<void> {
    clearTimeout(this.#lateTimer);
    this.#abort.abort();
    await Promise.all(this.#leaving);
    await Promise.all(this.#instances.map((instance) => instance.stop(how)));
    this.#hasEnded = how.forever;
  }

  /** The engine told that something about this container changed. */
  refresh(container: string): void {
    void this.#instances.find((instance) => instance.name === container)?.refresh();
  }

  /** The names of those that were made. */
  get containers(): readonly string[] {
    return this.#instances.filter((instance) => instance.status !== undefined).map((instance) => instance.name);
  }

  /** The container to run a command in. */
  get runningContainer(): string | undefined {
    return this.#instances.find((instance) => instance.status?.state === 'running')?.name;
  }

  async health(signal: AbortSignal): Promise<PartHealth> {
    const looks = await Promise.all(this.#instances.map((instance) => instance.look(signal)));
    const healthy = looks.length > 0 && looks.every((look) => look.ok);
    const message = looks.find((look) => !look.ok)?.message;
    return { healthy, instances: looks.filter((look) => look.ok).length, ...(message !== undefined && { message }) };
  }

  members(): Members {
    const running = this.#instances.filter((instance) => instance.status?.state === 'running');
    return { processes: [], containers: running.map((instance) => instance.name) };
  }

  #changed(): void {
    const isReady = this.#instances.every((instance) => instance.ready);
    if (!isReady && this.#wasReady) this.#expectReady();
    this.#wasReady = isReady;
    this.#notify();
  }

  #expectReady(): void {
    this.#unreadySinceMs = Date.now();
    clearTimeout(this.#lateTimer);
    this.#lateTimer = setTimeout(this.#notify, this.#withinSeconds() * 1000 + 1).unref();
  }

  #withinSeconds(): number {
    return this.#options.context.spec.health?.withinSeconds ?? WITHIN_SECONDS;
  }

  /** As many instances as are wanted; the newest go first. One that leaves is waited for: it has the name, and what is mounted, of the next. */
  #match(): void {
    while (this.#instances.length < this.#wanted && this.#leaving.size === 0) {
      const instance = new ContainerInstance({ ...this.#options, index: this.#instances.length });
      this.#instances.push(instance);
      instance.start();
    }
    for (const instance of this.#instances.splice(this.#wanted)) this.#remove(instance);
  }

  /** Until the engine says that it is gone: what it mounts is held as long. */
  #remove(instance: ContainerInstance): void {
    const signal = this.#abort.signal;
    const removed = async (): Promise<void> => {
      for (;;) {
        try {
          await instance.stop({ forever: true });
          return;
        } catch {
          if (signal.aborted) return;
          await sleep(RETRY_SECONDS * 1000, undefined, { signal, ref: false }).catch(() => undefined); // aborted
        }
      }
    };
    const gone = removed().finally(() => {
      this.#leaving.delete(gone);
      if (this.#started && !signal.aborted) this.#match();
      this.#notify();
    });
    this.#leaving.add(gone);
  }

  /** Scaled to none, and a daemon that died may have left its container. */
  #removeFormer(): void {
    const { context } = this.#options;
    if (this.#wanted > 0 || Object.keys(context.spec.mounts).length === 0) return;
    this.#remove(new ContainerInstance({ ...this.#options, index: 0 }));
  }
}
