import { Flags } from '@oclif/core';
import { Exit } from '../../errors.ts';
import { environmentArg } from '../../flags.ts';
import { followLogs } from '../../follow-logs.ts';
import { linePainter } from '../../log-text.ts';
import { ProjectCommand } from '../../project-command.ts';
import { sinceOf } from '../../since.ts';

interface Line {
  readonly at: string;
  readonly service: string;
  readonly instance: string;
  readonly text: string;
  readonly cursor: string;
}

export default class EnvLogs extends ProjectCommand<typeof EnvLogs> {
  static override summary = "Print an environment's logs.";
  static override description = 'Also those that were kept of one that is gone: `logs: { keep: 30d }` in the config.';
  static override examples = [
    '<%= config.bin %> env logs 1a2b3c4 --follow',
    '<%= config.bin %> env logs HEAD --service api --since 10m',
  ];
  static override args = { environment: environmentArg };
  static override flags = {
    follow: Flags.boolean({
      char: 'f',
      summary: 'Go on printing new lines, until Ctrl-C.',
      exclusive: ['json'],
      default: false,
    }),
    service: Flags.string({
      char: 's',
      summary: 'Of this service alone. Repeatable.',
      helpValue: '<name>',
      multiple: true,
      multipleNonGreedy: true,
    }),
    since: Flags.string({ summary: 'From this time on: 10m ago, or an ISO time.', helpValue: '<time>' }),
    previous: Flags.boolean({
      summary: 'What was kept of it before it was destroyed and made anew.',
      exclusive: ['follow'],
      default: false,
    }),
    after: Flags.string({ summary: 'Go on after this cursor, which `--json` tells.', helpValue: '<cursor>' }),
  };

  async run(): Promise<{ lines: Line[] }> {
    const { follow, service, since, after, previous } = this.flags;
    const project = await this.project;
    const { id } = await project.environment(this.args.environment);
    const query = {
      follow,
      ...(service === undefined ? {} : { services: service }),
      ...(since === undefined ? {} : { since: await sinceOf(since, Date.now()) }),
      ...(after === undefined ? {} : { after }),
    };
    const json = this.jsonEnabled();
    const paint = linePainter(process.stdout);
    const lines: Line[] = [];
    const { signal } = this.interruption;
    for await (const line of followLogs(
      (from) => project.logs(id, { ...from, previous }),
      query,
      signal,
      (text) => this.note(text),
    )) {
      if (json) lines.push({ ...line, at: line.at.toISOString() });
      else process.stdout.write(`${paint(line)}\n`);
    }
    if (signal.aborted) this.endWith(Exit.interrupted);
    return { lines };
  }
}
