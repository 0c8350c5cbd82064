import { setTimeout as sleep } from 'node:timers/promises';
import { ProviderError, type Tags } from '@clusternator/core/provider';
import type { InstanceSpec, InstanceStatus, Mount } from '../containers/instance.ts';
import type { ContainerRuntime } from '../containers/runtime.ts';
import { probe, type ProbeResult } from './probe.ts';
import { becomeReady } from './readiness.ts';
import type { ServiceContext } from './service.ts';
import { messageOf } from '../control/failure.ts';

export interface ContainerOptions {
  readonly context: ServiceContext;
  readonly index: number;
  readonly runtime: ContainerRuntime;
  readonly tags: Tags;
  network(signal: AbortSignal): Promise<{ readonly name: string; readonly hosts: Readonly<Record<string, string>> }>;
  mounts(): Promise<readonly Mount[]>;
}

const GRACE_SECONDS = 8;
/** For a log that the engine does not end. */
const LAST_LINES_SECONDS = 5;
const SETTLED_SECONDS = 0.3;
const FIRST_PAUSE_SECONDS = 0.2;
const LONGEST_PAUSE_SECONDS = 10;

/** One container of a service. The engine keeps it running; this watches it, asks for its health and collects its lines. */
export class ContainerInstance {
  readonly name: string;
  readonly #options: ContainerOptions;
  readonly #abort = new AbortController();
  #watch = new AbortController();
  #status: InstanceStatus | undefined;
  #ready = false;
  #waitsFor = 'its container is being made';
  #broken: string | undefined;
  #work: Promise<void> | undefined;
  readonly #reading = new AbortController();
  #lines: Promise<void> = Promise.resolve();

  constructor(options: ContainerOptions) {
    this.#options = options;
    const { key, name } = options.context;
    this.name = options.runtime.nameOf({ environment: key, service: name, index: options.index });
  }

  get ready(): boolean {
    return this.#ready;
  }
  get status(): InstanceStatus | undefined {
    return this.#status;
  }
  /** Why it will never run. */
  get broken(): string | undefined {
    return this.#broken;
  }
  get waitsFor(): string {
    return this.#waitsFor;
  }
  get endpoint(): InstanceStatus['endpoint'] {
    return this.#ready ? this.#status?.endpoint : undefined;
  }

  /** Does nothing while it is being made. */
  start(): void {
    this.#work ??= this.#ensure()
      .catch(() => undefined) // aborted
      .finally(() => {
        this.#work = undefined;
      });
  }

  /** Forgets it; with `forever` it is removed from the engine too. */
  async stop({ forever }: { readonly forever: boolean }): Promise<void> {
    this.#abort.abort();
    this.#watch.abort();
    await this.#work;
    if (forever) await this.#remove();
    this.#reading.abort();
  }

