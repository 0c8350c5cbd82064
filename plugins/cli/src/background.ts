import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdir, open } from 'node:fs/promises';
import { dirname, join } from 'node:path';

/** What goes on without this command. */
export interface Continuation {
  /** The `bin/run.js` that runs now. */
  readonly entry: string;
  readonly operation: string;
  readonly stateFolder: string;
  readonly directory: string;
  /** Flags that the operation needs again, such as `--env-file`. */
  readonly flags: readonly string[];
  readonly env: Readonly<Record<string, string | undefined>>;
}

/**
 * Starts a process of its own that resumes an operation, and outlives this one.
 * @returns The file with what it prints.
 */
export async function goOnInBackground(what: Continuation): Promise<string> {
  const file = backgroundLog(what.stateFolder, what.operation);
  await mkdir(dirname(file), { recursive: true, mode: 0o700 });
  const log = await open(file, 'a', 0o600);
  try {
    const args = [what.entry, 'op', 'resume', what.operation, '--takeover', '60s', '--state-home', what.stateFolder];
    const child = spawn(process.execPath, [...args, ...what.flags], {
      cwd: what.directory,
      detached: true,
      stdio: ['ignore', log.fd, log.fd],
      env: what.env,
    });
    await once(child, 'spawn');
    child.unref();
  } finally {
    await log.close();
  }
  return file;
}

/** Where it writes. It is removed when the operation ends well. */
export function backgroundLog(stateFolder: string, operation: string): string {
  return join(stateFolder, 'background', `${operation}.log`);
}
