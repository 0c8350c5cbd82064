import { setTimeout as sleep } from 'node:timers/promises';
import { endProcesses } from './end-processes.ts';
import { findEndpoint, otherListeners, type Endpoint } from './endpoint.ts';
import { MARKER, markerOf, processesMarked, type ProcessEntry } from './process-table.ts';
import { probe, type ProbeResult } from './probe.ts';
import { becomeReady } from './readiness.ts';
import type { ServiceContext } from './service.ts';
import { SupervisedProcess, type Launch, type ProcessState } from './supervised-process.ts';

/** Without a port there is nothing to ask: it is taken for ready when it did not end at once. */
const SETTLED_SECONDS = 0.3;
const GRACE_SECONDS = 8;

export interface InstanceOptions {
  readonly context: ServiceContext;
  readonly index: number;
  /** Begins every marker of this environment's processes. */
  readonly markerPrefix: string;
  /** Where it runs, and with what, but for what is the instance's own. */
  readonly launch: Launch;
  readonly reservePort: () => Promise<number>;
  readonly releasePort: (port: number) => void;
  readonly onSpawn: (process: ProcessEntry) => void;
  readonly onGone: (pid: number) => void;
}

/** One process of a service: it is started, watched, asked for its health, and started again. */
export class ProcessInstance {
  readonly #options: InstanceOptions;
  readonly #process: SupervisedProcess;
  #watch = new AbortController();
  #port: number | undefined;
  #endpoint: Endpoint | undefined;
  #ready = false;
  #waitsFor = 'it is being started';

  constructor(options: InstanceOptions) {
    this.#options = options;
    const { context, index } = options;
    const marker = this.#marker();
    this.#process = new SupervisedProcess({
      graceSeconds: GRACE_SECONDS,
      launch: () => this.#launch(),
      onLines: (texts) => {
        context.log.append(context.name, String(index), texts);
      },
      onChange: () => {
        this.#changed();
      },
      onSpawn: options.onSpawn,
      onGone: options.onGone,
      endEscaped: () => endProcesses(() => processesMarked(marker).filter(({ pid }) => markerOf(pid) === marker), 0),
    });
  }

  get process(): ProcessState {
    return this.#process.state;
  }
  get endsInARow(): number {
    return this.#process.endsInARow;
  }
  get ready(): boolean {
    return this.#ready;
  }
  /** Left out: it has no port, or is not ready. */
  get endpoint(): Endpoint | undefined {
    return this.#ready ? this.#endpoint : undefined;
  }

  start(): void {
    this.#process.start();
  }

  async stop(): Promise<void> {
    this.#watch.abort();
    await this.#process.stop();
    this.#releasePort();
  }

  members(): readonly ProcessEntry[] {
    return this.#process.members();
  }

  /** Why it is not ready. */
  waitsFor(): string {
    const { context } = this.#options;
    const { port } = context.spec;
    if (port === undefined || this.#endpoint) return this.#waitsFor;
    const others = otherListeners(this.#process.members());
    if (others.length === 0) return this.#waitsFor;
    const where = [...new Set(others.map((it) => `${it.host}:${String(it.port)}`))].join(', ');
    return `it listens on ${where}, neither on the port in PORT (${String(this.#port)}) nor on the declared port ${String(port)}`;
  }

  async look(signal: AbortSignal): Promise<ProbeResult> {
    const state = this.#process.state;
    if (state.name !== 'running') return { ok: false, message: 'why' in state ? state.why : `it is ${state.name}` };
    if (!this.#ready) return { ok: false, message: this.waitsFor() };
    const { spec, host } = this.#options.context;
    return this.#endpoint ? probe(this.#endpoint, spec.health, host, signal) : { ok: true, message: 'it runs' };
  }

  /** With the variables and the port of this start. */
  async #launch(): Promise<Launch> {
    const { context, launch, reservePort } = this.#options;
    this.#releasePort();
    if (context.spec.port !== undefined) this.#port = await reservePort();
    const own = {
      HOST: context.address,
      ...launch.env,
      ...(this.#port !== undefined && { PORT: String(this.#port) }),
      [MARKER]: this.#marker(),
      CLUSTERNATOR_ADDRESS: context.address,
    };
    return { ...launch, env: own };
  }

  #marker(): string {
    const { context, index, markerPrefix } = this.#options;
    return `${markerPrefix}${context.name}:${String(index)}`;
  }

  #releasePort(): void {
    if (this.#port !== undefined) this.#options.releasePort(this.#port);
    this.#port = undefined;
  }

  #changed(): void {
    this.#watch.abort();
    this.#ready = false;
    this.#endpoint = undefined;
    if (this.#process.state.name === 'running') {
      this.#watch = new AbortController();
      this.#becomeReady(this.#watch.signal).catch(() => undefined); // aborted: it ended
    }
    this.#options.context.onChange();
  }

  async #becomeReady(signal: AbortSignal): Promise<void> {
    const { address, spec, host } = this.#options.context;
    const { port: declaredPort } = spec;
    if (declaredPort === undefined) {
      await sleep(SETTLED_SECONDS * 1000, undefined, { signal });
    } else {
      const wanted = { address, port: this.#port ?? declaredPort, declaredPort };
      const members = (): readonly ProcessEntry[] => this.#process.members();
      await becomeReady({
        find: async () => (this.#endpoint ??= await findEndpoint(wanted, members)),
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
}
