import { spawn, type ChildProcess } from 'node:child_process';
import { watch } from 'node:fs';
import { mkdir } from 'node:fs/promises';
import path from 'node:path';

/** What a command printed and how it ended. `code` is null after a signal. */
export interface Outcome {
  readonly code: number | null;
  readonly signal: NodeJS.Signals | null;
  readonly stdout: string;
  readonly stderr: string;
  readonly tookMs: number;
}

/** The document of `--json`. */
export interface Answer<T = Record<string, unknown>> {
  readonly ok: boolean;
  readonly data: T;
  readonly operation?: string;
  readonly warnings?: readonly string[];
  readonly error?: { readonly code: string; readonly message: string; readonly hint?: string; readonly path?: string };
}

export interface EnvironmentAnswer {
  readonly id: string;
  readonly commit: string;
  readonly phase: string;
  readonly url: string;
  readonly expiresAt?: string;
  readonly pins?: readonly string[];
  readonly services: readonly { readonly name: string; readonly url?: string; readonly state: string }[];
}

export interface RunOptions {
  readonly cwd: string;
  readonly env: NodeJS.ProcessEnv;
  readonly timeoutSeconds?: number;
  readonly input?: string;
  /** Gets the process at once, to send it signals. */
  readonly onStart?: (child: ChildProcess) => void;
}

/** The installed tool; see test/e2e/install.mjs. */
export function toolFolder(): string {
  const folder = process.env.CLUSTERNATOR_E2E_TOOL;
  if (!folder) throw new Error('CLUSTERNATOR_E2E_TOOL is not set: jest runs test/e2e/setup.mjs first');
  return folder;
}

/** Runs the installed bin through its own link, as a shell would. A command that outlives its time is ended, and its code is null. */
export async function runTool(args: readonly string[], options: RunOptions): Promise<Outcome> {
  const bin = path.join(toolFolder(), 'node_modules', '.bin', 'clusternator');
  return runProgram(bin, args, options);
}

export async function runProgram(program: string, args: readonly string[], options: RunOptions): Promise<Outcome> {
  const started = performance.now();
  const child = spawn(program, args, { cwd: options.cwd, env: options.env, stdio: ['pipe', 'pipe', 'pipe'] });
  options.onStart?.(child);
  const timer = setTimeout(() => child.kill('SIGKILL'), (options.timeoutSeconds ?? 90) * 1000);
  let stdout = '';
  let stderr = '';
  child.stdout.setEncoding('utf8').on('data', (text: string) => (stdout += text));
  child.stderr.setEncoding('utf8').on('data', (text: string) => (stderr += text));
  child.stdin.on('error', () => {}).end(options.input ?? '');
  return new Promise((resolve, reject) => {
    child.once('error', reject);
    child.once('close', (code, signal) => {
      clearTimeout(timer);
      resolve({ code, signal, stdout, stderr, tookMs: performance.now() - started });
    });
  });
}

/** Parses the one document that `--json` prints; says all that was printed when there is none. */
export function answerOf<T>(outcome: Outcome): Answer<T> {
  try {
    return JSON.parse(outcome.stdout) as Answer<T>;
  } catch (cause) {
    throw new Error(`no JSON document, exit code ${outcome.code}:\n${outcome.stdout}\n${outcome.stderr}`, { cause });
  }
}

/** Kills the process at its nth write to the project's journal: between any two of its steps, if all n are tried. */
export function killAtWrite(
  n: number,
  projectFolder: string,
): { onStart(child: ChildProcess): void; writes(): number; stop(): void } {
  let writes = 0;
  let target: ChildProcess | undefined;
  const ready = mkdir(projectFolder, { recursive: true, mode: 0o700 });
  const stopping = new AbortController();
  void ready.then(() => {
    const watcher = watch(projectFolder, { signal: stopping.signal }, (_event, name) => {
      if (name !== 'state.db-wal') return;
      writes += 1;
      if (writes === n) target?.kill('SIGKILL');
    });
    watcher.on('error', () => {});
  });
  return {
    onStart: (child) => (target = child),
    writes: () => writes,
    stop: () => stopping.abort(),
  };
}
