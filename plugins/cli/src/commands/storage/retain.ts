import type { SnapshotView, VolumeView } from '@clusternator/core';
import { Args, Flags } from '@oclif/core';
import { ProjectCommand } from '../../project-command.ts';

export default class StorageRetain extends ProjectCommand<typeof StorageRetain> {
  static override summary = 'Keep a volume or a snapshot: nothing automatic destroys it.';
  static override examples = [
    '<%= config.bin %> storage retain before-the-sale --reason "audit 2026"',
    '<%= config.bin %> storage retain before-the-sale --release',
  ];
  static override args = {
    id: Args.string({ description: 'A volume or a snapshot.', required: true, ignoreStdin: true }),
  };
  static override flags = {
    release: Flags.boolean({ summary: 'Keep it no longer.' }),
    reason: Flags.string({ summary: 'Why it is kept.' }),
    'dry-run': Flags.boolean({ summary: 'Say what would be kept, and change nothing.' }),
  };

  async run(): Promise<{ kept: VolumeView | SnapshotView }> {
    const { release, reason, 'dry-run': dryRun } = this.flags;
    const storage = (await this.project).storage();
    const found = await storage.find(this.args.id);
    const { id } = found.type === 'volume' ? found.volume : found.snapshot;
    if (dryRun) {
      this.say(`change   ${found.type} ${id} is ${release ? 'no longer kept' : 'kept'}`);
      return { kept: found.type === 'volume' ? found.volume : found.snapshot };
    }
    const kept = await storage.retain(id, { keep: !release, ...(reason === undefined ? {} : { why: reason }) });
    this.say(release ? `${id} is no longer kept.` : `${id} is kept.`);
    return { kept };
  }
}
