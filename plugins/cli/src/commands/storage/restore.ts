import type { RestoreResult, StoragePlan } from '@clusternator/core';
import { Flags } from '@oclif/core';
import { confirmed } from '../../confirm.ts';
import { reasonFlag } from '../../flags.ts';
import { OperationCommand } from '../../operation-command.ts';
import { lossText, planLines, snapshotArg } from '../../storage-text.ts';

export default class StorageRestore extends OperationCommand<typeof StorageRestore> {
  static override summary = 'Make a new volume from a snapshot and, with --swap, use it.';
  static override description =
    'No volume that is there is overwritten. With --swap the new one takes the place of the one in use, which is kept: an environment of its own is stopped and started again on it, a slot moves to an environment on it. A damaged snapshot is refused (exit code 5).';
  static override examples = [
    '<%= config.bin %> storage restore data-20260102-030405-x1y2',
    '<%= config.bin %> storage restore before-the-sale --swap',
    '<%= config.bin %> storage restore before-the-sale --swap --dry-run',
  ];
  static override args = { snapshot: snapshotArg };
  static override flags = {
    as: Flags.string({ summary: 'The id of the new volume.', helpValue: '<id>' }),
    swap: Flags.boolean({ summary: 'Use it in place of the volume in use, which is kept.' }),
    yes: Flags.boolean({ char: 'y', summary: 'Do not ask. With --swap, needed without a terminal.' }),
    reason: reasonFlag,
    'dry-run': Flags.boolean({ summary: 'Say what would be done and what would be lost, and do nothing.' }),
  };

  async run(): Promise<{ result: RestoreResult | null; plan: StoragePlan | null }> {
    const { as, swap, yes, reason, 'dry-run': dryRun } = this.flags;
    const storage = (await this.project).storage();
    const request = {
      snapshot: this.args.snapshot,
      swap,
      ...(as === undefined ? {} : { as }),
      ...(reason === undefined ? {} : { reason }),
    };
    const plan = swap || dryRun ? await storage.planRestore(request) : null;
    if (dryRun && plan) {
      this.say(...planLines(plan));
      return { result: null, plan };
    }
    if (plan?.loss && !yes) await confirmed(`${lossText(plan.loss)}. Swap it in?`, this.jsonEnabled());
    const result = await storage.restore(request);
    this.say(...lines(result, this.config.bin));
    return { result, plan };
  }
}

function lines({ volume, swapped, kept }: RestoreResult, bin: string): readonly string[] {
  if (!swapped) return [`Volume ${volume.id} is there.`, `To use it: ${bin} storage swap ${volume.id}`];
  return [
    `Volume ${volume.id} is in use; ${swapped.from} is kept${kept ? `, and snapshot ${kept.id} of it` : ''}.`,
    ...swapped.behind.map((id) => `${id} goes on with ${swapped.from} until it is made anew.`),
    `To go back: ${bin} storage swap ${swapped.from}`,
  ];
}
