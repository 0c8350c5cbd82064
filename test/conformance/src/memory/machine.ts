import { spawn, type ChildProcess } from 'node:child_process';
import { cpSync, mkdirSync, rmSync, symlinkSync } from 'node:fs';
import http from 'node:http';
import path from 'node:path';
import { createInterface } from 'node:readline';

/** What a service of the memory cloud runs. `secrets` never come back from the cloud. */
export interface ServiceBody {
  readonly bundle: string;
  readonly command: readonly string[];
  readonly port: number;
  readonly route?: string;
  readonly check?: string;
  readonly env: Readonly<Record<string, string>>;
  readonly secrets: Readonly<Record<string, string>>;
  readonly needs: Readonly<Record<string, string>>;
  /** By path: the name of a volume. */
  readonly mounts: Readonly<Record<string, string>>;
  readonly instances: number;
}
export interface LogEntry {
  readonly seq: number;
  readonly at: string;
  readonly service: string;
  readonly instance: string;
  readonly text: string;
}
export type MachineState = 'starting' | 'running' | 'stopping' | 'stopped' | 'failed' | 'unhealthy';

interface Instance {
  readonly name: string;
  readonly address: string;
  readonly child: ChildProcess;
  isReady: boolean;
}

let addresses = 0;

/** One service of the memory cloud: real processes, each at a loopback address of its own, so that two can have one port (on Linux). */
export class Machine {
  #instances: Instance[] = [];
  /** Ended, and not gone yet. */
  readonly #leaving = new Set<ChildProcess>();
  #made = 0;
  #end: { readonly code: number | null; readonly words: string[] } | undefined;
  lastRequestAt: Date | undefined;

  constructor(
    readonly name: string,
    readonly body: ServiceBody,
    private readonly bundleFolder: string,
    private readonly folder: string,
    private readonly volumeFolder: (volume: string) => string,
    private readonly hostOf: (service: string) => string,
    private readonly log: (entry: Omit<LogEntry, 'seq' | 'at'>) => void,
  ) {
    this.scale(body.instances);
  }

  get state(): MachineState {
    if (this.#end && this.#instances.some(({ isReady }) => isReady)) return 'unhealthy';
    if (this.#end) return this.#made > 0 && this.wasReady ? 'unhealthy' : 'failed';
    if (this.#instances.length === 0) return this.#leaving.size > 0 ? 'stopping' : 'stopped';
    return this.#instances.every(({ isReady }) => isReady) ? 'running' : 'starting';
  }
  /** The last words of one that ended by itself. */
  get message(): string | undefined {
    return this.#end && [`ended with code ${String(this.#end.code)}`, ...this.#end.words].join('\n');
  }
  get address(): string {
    return this.#instances[0]?.address ?? '127.0.0.1';
  }
  get running(): number {
    return this.#instances.filter(({ isReady }) => isReady).length;
  }
  private wasReady = false;

  /** Where a request goes, one instance after the other. */
  pick(turn: number): string | undefined {
    const ready = this.#instances.filter(({ isReady }) => isReady);
    return ready[turn % ready.length]?.address;
  }

  scale(count: number): void {
    for (const { child } of this.#instances.splice(count)) {
      this.#leaving.add(child);
      child.once('close', () => this.#leaving.delete(child));
      child.kill('SIGKILL');
    }
    while (this.#instances.length < count) this.#start();
  }

  /** Once none of its processes is left. */
  async stop(): Promise<void> {
    const gone = this.#instances.map(
      ({ child }) =>
        new Promise((resolve) => {
          if (child.exitCode !== null || child.signalCode !== null) resolve(undefined);
          else child.once('exit', resolve);
        }),
    );
    this.scale(0);
    await Promise.all(gone);
    rmSync(this.folder, { recursive: true, force: true, maxRetries: 3 });
  }

  #start(): void {
    const { body } = this;
    const number = ++this.#made;
    const name = `${this.name}-${String(number)}`;
    const address = nextAddress();
    const tree = path.join(this.folder, String(number));
    cpSync(this.bundleFolder, tree, { recursive: true });
    for (const [mount, volume] of Object.entries(body.mounts)) {
      mkdirSync(path.dirname(path.join(tree, mount)), { recursive: true });
      symlinkSync(this.volumeFolder(volume), path.join(tree, mount));
    }
    const needs = Object.entries(body.needs).map(([service, variable]) => [variable, this.hostOf(service)]);
    const [program = 'node', ...args] = body.command;
    const child = spawn(program === 'node' ? process.execPath : program, args, {
      cwd: tree,
      env: {
        PATH: process.env.PATH,
        ...{ ...body.env, ...body.secrets, ...Object.fromEntries(needs) },
        ...{ HOST: address, PORT: String(body.port) },
      },
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    const instance: Instance = { name, address, child, isReady: false };
    this.#instances.push(instance);
    const words: string[] = [];
    for (const stream of [child.stdout, child.stderr]) {
      createInterface({ input: stream }).on('line', (text) => {
        words.push(text);
        this.log({ service: this.name, instance: name, text });
      });
    }
    child.once('close', (code) => {
      if (this.#instances.includes(instance)) this.#end = { code, words: words.slice(-10) };
      this.#instances = this.#instances.filter((other) => other !== instance);
    });
    void this.#watch(instance);
  }

  async #watch(instance: Instance): Promise<void> {
    while (this.#instances.includes(instance) && !instance.isReady) {
      instance.isReady = await answers(instance.address, this.body.port, this.body.check ?? '/');
      if (!instance.isReady) await new Promise((resolve) => setTimeout(resolve, 10));
    }
    this.wasReady ||= instance.isReady;
  }
}

function nextAddress(): string {
  addresses = (addresses + 1) % 60_000;
  const block = 128 + (process.pid % 100);
  return `127.${String(block)}.${String(1 + Math.floor(addresses / 250))}.${String(1 + (addresses % 250))}`;
}

function answers(host: string, port: number, check: string): Promise<boolean> {
  return new Promise((resolve) => {
    const sent = http.get({ host, port, path: check, agent: false, timeout: 2000 }, (response) => {
      response.resume();
      resolve((response.statusCode ?? 500) < 300);
    });
    sent.once('timeout', () => sent.destroy());
    sent.once('error', () => {
      resolve(false);
    });
  });
}
