import type { Build, BuildPhase, EnvironmentVariable } from '@aws-sdk/client-codebuild';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { createInterface } from 'node:readline';
import { tied } from '../../spawn-tied.ts';
import { scriptOf, type Buildspec } from './buildspec.ts';
import type { BuildLog } from './build-log.ts';

/** What one build is to do, and where. */
export interface BuildOrder {
  readonly spec: Buildspec;
  readonly variables: readonly EnvironmentVariable[];
  /** Without it there is no Docker in the build. */
  readonly isPrivileged: boolean;
  readonly timeoutMilliseconds: number;
  /** Of its own. */
  readonly folder: string;
  /** By which it reaches the public interface. */
  readonly environment: Readonly<Record<string, string>>;
}

/** A build that runs, or did: its commands in a shell of this machine, with its Docker Engine. */
export class BuildRun {
  readonly done: Promise<void>;
  #status: NonNullable<Build['buildStatus']> = 'IN_PROGRESS';
  #endTime: Date | undefined;
  #why: string | undefined;
  #kill: () => void = () => undefined;

  constructor(
    private readonly order: BuildOrder,
    private readonly log: BuildLog,
  ) {
    this.done = this.#run().catch((error: unknown) => {
      this.#end('FAULT', String(error));
    });
  }

  /** What is true of it. */
  view(): Partial<Build> {
    const { phase } = this.#at();
    const isOver = this.#status !== 'IN_PROGRESS';
    return {
      buildStatus: this.#status,
      buildComplete: isOver,
      currentPhase: isOver ? 'COMPLETED' : phase,
      endTime: this.#endTime,
      phases: this.#phases(phase),
      logs: { groupName: this.log.group, streamName: this.log.stream },
    };
  }

  stop(): void {
    if (this.#status !== 'IN_PROGRESS') return;
    this.#end('STOPPED');
    this.#kill();
  }

  async #run(): Promise<void> {
    const { folder, spec, variables, environment, isPrivileged, timeoutMilliseconds } = this.order;
    const work = path.join(folder, 'src');
    mkdirSync(work, { recursive: true });
    mkdirSync(path.join(folder, 'home'));
    writeFileSync(path.join(folder, 'build.sh'), scriptOf(spec, this.#mark));
    const [program, args] = tied('sh', [path.join(folder, 'build.sh')]);
    const child = spawn(program, args, {
      cwd: work,
      env: {
        PATH: process.env.PATH,
        ...(process.env.DOCKER_HOST !== undefined && { DOCKER_HOST: process.env.DOCKER_HOST }),
        ...(!isPrivileged && { DOCKER_HOST: `unix://${path.join(folder, 'no-docker-engine.sock')}` }),
        HOME: path.join(folder, 'home'),
        DOCKER_CONFIG: path.join(folder, 'home'),
        ...environment,
        ...Object.fromEntries(variables.map(({ name, value }) => [name, value])),
      },
      detached: true, // a group of its own, to end whole
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    this.#kill = () => {
      try {
        process.kill(-(child.pid ?? 0), 'SIGKILL');
      } catch {
        // it has ended by itself
      }
    };
    const late = setTimeout(() => {
      this.#end('TIMED_OUT', 'Build timed out');
      this.#kill();
    }, timeoutMilliseconds);
    for (const output of [child.stdout, child.stderr])
      createInterface(output).on('line', (line) => {
        this.log.add(line);
      });
    const [code] = (await once(child, 'close')) as [number | null]; // what the event gives
    clearTimeout(late);
    await this.log.end();
    const { command } = this.#at();
    this.#end(
      code === 0 ? 'SUCCEEDED' : 'FAILED',
      code === 0 ? undefined : `Error while executing command: ${command}. Reason: exit status ${String(code)}`,
    );
  }

  /** The first end counts. */
  #end(status: NonNullable<Build['buildStatus']>, why?: string): void {
    if (this.#status !== 'IN_PROGRESS') return;
    this.#status = status;
    this.#why = why;
    this.#endTime = new Date();
  }

  get #mark(): string {
    return path.join(this.order.folder, 'at');
  }

  /** Where its shell is. */
  #at(): { readonly phase: string; readonly command: string } {
    try {
      const [phase = '', ...command] = readFileSync(this.#mark, 'utf8').split('\n');
      return { phase, command: command.join('\n') };
    } catch {
      return { phase: 'PROVISIONING', command: '' }; // not there yet
    }
  }

  #phases(phase: string): BuildPhase[] {
    if (this.#status === 'IN_PROGRESS' || this.#status === 'SUCCEEDED') return [];
    const contexts = this.#why === undefined ? [] : [{ statusCode: 'COMMAND_EXECUTION_ERROR', message: this.#why }];
    return [{ phaseType: phase as BuildPhase['phaseType'], phaseStatus: this.#status, contexts }]; // it is a phase's name
  }
}
