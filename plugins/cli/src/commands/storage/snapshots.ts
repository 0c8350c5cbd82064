import type { SnapshotView } from '@clusternator/core';
import { Args } from '@oclif/core';
import { table } from '../../output/table.ts';
import { ProjectCommand } from '../../project-command.ts';
import { snapshotColumns } from '../../storage-text.ts';

export default class StorageSnapshots extends ProjectCommand<typeof StorageSnapshots> {
  static override summary = 'List snapshots, the newest first.';
  static override examples = [
    '<%= config.bin %> storage snapshots',
    '<%= config.bin %> storage snapshots slot-master-data --json',
  ];
  static override args = { volume: Args.string({ description: 'Only of this volume.', ignoreStdin: true }) };

  async run(): Promise<{ snapshots: readonly SnapshotView[] }> {
    const snapshots = await (await this.project).storage().snapshots(this.args.volume);
    if (snapshots.length === 0) this.note('There are no snapshots.');
    else
      this.say(
        ...table(snapshots, snapshotColumns(Date.now()), process.stdout.isTTY ? process.stdout.columns : undefined),
      );
    return { snapshots };
  }
}
