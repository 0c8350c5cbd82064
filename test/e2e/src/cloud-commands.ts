import type { ChildProcess } from 'node:child_process';

import { answerOf, type Outcome } from './cli.ts';
import type { CloudApp } from './cloud-app.ts';

export interface Ran {
  readonly code: number | null;
  /** And where there is none, its errors. */
  readonly stdout: string;
}

/** `env exec` in the service of an app. */
export class CloudCommands {
  constructor(private readonly app: CloudApp) {}

  async run(id: string, command: readonly string[], input?: string): Promise<Ran> {
    const { code, stdout, stderr } = await this.app.sandbox.run(['env', 'exec', id, 'web', '--', ...command], {
      ...(input !== undefined && { input }),
    });
    return { code, stdout: stdout === '' ? stderr : stdout };
  }

  /** Of what is behind `--` nothing is the tool's. */
  async asJson(id: string, command: readonly string[]) {
    const outcome = await this.app.sandbox.run(['env', 'exec', '--json', id, 'web', '--', ...command]);
    const { data, error } = answerOf<{ readonly exitCode: number; readonly output: string }>(outcome);
    return { exit: outcome.code, data, error };
  }

  /** One that sleeps, until it has said that it begins. */
  async begun(id: string, then: (child: ChildProcess) => void): Promise<Outcome> {
    return this.app.sandbox.run(['env', 'exec', id, 'web', '--', 'sh', '-c', 'echo begun; sleep 4321'], {
      onStart: (child) =>
        child.stdout?.on('data', (text: string) => {
          if (text.includes('begun')) then(child);
        }),
    });
  }

  /** How many processes of those there are. */
  async sleepers(id: string): Promise<number> {
    return Number((await this.run(id, ['sh', '-c', 'ps ax | grep -c "[s]leep 4321"; true'])).stdout);
  }
}
