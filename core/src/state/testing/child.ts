import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { createInterface } from 'node:readline';
import { afterAll } from '@jest/globals';

const running = new Set<ChildProcess>();
afterAll(() => {
  for (const left of running) left.kill('SIGKILL'); // after a test that failed
});

/** A real process that runs a TypeScript file and tells in lines what it does. */
export class Child {
  readonly lines: string[] = [];
  readonly process: ChildProcess;
  private readonly exited: Promise<number | null>;
  private problems = '';

  constructor(
    script: string,
    args: readonly string[],
    options: { readonly uid?: number; readonly command?: readonly string[] } = {},
  ) {
    const [command = process.execPath, ...before] = options.command ?? [];
    const node = ['--experimental-transform-types', '--no-warnings', script, ...args];
    this.process = spawn(command, options.command ? [...before, process.execPath, ...node] : node, {
      stdio: ['pipe', 'pipe', 'pipe'],
      ...(options.uid !== undefined && { uid: options.uid, gid: options.uid }),
    });
    createInterface({ input: this.process.stdout! }).on('line', (line) => this.lines.push(line));
    this.process.stderr!.on('data', (data: Buffer) => (this.problems += data.toString()));
    running.add(this.process);
    this.process.once('close', () => running.delete(this.process));
    this.exited = once(this.process, 'close').then(([code]) => code as number | null);
  }

  /** The exit code, null after a signal. */
  async exit(): Promise<number | null> {
    return this.exited;
  }

  /** What it wrote to stderr. */
  get errors(): string {
    return this.problems;
  }

  async kill(): Promise<void> {
    this.process.kill('SIGKILL');
    await this.exited;
  }

  /** Waits for a line, and fails with what was seen instead. */
  async says(wanted: string | RegExp, seconds = 30): Promise<string> {
    const until = Date.now() + seconds * 1000;
    for (;;) {
      const found = this.lines.find((line) => (typeof wanted === 'string' ? line === wanted : wanted.test(line)));
      if (found !== undefined) return found;
      const over = this.process.exitCode !== null || this.process.signalCode !== null;
      if (over) await this.exited;
      if (over && !this.lines.some((line) => (typeof wanted === 'string' ? line === wanted : wanted.test(line)))) {
        throw new Error(`the child ended without ${wanted}: ${this.lines.join(' | ')} ${this.problems}`);
      }
      if (Date.now() > until)
        throw new Error(`no ${wanted} within ${seconds} s: ${this.lines.join(' | ')} ${this.problems}`);
      await new Promise((resolve) => setTimeout(resolve, 10));
    }
  }
}

/** Polls until it holds. */
export async function eventually(what: string, holds: () => boolean | Promise<boolean>, seconds = 30): Promise<void> {
  const until = Date.now() + seconds * 1000;
  while (!(await holds())) {
    if (Date.now() > until) throw new Error(`${what}: not within ${seconds} s`);
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
}
