import type { Duplex } from 'node:stream';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Container, Exec } from 'dockerode';

const NONE_YET = 20;

/** A command in a container of the engine, in a terminal of its own, as AWS's agent starts it. */
export class TerminalCommand {
  private constructor(
    private readonly exec: Exec,
    private readonly terminal: Duplex,
  ) {}

  /** @throws Error What the agent says of a program that is not there. */
  static async start(container: Container, words: readonly string[], User: string): Promise<TerminalCommand> {
    const [program = ''] = words;
    if (program.startsWith('/')) {
      const found = await container.infoArchive({ path: program }).catch((cause: unknown) => {
        throw new Error(`Failed to start pty: fork/exec ${program}: no such file or directory`, { cause });
      });
      found.resume();
    }
    const exec = await container.exec({
      AttachStdin: true,
      AttachStdout: true,
      AttachStderr: true,
      Tty: true,
      User,
      Cmd: [...words],
      Env: ['TERM=xterm-256color', 'LANG=C.UTF-8', ...(User === '0' ? [] : [`HOME=/home/${User}`])],
    });
    const terminal = await exec.start({ hijack: true, stdin: true, Tty: true });
    terminal.on('error', () => undefined);
    return new TerminalCommand(exec, terminal);
  }

  onOutput(take: (bytes: Buffer) => void, ended: () => void): void {
    this.terminal.on('data', take);
    // The engine leaves its other half open.
    this.terminal.once('end', () => this.terminal.destroy());
    this.terminal.once('close', ended);
  }

  write(bytes: Buffer): void {
    this.terminal.write(bytes);
  }

  async resize({ cols, rows }: { readonly cols: number; readonly rows: number }): Promise<void> {
    for (let tries = 1; tries <= NONE_YET; tries += 1) {
      const isDone = await this.exec.resize({ w: cols, h: rows }).then(
        () => true,
        () => false,
      );
      if (isDone) return;
      await sleep(50); // the engine makes the terminal in the background
    }
  }

  /** Hangs up: what takes no notice is killed. */
  async end(): Promise<void> {
    this.terminal.destroy();
    const { Pid, Running } = await this.exec.inspect().catch(() => ({ Pid: 0, Running: false }));
    if (!Running || Pid === 0) return;
    for (const signal of ['SIGHUP', 'SIGKILL'] as const) {
      try {
        process.kill(-Pid, signal);
      } catch {
        return; // gone
      }
      await sleep(200);
    }
  }
}
