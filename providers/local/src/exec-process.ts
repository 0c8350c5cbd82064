import { PassThrough } from 'node:stream';
import { once } from 'node:events';
import { ProviderError, type ExecRequest, type ExecSession } from '@clusternator/core/provider';
import { spawn } from 'node:child_process';
import type { ExecView } from './control/views.ts';
import { messageOf } from './control/failure.ts';

/** Runs a command beside a process: in its folder, with its variables, as a child of whoever asked. It has no terminal. */
export async function execProcess(
  { command, terminal }: ExecRequest,
  { directory, env }: Extract<ExecView, { kind: 'process' }>,
  signal: AbortSignal,
): Promise<ExecSession> {
  const [program = '', ...args] = command;
  const size = terminal && { COLUMNS: String(terminal.columns), LINES: String(terminal.rows) };
  const child = spawn(program, args, { cwd: directory, env: { ...env, ...size }, signal });
  const ended = Promise.withResolvers<number>();
  child.once('close', (code) => {
    ended.resolve(code ?? 128);
  });
  try {
    await once(child, 'spawn');
  } catch (cause) {
    signal.throwIfAborted();
    throw new ProviderError('invalid', `"${program}" can't be run: ${messageOf(cause)}`, { cause, path: 'command' });
  }
  child.on('error', () => undefined); // the signal ended it: its exit code tells
  child.stdin.on('error', () => undefined); // it closed its input
  const output = new PassThrough();
  child.stdout.pipe(output, { end: false });
  child.stderr.pipe(output, { end: false });
  void ended.promise.then(() => output.end());
  return {
    output,
    exitCode: ended.promise,
    async write(input) {
      if (!child.stdin.write(input) && !child.stdin.destroyed)
        await Promise.race([once(child.stdin, 'drain'), once(child.stdin, 'close')]);
    },
    end() {
      child.stdin.end();
      return Promise.resolve();
    },
  };
}
