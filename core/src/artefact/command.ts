import { spawn } from 'node:child_process';
import type { ChildProcess } from 'node:child_process';
import { constants } from 'node:os';
import { ProviderError } from '../provider/error.ts';
import { cancelled } from '../source/git.ts';
import type { Variables } from '../source/git.ts';
import { systemError } from './files.ts';
import { LastLines, Lines } from './lines.ts';
import { endProcessesOf, SCRATCH_VARIABLE } from './scratch.ts';

/** A command of the repository's own, such as an install or a build. */
export interface Command {
  readonly argv: readonly string[];
  /** Also marks its processes: all that still run there in the end are ended. */
  readonly scratch: string;
  readonly cwd: string;
  readonly env: Variables;
  /** For errors, as in `the build of site web`, and where the config says it. */
  readonly what: string;
  readonly path: string;
  readonly signal: AbortSignal;
  readonly onOutput: (line: string) => void;
}
const GRACE_MILLISECONDS = 1000;

/** Runs it to its end, in a process group of its own, of which nothing is left afterwards.
 *  @throws ProviderError `unhealthy` (it failed: with its last lines), `invalid` (not found), `cancelled`. */
export async function runCommand(command: Command): Promise<void> {
  const { argv, cwd, env, scratch, what, path, signal } = command;
  const [program = '', ...args] = argv;
  if (signal.aborted) throw cancelled(signal, what);
  const last = new LastLines();
  const child = spawn(program, args, {
    cwd,
    env: { ...env, PWD: cwd, [SCRATCH_VARIABLE]: scratch },
    detached: true,
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  const ended = endOf(child, (line) => {
    last.add(line);
    command.onOutput(line);
  });
  const abort = () => endGroup(child);
  signal.addEventListener('abort', abort, { once: true });
  try {
    const result = await ended;
    if (command.signal.aborted) throw cancelled(signal, what);
    if (result !== 'code 0') {
      throw new ProviderError('unhealthy', `${what} failed: ${argv.join(' ')} ended with ${result}${last.toString()}`, {
        path,
      });
    }
  } catch (error) {
    throw startError(error, command);
  } finally {
    signal.removeEventListener('abort', abort);
    killGroup(child, 'SIGKILL');
    await endProcessesOf(scratch);
  }
}

/** Its own end counts, not that of its pipes, which whatever it left running holds open. */
function endOf(child: ChildProcess, onLine: (line: string) => void): Promise<string> {
  for (const stream of [child.stdout, child.stderr]) {
    const lines = new Lines(onLine);
    stream?.on('data', (chunk: Buffer) => {
      lines.write(chunk);
    });
    stream?.on('end', () => {
      lines.end();
    });
  }
  return new Promise((resolve, reject) => {
    child.on('error', reject);
    child.on('exit', (code, signal) => {
      killGroup(child, 'SIGKILL');
      const result =
        code === null ? `signal ${signal ?? 'unknown'} (${signal ? constants.signals[signal] : ''})` : `code ${code}`;
      const timer = setTimeout(() => resolve(result), GRACE_MILLISECONDS); // A daemon of a session of its own may keep the pipes.
      child.on('close', () => {
        clearTimeout(timer);
        resolve(result);
      });
    });
  });
}

function endGroup(child: ChildProcess): void {
  killGroup(child, 'SIGTERM');
  setTimeout(() => {
    killGroup(child, 'SIGKILL');
  }, GRACE_MILLISECONDS).unref();
}

function killGroup(child: ChildProcess, signal: NodeJS.Signals): void {
  if (child.pid === undefined) return;
  try {
    process.kill(-child.pid, signal);
  } catch {
    // The whole group ended by itself.
  }
}

function startError(error: unknown, { argv, cwd, what, path }: Command): unknown {
  const known = ProviderError.is(error) ? undefined : systemError(error);
  if (!known) return error;
  const reason = known.code === 'ENOENT' ? `there is no program ${argv[0] ?? ''}` : known.message;
  return new ProviderError('invalid', `${what} did not start in ${cwd}: ${reason}`, { path, cause: error });
}
