import type { BackupRun as Run } from '@clusternator/core';
import { Args, Flags } from '@oclif/core';
import { Exit } from '../../errors.ts';
import { OperationCommand } from '../../operation-command.ts';
import { table } from '../../output/table.ts';
import { runColumns } from '../../storage-text.ts';

export default class BackupRun extends OperationCommand<typeof BackupRun> {
  static override summary = 'Take backups now, or those that are due.';
  static override description =
    'With --due for cron or CI: it may come as often as it likes. A run that was missed is caught up once, and told. What has outlived its promise expires afterwards, but never the last good backup.';
  static override examples = [
    '<%= config.bin %> backup run slot-master-data',
    '<%= config.bin %> backup run --due --json',
    '<%= config.bin %> backup run --due --dry-run',
  ];
  static override args = {
    volumes: Args.string({
      description: 'Volumes. Left out: all that promise backups.',
      multiple: true,
      ignoreStdin: true,
    }),
  };
  static override flags = {
    due: Flags.boolean({ summary: 'Only those whose time has come.' }),
    'dry-run': Flags.boolean({ summary: 'Say what would be taken, and take nothing.' }),
  };

  async run(): Promise<{ runs: readonly Run[] }> {
    const { due, 'dry-run': dryRun } = this.flags;
    const volumes = [...(this.args.volumes ?? [])];
    const storage = (await this.project).storage();
    const runs = await storage.runBackups({ due, dryRun, ...(volumes.length > 0 && { volumes }) });
    if (runs.length === 0) this.note(due ? 'Nothing is due.' : 'No volume promises backups.');
    else this.say(...table(runs, runColumns, process.stdout.isTTY ? process.stdout.columns : undefined));
    if (runs.some(({ state }) => state === 'failed')) this.endWith(Exit.unexpected);
    return { runs };
  }
}
