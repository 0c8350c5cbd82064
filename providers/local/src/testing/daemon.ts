import { spawn, type ChildProcess } from 'node:child_process';
import { mkdtempSync, readdirSync, readlinkSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { DaemonClient } from '../client/daemon-client.ts';
import { askToStop, findDaemon } from '../client/launch.ts';
import { endProcesses } from '../daemon/end-processes.ts';
import { processesMarked, readProcess } from '../daemon/process-table.ts';

/** The daemon's sources as they are, without a build. */
export const DAEMON_PROGRAM = [
  '--experimental-transform-types',
  '--disable-warning=ExperimentalWarning',
  fileURLToPath(new URL('../daemon/main.ts', import.meta.url)),
] as const;

/** A state folder with a daemon of its own, and the end of both. */
export class TestDaemon {
  readonly stateFolder: string;
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly client: DaemonClient;

  constructor(env: Readonly<Record<string, string | undefined>> = {}) {
    this.stateFolder = env.CLUSTERNATOR_STATE_HOME ?? mkdtempSync(path.join(tmpdir(), 'clusternator-local-'));
    this.env = { ...process.env, ...env, CLUSTERNATOR_STATE_HOME: this.stateFolder };
    this.client = this.newClient();
  }

  /** As another process of the CLI would have it. */
  newClient(): DaemonClient {
    return new DaemonClient({ env: this.env, program: DAEMON_PROGRAM });
  }

  async pid(): Promise<number | undefined> {
    return (await findDaemon(this.client.paths, AbortSignal.timeout(5000)))?.pid;
  }

  /** As if it had crashed. Its processes go on. */
  async kill(): Promise<void> {
    const pid = await this.pid();
    if (pid === undefined) return;
    process.kill(pid, 'SIGKILL');
    while (readProcess(pid)) await new Promise((resolve) => setTimeout(resolve, 5));
  }

  async stop(): Promise<void> {
    const pid = await this.pid();
    if (pid === undefined) return;
    await askToStop(this.client.paths, AbortSignal.timeout(20_000));
    while (readProcess(pid)) await new Promise((resolve) => setTimeout(resolve, 5));
  }

  /** Nothing of it runs. */
  async end(): Promise<void> {
    await this.kill();
    await endProcesses(() => processesMarked(`${this.client.paths.home}:`), 0);
    for (const pid of processesIn(this.stateFolder)) process.kill(pid, 'SIGKILL');
  }

  /** Nothing of it is left. */
  async [Symbol.asyncDispose](): Promise<void> {
    await this.end();
    rmSync(this.stateFolder, { recursive: true, force: true });
  }
}

/** By where they run: a child that left its group and wiped its variables is found by nothing else, and may be stopped. */
function processesIn(folder: string): readonly number[] {
  return readdirSync('/proc')
    .map(Number)
    .filter((pid) => {
      try {
        return pid > 0 && readlinkSync(`/proc/${String(pid)}/cwd`).startsWith(`${folder}/`);
      } catch {
        return false; // it ended, or is not ours to look at
      }
    });
}

/** A daemon that is started by hand, to be killed at any moment. */
export function spawnDaemon(env: Readonly<Record<string, string | undefined>>): ChildProcess {
  return spawn(process.execPath, DAEMON_PROGRAM, { env, stdio: 'ignore' });
}
