import type { Duplex } from 'node:stream';
import { finished } from 'node:stream/promises';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Exec } from 'dockerode';
import { ProviderError, type ExecRequest, type ExecSession } from '@clusternator/core/provider';
import type { Containers } from './containers.ts';
import type { Engine } from './engine.ts';
import { errorOf } from './errors.ts';
import { endProcess } from './exec-end.ts';
import { demultiplex } from './multiplex.ts';

/** With a terminal, it can be resized. */
export interface ContainerExecSession extends ExecSession {
  resize(columns: number, rows: number): Promise<void>;
}
type Command = Pick<ExecRequest, 'command' | 'terminal'>;

const LOOK_EVERY_MS = 500;
const RESIZE_ATTEMPTS = 20;

/** Runs commands in containers. */
export class Execs {
  constructor(
    private readonly engine: Engine,
    private readonly containers: Containers,
  ) {}

  /** The signal ends the command too. @throws ProviderError `not-found`, `conflict` (it does not run), `invalid` (no command). */
  async start(name: string, { command, terminal }: Command, signal: AbortSignal): Promise<ContainerExecSession> {
    const container = await this.containers.find(name, signal);
    if (!container) throw new ProviderError('not-found', `there is no container ${name}`);
    if (!container.State.Running || container.State.Restarting) {
      throw new ProviderError('conflict', `the container ${name} does not run`, {
        hint: 'look at its logs for the reason',
      });
    }
    const doing = `run ${command[0] ?? 'a command'} in the container ${name}`;
    const [exec, socket] = await this.engine.call(doing, signal, async (docker, abortSignal) => {
      const made = await docker.getContainer(container.Id).exec({
        AttachStdin: true,
        AttachStdout: true,
        AttachStderr: true,
        Tty: terminal !== undefined,
        Cmd: [...command],
        abortSignal,
      });
      return [made, await made.start({ hijack: true, stdin: true, Tty: terminal !== undefined })] as const;
    });
    const session = new Session(this.engine, exec, socket, container.Id, doing, signal, terminal !== undefined);
    if (terminal) await session.resize(terminal.columns, terminal.rows);
    return session;
  }
}

class Session implements ContainerExecSession {
  readonly output: AsyncIterable<Uint8Array>;
  readonly exitCode: Promise<number>;

  constructor(
    private readonly engine: Engine,
    private readonly exec: Exec,
    private readonly socket: Duplex,
    container: string,
    private readonly doing: string,
    private readonly signal: AbortSignal,
    terminal: boolean,
  ) {
    // What breaks it off is told by `output` and `exitCode`; without a listener it would end our process.
    socket.on('error', () => undefined);
    const abort = () => {
      socket.destroy();
      void endProcess(engine, exec, container).catch(() => undefined);
    };
    signal.addEventListener('abort', abort, { once: true });
    this.output = this.read(terminal);
    this.exitCode = this.wait().finally(() => signal.removeEventListener('abort', abort));
    this.exitCode.catch(() => undefined);
  }

  async write(input: Uint8Array): Promise<void> {
    await new Promise<void>((resolve, reject) => {
      this.socket.write(input, (error) => {
        if (!error) {
          resolve();
          return;
        }
        reject(new ProviderError('conflict', `could not ${this.doing}: it reads no more input`, { cause: error }));
      });
    });
  }

  async end(): Promise<void> {
    await new Promise<void>((resolve) => this.socket.end(resolve));
  }

  /** A process that has ended already needs no size. */
  async resize(columns: number, rows: number): Promise<void> {
    await this.engine.call('resize the terminal', this.signal, async () => {
      for (let attempt = 1; ; attempt++) {
        try {
          await this.exec.resize({ w: columns, h: rows });
          return;
        } catch (error) {
          // The engine makes the process in the background, and there is no terminal until then.
          const { Running, ExitCode } = await this.exec.inspect();
          if (!Running && ExitCode !== null) return;
          if (attempt === RESIZE_ATTEMPTS) throw error;
          await sleep(50);
        }
      }
    });
  }

  private async *read(terminal: boolean): AsyncGenerator<Uint8Array> {
    try {
      if (terminal) yield* this.socket;
      else for await (const { bytes } of demultiplex(this.socket)) yield bytes;
    } catch (cause) {
      throw errorOf(cause, { doing: this.doing, signal: this.signal, timeoutSeconds: 0 });
    }
  }

  /** The output's end is a sign to look, no more: a process may go on without it, and nobody may be reading it. */
  private async wait(): Promise<number> {
    const ended = finished(this.socket, { writable: false }).catch(() => undefined);
    for (;;) {
      await Promise.race([ended, sleep(LOOK_EVERY_MS, undefined, { signal: this.signal }).catch(() => undefined)]);
      const { Running, ExitCode } = await this.engine.call(this.doing, this.signal, () => this.exec.inspect());
      if (!Running && ExitCode !== null) return ExitCode;
      await sleep(20);
    }
  }
}
