import type { SnapshotView } from '@clusternator/core';
import { Flags } from '@oclif/core';
import { OperationCommand } from '../../operation-command.ts';
import { bytesText } from '../../output/text.ts';
import { volumeArg } from '../../storage-text.ts';

export default class StorageSnapshot extends OperationCommand<typeof StorageSnapshot> {
  static override summary = 'Take a snapshot of a volume.';
  static override description =
    'What writes to the volume goes on. How it is made consistent is what the config says under `backup.quiesce`, unless told otherwise.';
  static override examples = [
    '<%= config.bin %> storage snapshot slot-master-data',
    '<%= config.bin %> storage snapshot slot-master-data --name before-the-sale --quiesce postgres',
  ];
  static override args = { volume: volumeArg };
  static override flags = {
    name: Flags.string({ summary: 'Its name. Left out: the volume and the date.' }),
    quiesce: Flags.string({
      summary: 'How the application is made consistent.',
      options: ['none', 'auto', 'postgres', 'pg_dump', 'mysql', 'redis'],
    }),
    'dry-run': Flags.boolean({ summary: 'Say what would be taken, and take nothing.' }),
  };

  async run(): Promise<{ snapshot: SnapshotView | null; changes: readonly object[] }> {
    const { name, quiesce, 'dry-run': dryRun } = this.flags;
    const storage = (await this.project).storage();
    if (dryRun) {
      const { id } = await storage.volume(this.args.volume);
      const what = `snapshot ${name ?? '(dated)'} of ${id}`;
      this.say(`create   ${what}`);
      return { snapshot: null, changes: [{ action: 'create', what }] };
    }
    const { snapshot } = await storage.snapshot({
      volume: this.args.volume,
      ...(name === undefined ? {} : { name }),
      ...(quiesce === undefined ? {} : { quiesce }),
    });
    this.say(
      `Snapshot ${snapshot.id} of ${snapshot.volume} is taken${snapshot.bytes === undefined ? '' : `: ${bytesText(snapshot.bytes)}`}.`,
    );
    return { snapshot, changes: [] };
  }
}
