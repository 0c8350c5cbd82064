import { Args, Flags } from '@oclif/core';
import { confirmed } from '../../confirm.ts';
import { OperationCommand } from '../../operation-command.ts';

export default class StorageDestroy extends OperationCommand<typeof StorageDestroy> {
  static override summary = 'Destroy volumes or snapshots.';
  static override description =
    'It can not be undone. A volume that an environment uses is refused, as is the last good backup (exit code 7).';
  static override examples = ['<%= config.bin %> storage destroy data-restored-1a2b3c4d'];
  static override args = {
    ids: Args.string({ description: 'Volumes or snapshots.', required: true, multiple: true, ignoreStdin: true }),
  };
  static override flags = {
    yes: Flags.boolean({ char: 'y', summary: 'Do not ask. Needed without a terminal.' }),
    force: Flags.boolean({ summary: 'Of snapshots: also the last good backup, and what is kept.' }),
    'dry-run': Flags.boolean({ summary: 'Say what would be destroyed, and destroy nothing.' }),
  };

  async run(): Promise<{ destroyed: readonly string[]; changes: readonly object[] }> {
    const { yes, force, 'dry-run': dryRun } = this.flags;
    const storage = (await this.project).storage();
    // All are looked up before one is destroyed, so that a typing error in the last one destroys nothing.
    const found = await Promise.all([...new Set(this.args.ids)].map((id) => storage.find(id)));
    const named = found.map((one) => ({ type: one.type, id: one.type === 'volume' ? one.volume.id : one.snapshot.id }));
    const changes = named.map(({ type, id }) => ({ action: 'destroy', what: `${type} ${id}` }));
    if (dryRun) {
      this.say(...changes.map(({ action, what }) => `${action.padEnd(8)} ${what}`));
      return { destroyed: [], changes };
    }
    if (!yes) await confirmed(`Destroy ${changes.map(({ what }) => what).join(', ')}?`, this.jsonEnabled());
    const destroyed: string[] = [];
    for (const { id } of named) {
      destroyed.push((await storage.destroy(id, { force })).id);
      this.note(`${id} is gone.`);
    }
    return { destroyed, changes };
  }
}
