import type { SnapshotView } from '@clusternator/core';
import { Args } from '@oclif/core';
import { table } from '../../output/table.ts';
import { ProjectCommand } from '../../project-command.ts';
import { snapshotColumns } from '../../storage-text.ts';

export default class BackupList extends ProjectCommand<typeof BackupList> {
  static override summary = 'List the backups, the newest first.';
  static override examples = ['<%= config.bin %> backup list', '<%= config.bin %> backup list slot-master-data --json'];
  static override args = { volume: Args.string({ description: 'Only of this volume.', ignoreStdin: true }) };

  async run(): Promise<{ backups: readonly SnapshotView[] }> {
    const backups = await (await this.project).storage().backups(this.args.volume);
    if (backups.length === 0) this.note('There are no backups.');
    else
      this.say(
        ...table(backups, snapshotColumns(Date.now()), process.stdout.isTTY ? process.stdout.columns : undefined),
      );
    return { backups };
  }
}
