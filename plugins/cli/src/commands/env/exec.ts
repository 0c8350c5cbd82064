import { ProviderError } from '@clusternator/core';
import { Args } from '@oclif/core';
import { Exit } from '../../errors.ts';
import { environmentArg } from '../../flags.ts';
import { ProjectCommand } from '../../project-command.ts';
import { attach } from '../../terminal-session.ts';

export default class EnvExec extends ProjectCommand<typeof EnvExec> {
  static override summary = 'Run a command inside a service, and exit with its exit code.';
  static override usage = 'env exec <environment> <service> -- <command>...';
  static override examples = [
    '<%= config.bin %> env exec HEAD api -- node --version',
    '<%= config.bin %> env exec 1a2b3c4 api -- sh',
  ];
  static override takesRest = true;
  static override args = {
    environment: environmentArg,
    service: Args.string({ description: 'A service of it.', required: true, ignoreStdin: true }),
  };

  async run(): Promise<{ exitCode: number; output?: string }> {
    const { environment, service } = this.args;
    const command = this.rest;
    if (command.length === 0) {
      throw new ProviderError('invalid', 'there is no command to run', {
        hint: `put it after --: ${this.config.bin} env exec ${environment} ${service} -- sh`,
      });
    }
    const project = await this.project;
    const { id } = await project.environment(environment);
    const json = this.jsonEnabled();
    const terminal = process.stdin.isTTY && process.stdout.isTTY && !json;
    const size = { columns: process.stdout.columns, rows: process.stdout.rows };
    const session = await project.exec(id, { service, command, ...(terminal ? { terminal: size } : {}) });
    const raw = terminal && session.resize !== undefined;
    // From here on Ctrl-C is a key like any other, and the command's.
    if (raw) this.interruption.dispose();
    const output: Uint8Array[] = [];
    const exitCode = await attach(session, {
      input: json ? undefined : process.stdin,
      raw,
      signal: this.interruption.signal,
      write: (chunk) => (json ? void output.push(chunk) : void process.stdout.write(chunk)),
    });
    this.endWith(this.interruption.received() ? Exit.interrupted : exitCode);
    return json ? { exitCode, output: Buffer.concat(output).toString() } : { exitCode };
  }
}
