import type { RestoreResult } from '@clusternator/core';
import { Flags } from '@oclif/core';
import { OperationCommand } from '../../operation-command.ts';
import { volumeArg } from '../../storage-text.ts';

export default class StorageClone extends OperationCommand<typeof StorageClone> {
  static override summary = 'Make a new volume with the data that another one has now.';
  static override examples = ['<%= config.bin %> storage clone slot-master-data --as try-the-migration'];
  static override args = { volume: volumeArg };
  static override flags = {
    as: Flags.string({ summary: 'The id of the new volume.', helpValue: '<id>' }),
    'dry-run': Flags.boolean({ summary: 'Say what would be made, and make nothing.' }),
  };

  async run(): Promise<{ result: RestoreResult | null; changes: readonly object[] }> {
    const { as, 'dry-run': dryRun } = this.flags;
    const storage = (await this.project).storage();
    if (dryRun) {
      const { id } = await storage.volume(this.args.volume);
      const what = `volume ${as ?? '(new)'} with the data of ${id}`;
      this.say(`create   ${what}`);
      return { result: null, changes: [{ action: 'create', what }] };
    }
    const result = await storage.clone({ volume: this.args.volume, ...(as === undefined ? {} : { as }) });
    this.say(`Volume ${result.volume.id} is there.`);
    return { result, changes: [] };
  }
}
