import { spawn, type ChildProcessByStdio } from 'node:child_process';
import type { Readable } from 'node:stream';

/** Starts a program that the kernel ends when this process is gone, also by SIGKILL: nobody else would know of it. */
export function spawnTied(
  program: string,
  args: readonly string[],
  env: NodeJS.ProcessEnv = process.env,
): ChildProcessByStdio<null, null, Readable> {
  const [first, rest] = tied(program, args);
  return spawn(first, rest, { env, stdio: ['ignore', 'ignore', 'pipe'] });
}

/** What to start so that it is. @see https://man7.org/linux/man-pages/man1/setpriv.1.html `--pdeathsig` */
export function tied(program: string, args: readonly string[]): readonly [program: string, args: readonly string[]] {
  return process.platform === 'linux' ? ['setpriv', ['--pdeathsig', 'KILL', program, ...args]] : [program, args];
}
