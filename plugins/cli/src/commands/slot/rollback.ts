import { Flags } from '@oclif/core';
import { confirmed } from '../../confirm.ts';
import { slotArg } from '../../flags.ts';
import { SlotChangeCommand, slotChangeFlags, type SlotAnswer } from '../../slot-command.ts';
import { lossText } from '../../storage-text.ts';

export default class SlotRollback extends SlotChangeCommand<typeof SlotRollback> {
  static override summary = 'Send a slot back to what it served before.';
  static override description =
    'To the newest standby, unless told otherwise. The present head is rejected: the next rollback goes further back, and automatic promotions are held. Data is never changed, unless --restore-data says so: then it goes back to the newest snapshot from before the release that is left, and what is in use now is kept.';
  static override aliases = ['rollback'];
  static override examples = [
    '<%= config.bin %> rollback master',
    '<%= config.bin %> rollback master --to master.2 --reason "checkout fails"',
  ];
  static override args = { slot: slotArg };
  static override flags = {
    to: Flags.string({ summary: 'A standby: its name, such as master.2, or its environment.', helpValue: '<standby>' }),
    'restore-data': Flags.boolean({
      summary: "Put the slot's data back too. What would be lost is said first.",
      exclusive: ['timeout'],
    }),
    yes: Flags.boolean({ char: 'y', summary: 'Do not ask before data is restored.', dependsOn: ['restore-data'] }),
    ...slotChangeFlags,
  };

  async run(): Promise<SlotAnswer> {
    const { to, reason, wait, timeout, 'dry-run': dryRun, 'exit-code': exitCode } = this.flags;
    const { 'if-generation': ifGeneration, 'restore-data': restoreData, yes } = this.flags;
    const slots = (await this.project).slots();
    const request = {
      slot: this.args.slot,
      restoreData,
      ...(to === undefined ? {} : { to }),
      ...(reason === undefined ? {} : { reason }),
      ...(ifGeneration === undefined ? {} : { ifGeneration }),
    };
    const losses = restoreData ? (await slots.dataLoss(request.slot)).map(lossText) : [];
    if (dryRun) {
      this.say(...losses);
      return this.plan(await slots.planRollback(request), exitCode);
    }
    if (losses.length > 0 && !yes) await confirmed(`${losses.join('; ')}. Restore?`, this.jsonEnabled());
    return this.change(request.slot, { wait: wait || restoreData, timeout }, () => slots.rollback(request));
  }
}
