import type { BackupReport as Report } from '@clusternator/core';
import { Flags } from '@oclif/core';
import { Exit } from '../../errors.ts';
import { table } from '../../output/table.ts';
import { ProjectCommand } from '../../project-command.ts';
import { reportColumns } from '../../storage-text.ts';

export default class BackupReport extends ProjectCommand<typeof BackupReport> {
  static override summary = 'Compare the age of the backups with what the config promises.';
  static override examples = ['<%= config.bin %> backup report', '<%= config.bin %> backup report --exit-code'];
  static override flags = {
    'exit-code': Flags.boolean({ summary: 'End with 10 when a promise is not kept.' }),
  };

  async run(): Promise<{ volumes: readonly Report[] }> {
    const volumes = await (await this.project).storage().reportBackups();
    if (volumes.length === 0) this.note('No volume promises backups.');
    else this.say(...table(volumes, reportColumns, process.stdout.isTTY ? process.stdout.columns : undefined));
    if (this.flags['exit-code'] && volumes.some(({ isKept }) => !isKept)) this.endWith(Exit.differences);
    return { volumes };
  }
}
