import type { SwapResult } from '@clusternator/core';
import { Flags } from '@oclif/core';
import { confirmed } from '../../confirm.ts';
import { reasonFlag } from '../../flags.ts';
import { OperationCommand } from '../../operation-command.ts';
import { volumeArg } from '../../storage-text.ts';

export default class StorageSwap extends OperationCommand<typeof StorageSwap> {
  static override summary = 'Use a restored or cloned volume in place of the one in use, which is kept.';
  static override examples = ['<%= config.bin %> storage swap data-restored-1a2b3c4d'];
  static override args = { volume: volumeArg };
  static override flags = {
    yes: Flags.boolean({ char: 'y', summary: 'Do not ask. Needed without a terminal.' }),
    reason: reasonFlag,
    'dry-run': Flags.boolean({ summary: 'Say what would take the place of what, and do nothing.' }),
  };

  async run(): Promise<{ swapped: SwapResult | null; changes: readonly object[] }> {
    const { yes, reason, 'dry-run': dryRun } = this.flags;
    const storage = (await this.project).storage();
    const { id, name } = await storage.volume(this.args.volume);
    const what = `volume ${id} is used as ${name}`;
    if (dryRun) {
      this.say(`change   ${what}`);
      return { swapped: null, changes: [{ action: 'change', what }] };
    }
    if (!yes) await confirmed(`Use ${id} as ${name}, in place of what is in use?`, this.jsonEnabled());
    const swapped = await storage.swap({ volume: id, ...(reason === undefined ? {} : { reason }) });
    this.say(`Volume ${swapped.to} is in use; ${swapped.from} is kept.`);
    for (const one of swapped.behind) this.note(`${one} goes on with ${swapped.from} until it is made anew.`);
    return { swapped, changes: [] };
  }
}
