import { fork, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';
import type { Account } from '../kit/harness.ts';
import type { Owner } from '../kit/specs.ts';
import type { Wire, WireCall } from '../proxy/wire.ts';
import type { Job } from './job.ts';

/** What a process is told. */
export interface Order {
  readonly module: string;
  readonly account: Pick<Account, 'config' | 'env' | 'foundationDomain'>;
  readonly owner: Owner;
  /** The folder of the artefacts. */
  readonly artefacts: string;
  readonly secrets: Readonly<Record<string, string>>;
  readonly settleSeconds: number;
  readonly job: Job;
}
/** The moment at which a process is killed: with its request held, with the answer held, or with the answer given. */
export type Moment = 'before' | 'after' | 'answered';
export type Fate = 'killed' | 'done';

interface Told {
  readonly state: 'ready' | 'done' | 'failed';
  readonly message?: string;
}

const ENDING = import.meta.url.endsWith('.ts') ? 'ts' : 'js';
/** Sources as they are, where the kit or the harness is not built. */
const UNBUILT = ['--experimental-transform-types', '--disable-warning=ExperimentalWarning'];

/** Starts processes that do a job, and kills them for real. One is always started ahead: most of its time is that of its imports. */
export class CrashLab {
  #next: Promise<ChildProcess> | undefined;

  constructor(
    private readonly wire: Wire,
    private readonly module: string,
  ) {}

  /** Does a job in another process, which is killed at `moment` of the first call that `when` holds for. */
  async run(order: Omit<Order, 'module'>, moment: Moment, when: (call: WireCall) => boolean): Promise<Fate> {
    const child = await (this.#next ?? this.#start());
    this.#next = this.#start();
    const dead = once(child, 'exit');
    const killed = Promise.withResolvers<'killed'>();
    const act = async () => {
      killed.resolve('killed');
      child.kill('SIGKILL');
      await dead;
    };
    const lift = this.wire.impose({ when, fault: { kind: 'interrupt', at: moment, act }, times: 1 });
    try {
      const told = once(child, 'message') as Promise<[Told]>; // the process sends nothing else
      child.send({ ...order, module: this.module } satisfies Order);
      const ended = dead.then((): Told => ({ state: 'failed', message: 'it ended by itself' }));
      const fate = await Promise.race([killed.promise, told.then(([answer]) => answer), ended]);
      if (fate === 'killed') return fate;
      if (fate.state === 'failed') throw new Error(`the process failed: ${fate.message ?? ''}`);
      return 'done';
    } finally {
      lift();
      child.kill('SIGKILL');
      await dead;
    }
  }

  async close(): Promise<void> {
    const child = await this.#next;
    this.#next = undefined;
    child?.kill('SIGKILL');
  }

  async #start(): Promise<ChildProcess> {
    const isUnbuilt = ENDING === 'ts' || new URL(this.module).pathname.endsWith('.ts');
    const child = fork(fileURLToPath(new URL(`child-process.${ENDING}`, import.meta.url)), [], {
      execArgv: isUnbuilt ? UNBUILT : [],
      serialization: 'advanced',
      stdio: ['ignore', 'ignore', 'inherit', 'ipc'],
    });
    await once(child, 'message');
    return child;
  }
}
