import { Flags } from '@oclif/core';
import { slotArg } from '../../flags.ts';
import { SlotChangeCommand, slotChangeFlags, type SlotAnswer } from '../../slot-command.ts';

export default class SlotRollback extends SlotChangeCommand<typeof SlotRollback> {
  static override summary = 'Send a slot back to what it served before.';
  static override description =
    'To the newest standby, unless told otherwise. The present head is rejected: the next rollback goes further back, and automatic promotions are held. Data is never changed.';
  static override aliases = ['rollback'];
  static override examples = [
    '<%= config.bin %> rollback master',
    '<%= config.bin %> rollback master --to master.2 --reason "checkout fails"',
  ];
  static override args = { slot: slotArg };
  static override flags = {
    to: Flags.string({ summary: 'A standby: its name, such as master.2, or its environment.', helpValue: '<standby>' }),
    ...slotChangeFlags,
  };

  async run(): Promise<SlotAnswer> {
    const { to, reason, wait, timeout, 'dry-run': dryRun, 'exit-code': exitCode } = this.flags;
    const { 'if-generation': ifGeneration } = this.flags;
    const slots = (await this.project).slots();
    const request = {
      slot: this.args.slot,
      wait,
      ...(to === undefined ? {} : { to }),
      ...(reason === undefined ? {} : { reason }),
      ...(ifGeneration === undefined ? {} : { ifGeneration }),
    };
    if (dryRun) return this.plan(await slots.planRollback(request), exitCode);
    return this.change(request.slot, { wait, timeout }, () => slots.rollback(request));
  }
}
