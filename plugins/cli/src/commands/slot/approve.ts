import { reasonFlag, slotArg } from '../../flags.ts';
import { OperationCommand } from '../../operation-command.ts';
import { slotJson, type SlotJson } from '../../slot-text.ts';

export default class SlotApprove extends OperationCommand<typeof SlotApprove> {
  static override summary = 'Let a promotion go on that waits for approval.';
  static override examples = ['<%= config.bin %> slot approve master --reason "checked by hand"'];
  static override args = { slot: slotArg };
  static override flags = { reason: reasonFlag };

  async run(): Promise<{ slot: SlotJson }> {
    const { reason } = this.flags;
    const slot = await (await this.project).slots().approve(this.args.slot, reason === undefined ? {} : { reason });
    const to = slot.operation?.to?.environment;
    this.say(to === undefined ? `Slot ${slot.name} is ${slot.state}.` : `${to} was approved for ${slot.name}.`);
    return { slot: slotJson(slot) };
  }
}
