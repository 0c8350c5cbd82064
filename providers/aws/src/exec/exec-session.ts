import { ProviderError, type ExecRequest, type ExecSession } from '@clusternator/core/provider';
import { ByteQueue } from './byte-queue.ts';
import { DataChannel, type ChannelEnd, type StreamPlace } from './data-channel.ts';
import { encodeLine, type Line } from './script.ts';
import { ScriptOutput, type Said } from './script-output.ts';
import { damaged, endedEarly, failedToStart, programMissing, type Errand } from './session-errors.ts';

/**
 * AWS ends a session in which nothing was said for 20 minutes, Session Manager after as few as one where it is told to.
 * @see https://docs.aws.amazon.com/AmazonECS/latest/developerguide/ecs-exec.html
 * @see https://docs.aws.amazon.com/systems-manager/latest/userguide/session-preferences-timeout.html
 */
const ALIVE_MILLISECONDS = 30_000;
/** What the command left running may hold its output open: then it is not counted. */
const COUNT_MILLISECONDS = 5000;
/** For the word to come through. */
const ABORT_MILLISECONDS = 1000;
/** As much input as fits into a message, however it is written. */
const LINE_BYTES = 200;
const END_OF_TRANSMISSION = Buffer.from([4]);

/** What a session is opened for. `what` names the command and where it runs. */
export interface Opening extends Errand {
  readonly place: StreamPlace;
  readonly marker: string;
  readonly request: Pick<ExecRequest, 'command' | 'terminal'>;
  /** Has AWS end a session that did not end by itself. Its failures are nobody's. Left out: AWS does so, in time. */
  end?(): Promise<void>;
}

/**
 * Runs a command by the script that AWS was given with the marker. The signal ends a command that has no terminal too; one in a terminal is
 * ended by `end`, or by ECS once nobody has said anything for 20 minutes.
 * @returns Once the command begins.
 * @throws ProviderError `unsupported`: the image or the machine has no shell, or lacks a program. `unavailable`: there is no session.
 */
export async function openExecSession(opening: Opening, signal: AbortSignal): Promise<ExecSession> {
  signal.throwIfAborted();
  const session = new Session(opening, signal);
  await session.begun;
  return session.hasTerminal ? Object.assign(session, { resize: session.setSize.bind(session) }) : session;
}

class Session implements ExecSession {
  readonly output = new ByteQueue();
  readonly exitCode: Promise<number>;
  readonly begun: Promise<void>;
  readonly hasTerminal: boolean;
  private readonly channel: DataChannel;
  private readonly said: ScriptOutput;
  private readonly settle = Promise.withResolvers<number>();
  private readonly begin = Promise.withResolvers<undefined>();
  private readonly alive: NodeJS.Timeout;
  /** From then on the command may have begun, whether we are told or not. */
  private mayHaveBegun = false;
  private exit: Extract<Said, { kind: 'exit' }> | undefined;
  private ending: Promise<void> | undefined;
  private readonly onAbort = (): void => this.abort();

  constructor(
    private readonly opening: Opening,
    private readonly signal: AbortSignal,
  ) {
    this.hasTerminal = opening.request.terminal !== undefined;
    this.said = new ScriptOutput(opening.marker);
    this.exitCode = this.settle.promise;
    this.begun = this.begin.promise;
    // Each is told by whichever of them is asked.
    for (const promise of [this.exitCode, this.begun]) promise.catch(() => undefined);
    this.alive = setInterval(() => void this.keepAlive(), ALIVE_MILLISECONDS);
    this.alive.unref();
    this.channel = new DataChannel(opening.place, {
      output: (bytes) => this.take(bytes),
      ended: (end) => this.over(end),
    });
    signal.addEventListener('abort', this.onAbort, { once: true });
  }

  async write(input: Uint8Array): Promise<void> {
    if (this.hasTerminal) return this.channel.write(input);
    for (let at = 0; at < input.length; at += LINE_BYTES)
      await this.say({ kind: 'input', bytes: input.subarray(at, at + LINE_BYTES) });
  }

  async end(): Promise<void> {
    if (this.hasTerminal) await this.channel.write(END_OF_TRANSMISSION);
    else await this.say({ kind: 'end of input' });
  }

  async setSize(columns: number, rows: number): Promise<void> {
    await this.channel.resize(columns, rows);
  }

  private take(bytes: Buffer): void {
    for (const said of this.said.take(bytes)) this.heed(said);
  }

  private heed(said: Said): void {
    switch (said.kind) {
      case 'missing':
        this.fail(programMissing(this.opening, said.program));
        break;
      case 'asks':
        void this.instruct();
        break;
      case 'begins':
        this.begin.resolve(undefined);
        break;
      case 'output':
        this.output.push(said.bytes);
        break;
      case 'exit':
        this.exited(said);
        break;
      case 'count':
        if (said.bytes === this.exit?.bytesBefore) this.finish(this.exit.code);
        else this.fail(damaged(this.opening));
    }
  }

  /** The size is there before the command is. */
  private async instruct(): Promise<void> {
    const { command, terminal } = this.opening.request;
    if (terminal) await this.setSize(terminal.columns, terminal.rows);
    for (const argument of command) await this.say({ kind: 'argument', bytes: Buffer.from(argument) });
    this.mayHaveBegun = true;
    await this.say({ kind: 'go' });
  }

  private exited(exit: Extract<Said, { kind: 'exit' }>): void {
    this.exit = exit;
    if (this.hasTerminal) {
      this.finish(exit.code);
      return;
    }
    void this.say({ kind: 'finish' });
    const late = setTimeout(() => this.finish(exit.code), COUNT_MILLISECONDS);
    this.exitCode.finally(() => clearTimeout(late)).catch(() => undefined);
  }

  private over(end: ChannelEnd): void {
    const { opening } = this;
    if (this.exit) this.finish(this.exit.code);
    else this.fail(this.mayHaveBegun ? endedEarly(opening, end) : failedToStart(opening, end, this.said.noise));
  }

  private abort(): void {
    this.fail(new ProviderError('cancelled', `${this.opening.what} was cancelled`, { cause: this.signal.reason }), {
      keepsChannel: !this.hasTerminal,
    });
    if (this.hasTerminal) return;
    void this.say({ kind: 'abort' });
    setTimeout(() => this.channel.close(), ABORT_MILLISECONDS);
  }

  private async keepAlive(): Promise<void> {
    if (this.mayHaveBegun && !this.hasTerminal) await this.say({ kind: 'nothing' });
  }

  /** A long argument takes several messages: the terminal puts them together. */
  private async say(line: Line): Promise<void> {
    await this.channel.write(encodeLine(line));
  }

  private finish(code: number): void {
    if (this.ending) return;
    this.output.finish();
    this.settle.resolve(code);
    this.leave();
  }

  private fail(error: ProviderError, { keepsChannel = false } = {}): void {
    this.leave(keepsChannel);
    this.ending ??= this.opening.end?.() ?? Promise.resolve();
    // Whoever hears of it has nothing of it left.
    void this.ending.then(() => {
      this.output.finish({ error });
      this.begin.reject(error);
      this.settle.reject(error);
    });
  }

  private leave(keepsChannel = false): void {
    clearInterval(this.alive);
    this.signal.removeEventListener('abort', this.onAbort);
    if (!keepsChannel) this.channel.close();
  }
}
