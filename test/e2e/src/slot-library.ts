import { spawn, type ChildProcessWithoutNullStreams } from 'node:child_process';
import { once } from 'node:events';
import path from 'node:path';
import { createInterface } from 'node:readline';

import { toolFolder } from './cli.ts';
import type { Sandbox } from './sandbox.ts';
import type { ChangeAnswer } from './slot-app.ts';

export interface LibraryAnswer {
  readonly ok: boolean;
  readonly result: ChangeAnswer;
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
    this.#child.stderr.pipe(process.stderr);
    this.#answers = createInterface({ input: this.#child.stdout })[Symbol.asyncIterator]();
  }

  get pid(): number {
    return this.#child.pid ?? 0;
  }

  /** One at a time. */
  async ask(verb: 'promote' | 'rollback', request: object): Promise<LibraryAnswer> {
    this.#child.stdin.write(`${JSON.stringify({ verb, request })}\n`);
    const { value, done } = await this.#answers.next();
    if (done) throw new Error('the library has ended');
    return JSON.parse(value) as LibraryAnswer;
  }

  /** As `ask`, which has to succeed. */
  async move(verb: 'promote' | 'rollback', request: object): Promise<LibraryAnswer> {
    const answer = await this.ask(verb, request);
    if (!answer.ok) throw new Error(`${verb} failed: ${answer.error?.code ?? ''}: ${answer.error?.message ?? ''}`);
    return answer;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    if (this.#child.exitCode !== null || this.#child.signalCode !== null) return;
    this.#child.stdin.end();
    await once(this.#child, 'exit');
  }
}
