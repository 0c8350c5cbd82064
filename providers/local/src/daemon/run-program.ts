import { ProviderError } from '@clusternator/core/provider';
import { endProcesses } from './end-processes.ts';
import { groupMembers, spawnGroup } from './supervised-process.ts';

export interface RunOptions {
  readonly signal: AbortSignal;
  /** Left out: the root. */
  readonly directory?: string;
  readonly onStart?: (pid: number) => void;
  /** Whether a failure with these lines of words is none. */
  readonly tolerates?: (line: string) => boolean;
}

/** What a copy of a large tree may say of its files; the rest is not kept. */
const MOST_WORDS = 64 * 1024;

/**
 * One of the system's own programs, with its words in English. The signal ends it and what it started.
 * @returns What it printed.
 * @throws ProviderError `quota` (the disk is full), `denied`, `internal`.
 */
export async function runProgram(argv: readonly [string, ...string[]], options: RunOptions): Promise<string> {
  const { directory = '/', onStart, signal, tolerates } = options;
  signal.throwIfAborted();
  const env = { PATH: process.env.PATH ?? '/usr/bin:/bin', LC_ALL: 'C' };
  const child = await spawnGroup({ argv, directory, env });
  onStart?.(child.pid ?? 0);
  let words = '';
  let printed = '';
  child.stderr?.on('data', (bytes: Buffer) => {
    if (words.length < MOST_WORDS) words += bytes.toString();
  });
  child.stdout?.on('data', (bytes: Buffer) => {
    if (printed.length < MOST_WORDS) printed += bytes.toString();
  });
  const { promise, resolve } = Promise.withResolvers<number | null>();
  child.once('close', resolve);
  const abort = (): void => {
    void endProcesses(() => groupMembers(child.pid ?? 0), 0);
  };
  signal.addEventListener('abort', abort, { once: true });
  if (signal.aborted) abort();
  const code = await promise;
  signal.removeEventListener('abort', abort);
  signal.throwIfAborted();
  if (code === 0) return printed;
  const lines = words.trim().split('\n');
  const serious = tolerates ? lines.filter((line) => !tolerates(line)) : lines;
  if (tolerates && code === 1 && serious.length === 0 && words.length < MOST_WORDS) return printed;
  throw whyNot(argv, serious.slice(0, 10).join('\n'));
}

function whyNot(argv: readonly string[], words: string): ProviderError {
  if (/no space left|quota exceeded/i.test(words)) {
    return new ProviderError('quota', `the disk is full: ${words}`, {
      effect: 'none',
      hint: 'free some space: `clusternator gc` may help',
    });
  }
  if (/permission denied|operation not permitted/i.test(words)) {
    return new ProviderError('denied', `${argv[0] ?? ''} may not: ${words}`, { effect: 'none' });
  }
  return new ProviderError('internal', `${argv[0] ?? ''} failed: ${words}`);
}
