import { spawn, type ChildProcessWithoutNullStreams } from 'node:child_process';
import { once } from 'node:events';
import path from 'node:path';
import { createInterface } from 'node:readline';

import { toolFolder } from './cli.ts';
import type { Sandbox } from './sandbox.ts';
import type { ChangeAnswer } from './slot-app.ts';

type Look = 'show' | 'releases' | 'environments' | 'unfinished';
type Verb = Look | 'promote' | 'rollback' | 'create' | 'destroy' | 'gc';

/** `result` is missing where it is not ok. */
export interface LibraryAnswer<T = ChangeAnswer> {
  readonly ok: boolean;
  readonly result: T;
  readonly tookMs: number;
  /** Commits of the state before the routes were written, where they are counted. */
  readonly writes?: number;
  readonly error?: { readonly code: string; readonly message: string };
}

/** The engine in a program of its own, without the start-up of a command. */
export class SlotLibrary {
  readonly #child: ChildProcessWithoutNullStreams;
  readonly #answers: AsyncIterator<string>;

  /** @param preload - Modules that Node loads before the program. */
  constructor(sandbox: Pick<Sandbox, 'cwd' | 'env' | 'stateHome'>, preload: readonly string[] = []) {
    const program = path.join(import.meta.dirname, 'slot-library.mjs');
    this.#child = spawn(
      process.execPath,
      [...preload.flatMap((module) => ['--import', module]), program, toolFolder(), sandbox.cwd, sandbox.stateHome],
      {
        env: sandbox.env,
        cwd: sandbox.cwd,
      },
    );
    this.#child.stdin.on('error', () => undefined); // it was killed
    this.#child.stderr.pipe(process.stderr);
    this.#answers = createInterface({ input: this.#child.stdout })[Symbol.asyncIterator]();
  }

  get pid(): number {
    return this.#child.pid ?? 0;
  }

  /** One at a time. */
  async ask<T = ChangeAnswer>(verb: Verb, request: object = {}): Promise<LibraryAnswer<T>> {
    this.#child.stdin.write(`${JSON.stringify({ verb, request })}\n`);
    const { value, done } = await this.#answers.next();
    if (done) throw new Error('the library has ended');
    return JSON.parse(value) as LibraryAnswer<T>;
  }

  /** As `ask`, which has to succeed. */
  async move(verb: 'promote' | 'rollback' | 'create' | 'destroy', request: object): Promise<LibraryAnswer> {
    return this.#succeed(verb, request);
  }

  /** What it finds, which it has to. */
  async look<T>(verb: Look, request: object = {}): Promise<T> {
    return (await this.#succeed<T>(verb, request)).result;
  }

  async #succeed<T = ChangeAnswer>(verb: Verb, request: object): Promise<LibraryAnswer<T>> {
    const answer = await this.ask<T>(verb, request);
    if (!answer.ok) throw new Error(`${verb} failed: ${answer.error?.code ?? ''}: ${answer.error?.message ?? ''}`);
    return answer;
  }

  /** In the middle of whatever it does. */
  async kill(): Promise<void> {
    this.#child.kill('SIGKILL');
    await once(this.#child, 'exit');
  }

  async [Symbol.asyncDispose](): Promise<void> {
    if (this.#child.exitCode !== null || this.#child.signalCode !== null) return;
    this.#child.stdin.end();
    await once(this.#child, 'exit');
  }
}