  /** What it says while it ends is told too. */
  async #remove(): Promise<void> {
    const { runtime } = this.#options;
    const { signal } = new AbortController();
    await runtime.stop(this.name, GRACE_SECONDS, signal);
    await Promise.race([this.#lines, sleep(LAST_LINES_SECONDS * 1000, undefined, { ref: false })]);
    await runtime.remove(this.name, 0, signal);
  }

  /** The engine told that something about it changed. */
  async refresh(): Promise<void> {
    const signal = this.#abort.signal;
    if (!this.#status) return;
    const status = await this.#options.runtime.inspect(this.name, signal).catch(() => undefined);
    if (signal.aborted || !status) return;
    // Somebody removed it behind our back: it is made again.
    if (status.state === 'absent') this.start();
    else this.#take(status);
  }

  async look(signal: AbortSignal): Promise<ProbeResult> {
    if (this.#broken !== undefined) return { ok: false, message: this.#broken };
    const status = await this.#options.runtime.inspect(this.name, signal);
    if (status.state !== 'running') return { ok: false, message: describeEnd(status) };
    const { spec, host } = this.#options.context;
    if (status.endpoint) return probe({ ...status.endpoint, isForwarded: true }, spec.health, host, signal);
    return { ok: spec.port === undefined, message: spec.port === undefined ? 'it runs' : this.#waitsFor };
  }

  async #ensure(): Promise<void> {
    const signal = this.#abort.signal;
    const { context, runtime } = this.#options;
    for (let pause = FIRST_PAUSE_SECONDS; ; pause = Math.min(pause * 2, LONGEST_PAUSE_SECONDS)) {
      try {
        this.#take(await this.#make(signal));
        this.#lines = this.#collect(this.#reading.signal).catch(() => undefined); // aborted, or the container is gone
        return;
      } catch (error) {
        signal.throwIfAborted();
        if (ProviderError.is(error) && error.code === 'already-exists') {
          await runtime.remove(this.name, GRACE_SECONDS, signal);
          continue;
        }
        this.#waitsFor = messageOf(error);
        if (isHopeless(error)) this.#broken = this.#waitsFor;
        context.onChange();
        if (this.#broken !== undefined) return;
        await sleep(pause * 1000, undefined, { signal });
      }
    }
  }

  async #make(signal: AbortSignal): Promise<InstanceStatus> {
    const { context, index, runtime, tags } = this.#options;
    const { spec } = context;
    const network = await this.#options.network(signal);
    const container: InstanceSpec = {
      environment: context.key,
      service: context.name,
      index,
      image: spec.artefact.kind === 'image' ? spec.artefact.reference : '',
      ...(spec.command && { command: spec.command }),
      env: { ...context.env, ...(spec.port !== undefined && { PORT: String(spec.port) }) },
      ...(spec.port !== undefined && { publish: { port: spec.port } }),
      mounts: await this.#options.mounts(),
      cpus: spec.cpus,
      memoryMiB: spec.memoryMiB,
      network: network.name,
      hosts: network.hosts,
      tags,
    };
    return runtime.ensure(container, signal);
  }

  #take(status: InstanceStatus): void {
    const before = this.#status;
    this.#status = status;
    const same = before?.state === status.state && before.endpoint?.port === status.endpoint?.port;
    if (same && before.startedAt?.getTime() === status.startedAt?.getTime()) return;
    this.#watch.abort();
    this.#ready = false;
    if (status.state === 'running') {
      this.#watch = new AbortController();
      this.#becomeReady(this.#watch.signal).catch(() => undefined); // aborted: it ended
    } else {
      this.#waitsFor = describeEnd(status);
    }
    this.#options.context.onChange();
  }

  async #becomeReady(signal: AbortSignal): Promise<void> {
    const { spec, host } = this.#options.context;
    const endpoint = this.#status?.endpoint;
    if (spec.port === undefined) await sleep(SETTLED_SECONDS * 1000, undefined, { signal });
    else {
      await becomeReady({
        // The engine takes connections to a published port whether or not the program does.
        find: () => Promise.resolve(endpoint && { ...endpoint, isForwarded: true }),
        check: spec.health,
        host,
        onWait: (message) => {
          this.#waitsFor = message;
        },
        signal,
      });
    }
    signal.throwIfAborted();
    this.#ready = true;
    this.#options.context.onChange();
  }

  /** Its lines go where the processes' lines are, so that one reader tells them all in their order. */
  async #collect(signal: AbortSignal): Promise<void> {
    const { context, index, runtime } = this.#options;
    const instance = String(index);
    const after = context.log.marks(context.name).get(instance);
    const query = { follow: true, ...(after !== undefined && { after: decodeURIComponent(after) }) };
    for await (const line of runtime.logs(this.name, query, signal)) {
      context.log.append(context.name, instance, [line.text], { at: line.at, mark: encodeURIComponent(line.cursor) });
    }
  }
}

function describeEnd(status: InstanceStatus): string {
  if (status.oomKilled) return 'its container ran out of memory';
  if (status.state === 'exited')
    return status.message ?? `its container exited with code ${String(status.exitCode ?? 0)}`;
  return status.message ?? `its container is ${status.state}`;
}

/** What the engine refuses for good. An engine that does not answer may come back. */
function isHopeless(error: unknown): boolean {
  if (!ProviderError.is(error)) return false;
  return ['not-found', 'invalid', 'denied', 'owned-by-other', 'unsupported', 'quota'].includes(error.code);
}
