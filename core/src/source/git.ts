import { spawn } from 'node:child_process';
import { ProviderError } from '../provider/error.ts';

/** What a process is told from outside. */
export type Variables = Readonly<Record<string, string | undefined>>;

/** One run of git. Names from outside belong behind `--` or `--end-of-options`, or into `input`. */
export interface GitCall {
  /** What it is for, as in `could not <doing>: …`. */
  readonly doing: string;
  readonly cwd: string;
  readonly variables?: Variables;
  readonly input?: string;
}
/** How git ended. `stdout` is bytes: names and messages of a repository need not be UTF-8. */
export interface GitResult {
  readonly code: number;
  readonly stdout: Buffer;
  readonly stderr: string;
}

/** Ways to reach a remote, which only the user's own environment knows. All other variables of git would point it elsewhere. */
const KEPT =
  /^GIT_(SSH|SSH_COMMAND|SSH_VARIANT|ASKPASS|PROXY_COMMAND|SSL_\w+|HTTP_\w+|CEILING_DIRECTORIES)$|^GIT_CONFIG_/;
const SETTINGS = [
  ['core.hooksPath', '/dev/null'],
  ['core.fsmonitor', 'false'],
  ['core.pager', 'cat'],
  ['protocol.version', '2'],
  ['maintenance.auto', 'false'],
  ['gc.auto', '0'],
  ['advice.detachedHead', 'false'],
  ['submodule.recurse', 'false'],
  ['http.lowSpeedLimit', '1000'],
  ['http.lowSpeedTime', '30'],
].flatMap(([name, value]) => ['-c', `${name}=${value}`]);

/** Runs git by argument array, deaf to whatever else could steer it: hooks, prompts, pagers, filters, variables of an outer git. */
export class Git {
  private readonly variables: Variables;

  constructor(
    env: Variables,
    private readonly signal: AbortSignal,
  ) {
    this.variables = hardened(env);
  }

  /** @throws ProviderError `invalid` (git is not installed), `cancelled`. Any exit code is a result. */
  run(args: readonly string[], call: GitCall): Promise<GitResult> {
    return new Promise((resolve, reject) => {
      if (this.signal.aborted) throw cancelled(this.signal, call.doing); // Which rejects.
      const child = spawn('git', [...SETTINGS, ...args], {
        cwd: call.cwd,
        env: { ...this.variables, ...call.variables },
        stdio: ['pipe', 'pipe', 'pipe'],
        signal: this.signal,
      });
      const stdout: Buffer[] = [];
      const stderr: Buffer[] = [];
      child.stdout.on('data', (chunk: Buffer) => stdout.push(chunk));
      child.stderr.on('data', (chunk: Buffer) => stderr.push(chunk));
      child.on('error', (error) => reject(this.startError(error, call)));
      child.on('close', (code, ended) => {
        const said = Buffer.concat(stderr).toString();
        if (this.signal.aborted) reject(cancelled(this.signal, call.doing));
        else
          resolve({
            code: code ?? -1,
            stdout: Buffer.concat(stdout),
            stderr: ended === null ? said : `${said}\nended by ${ended}`,
          });
      });
      child.stdin.on('error', () => undefined); // It may end without reading: its exit code says why.
      child.stdin.end(call.input ?? '');
    });
  }

  /** @throws ProviderError, also where git says no: `quota` (disk full), `denied`, `invalid` (owned by somebody else), `internal`. */
  async output(args: readonly string[], call: GitCall): Promise<Buffer> {
    const result = await this.run(args, call);
    if (result.code !== 0) throw failure(result, call.doing);
    return result.stdout;
  }

  private startError(error: NodeJS.ErrnoException, call: GitCall): ProviderError {
    if (this.signal.aborted) return cancelled(this.signal, call.doing);
    if (error.code === 'ENOENT') {
      return new ProviderError('invalid', `git is not installed: could not ${call.doing}`, {
        hint: 'install git 2.31 or newer, and see that it is on the PATH',
        cause: error,
      });
    }
    return new ProviderError('internal', `could not ${call.doing}: git did not start: ${error.message}`, {
      cause: error,
    });
  }
}

/** What git said, as an error that can be acted on. */
export function failure(result: GitResult, doing: string): ProviderError {
  const isDiskFull = /No space left on device|Disk quota exceeded/.test(result.stderr);
  const said = isDiskFull ? 'the disk is full' : lastWords(result.stderr);
  const message = `could not ${doing}: ${said === '' ? `git ended with code ${result.code}` : said}`;
  const cause = new Error(result.stderr.trim());
  if (isDiskFull) {
    return new ProviderError('quota', message, {
      hint: 'free some disk space, then run the same command again',
      cause,
    });
  }
  if (result.stderr.includes('dubious ownership')) {
    const hint =
      'the repository belongs to another user; trust it with: git config --global --add safe.directory <folder>';
    return new ProviderError('invalid', message, { hint, cause });
  }
  if (/Permission denied|Read-only file system/.test(result.stderr))
    return new ProviderError('denied', message, { cause });
  return new ProviderError('internal', message, { cause });
}

/** The signal's own reason where it has one that can be acted on, such as a deadline. */
export function cancelled(signal: AbortSignal, doing: string): ProviderError {
  const reason: unknown = signal.reason;
  if (ProviderError.is(reason)) return reason;
  return new ProviderError('cancelled', `cancelled: ${doing}`, { effect: 'none', cause: reason });
}

function lastWords(stderr: string): string {
  const lines = stderr.split(/[\r\n]+/).filter((line) => line.trim() !== '');
  const fatal = lines.findLast((line) => /^(fatal|error): /.test(line)) ?? lines.at(-1) ?? '';
  return fatal.replace(/^(fatal|error): /, '').replaceAll(/\/\/[^/@\s]+@/g, '//');
}

function hardened(env: Variables): Variables {
  const kept = Object.entries(env).filter(([name]) => !name.startsWith('GIT_') || KEPT.test(name));
  return {
    ...Object.fromEntries(kept),
    LC_ALL: 'C',
    GIT_TERMINAL_PROMPT: '0',
    GCM_INTERACTIVE: 'never',
    GIT_OPTIONAL_LOCKS: '0',
    GIT_NO_LAZY_FETCH: '1',
    GIT_NO_REPLACE_OBJECTS: '1',
    GIT_LFS_SKIP_SMUDGE: '1',
    GIT_LITERAL_PATHSPECS: '1',
    GIT_ADVICE: '0',
  };
}
