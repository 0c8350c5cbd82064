import { Command, Config, Flags, type Interfaces } from '@oclif/core';
import type { EngineEvent } from '@clusternator/core';
import { Exit, type FailureContext } from './errors.ts';
import { failureLines, failureOf, type Failure } from './failure.ts';
import { progressFor, type Progress } from './output/progress.ts';
import { paintFor } from './output/text.ts';
import { listenForSignals, type Interruption } from './signals.ts';

type FlagsOf<C extends typeof Command> = Interfaces.InferredFlags<(typeof BaseCommand)['baseFlags'] & C['flags']>;
type ArgsOf<C extends typeof Command> = Interfaces.InferredArgs<C['args']>;

/** What `--json` prints: one document, whatever happens. */
export interface JsonDocument {
  readonly ok: boolean;
  readonly data: unknown;
  readonly operation?: string;
  readonly warnings: readonly string[];
  readonly error?: Pick<Failure, 'code' | 'message' | 'hint' | 'path'>;
}

/**
 * What every command shares: flags, `--json`, progress on the error stream, signals, and how failures look and exit.
 * The object that `run` returns is the `data` of `--json`.
 */
export abstract class BaseCommand<C extends typeof Command> extends Command {
  static override enableJsonFlag = true;
  /** What follows `--` is not this command's, but a command line of its own: `rest`. */
  static takesRest = false;
  static override baseFlags = {
    cwd: Flags.string({
      char: 'C',
      summary: 'Run as if started in this folder.',
      helpGroup: 'GLOBAL',
      helpValue: '<folder>',
    }),
    'state-home': Flags.string({
      summary: 'Where state is kept [env: CLUSTERNATOR_STATE_HOME].',
      helpGroup: 'GLOBAL',
      helpValue: '<folder>',
    }),
    verbose: Flags.boolean({ summary: 'Also show what builds print, and details of failures.', helpGroup: 'GLOBAL' }),
  };

  /** As oclif's, without loading its config a second time where it is this copy's own. */
  static override async run<T extends Command>(
    this: new (argv: string[], config: Config) => T,
    argv?: string[],
    config?: Interfaces.LoadOptions,
  ): Promise<ReturnType<T['run']>> {
    const command = config instanceof Config ? new this(argv ?? [], config) : undefined;
    if (command instanceof BaseCommand) return command._run<ReturnType<T['run']>>();
    return Command.run.call(this, argv, config) as ReturnType<T['run']>; // `call` loses the type of `this`
  }

  protected flags!: FlagsOf<C>;
  protected args!: ArgsOf<C>;
  protected rest: readonly string[] = [];
  protected progress!: Progress;
  protected interruption!: Interruption;
  /** The operation that this command ran last. */
  protected operation: string | undefined;
  protected readonly warnings: string[] = [];
  protected context: FailureContext = {};
  #exit: number = Exit.fine;

  override async init(): Promise<void> {
    const end = this.argv.indexOf('--');
    // `this.ctor` is typed as oclif's own class; every command here extends this one.
    const { takesRest } = this.ctor as typeof BaseCommand;
    if (end !== -1 && takesRest) {
      this.rest = this.argv.slice(end + 1);
      this.argv = this.argv.slice(0, end);
    }
    this.progress = progressFor({
      stream: process.stderr,
      verbose: this.argv.includes('--verbose'),
      env: process.env,
      now: Date.now,
    });
    this.interruption = listenForSignals(process, (signal) => {
      this.progress.note(this.#stoppingNote(signal));
    });
    await super.init();
    const { flags, args } = await this.parse(this.ctor, this.argv);
    this.flags = flags as FlagsOf<C>; // oclif infers both from the class, which TypeScript can't follow through `this.ctor`
    this.args = args as ArgsOf<C>; // the same
  }

  /** For people alone: nothing of it is printed with `--json`. */
  protected say(...lines: readonly string[]): void {
    this.progress.stop();
    if (!this.jsonEnabled()) for (const line of lines) process.stdout.write(`${line}\n`);
  }

  /** Beside the answer: on the error stream. */
  protected note(...lines: readonly string[]): void {
    if (!this.jsonEnabled()) for (const line of lines) this.progress.note(line);
  }

  /** Ends with this code although nothing failed. */
  protected endWith(code: number): void {
    this.#exit = code;
  }

  /** Follows the engine: shows the event, and remembers what the answer or a failure needs of it. */
  protected follow(event: EngineEvent): void {
    if (event.type === 'warning') this.warnings.push(event.message);
    if (event.type === 'operation') {
      this.operation = event.operation;
      this.context = { ...this.context, operationFailed: event.state === 'failed' };
    }
    this.progress.show(event);
  }

  /** The lines under an error that say what state things are in and which command goes on. Overridden where there is more to say. */
  protected async aftermath(_failure: Failure): Promise<readonly string[]> {
    return [];
  }

  protected override toSuccessJson(data: unknown): JsonDocument {
    return {
      ok: this.#exit === Exit.fine || this.#exit === Exit.differences,
      data,
      ...this.#operationField(),
      warnings: this.warnings,
    };
  }

  protected override toErrorJson(error: unknown): JsonDocument {
    const { code, message, hint, path } = failureOf(error, this.#contextNow());
    return {
      ok: false,
      data: null,
      ...this.#operationField(),
      warnings: this.warnings,
      error: { code, message, ...(hint === undefined ? {} : { hint }), ...(path === undefined ? {} : { path }) },
    };
  }

  protected override logJson(json: unknown): void {
    process.stdout.write(`${JSON.stringify(json, null, 2)}\n`);
  }

  protected override async catch(error: Error & { exitCode?: number }): Promise<void> {
    this.progress.stop();
    // `this.exit(n)`, of oclif.
    if ('code' in error && error.code === 'EEXIT') throw error;
    const failure = failureOf(error, this.#contextNow());
    this.#exit = failure.exit;
    const lines = failureLines(failure, paintFor(process.stderr), this.argv.includes('--verbose'));
    // While what went wrong is told, a second failure must not hide it.
    const after = await this.aftermath(failure).catch(() => []);
    if (this.jsonEnabled()) this.logJson(this.toErrorJson(error));
    else process.stderr.write(`${[...lines, ...after].join('\n')}\n`);
  }

  protected override async finally(error: Error | undefined): Promise<void> {
    this.progress.stop();
    this.interruption.dispose();
    process.exitCode = this.#exit;
    await super.finally(error);
  }

  #contextNow(): FailureContext {
    return { ...this.context, interrupted: this.interruption.received() };
  }

  #operationField(): { operation?: string } {
    return this.operation === undefined ? {} : { operation: this.operation };
  }

  #stoppingNote(signal: string): string {
    return signal === 'SIGINT' ? 'Stopping. Ctrl-C again stops at once.' : `Stopping: ${signal}.`;
  }
}
