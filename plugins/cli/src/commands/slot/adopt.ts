import { reasonFlag, slotArg } from '../../flags.ts';
import { OperationCommand } from '../../operation-command.ts';
import { slotJson, type SlotJson } from '../../slot-text.ts';

export default class SlotAdopt extends OperationCommand<typeof SlotAdopt> {
  static override summary = 'Take what the router of a slot serves as its head, as a release of its own.';
  static override examples = ['<%= config.bin %> slot adopt master --reason "moved by hand"'];
  static override args = { slot: slotArg };
  static override flags = { reason: reasonFlag };

  async run(): Promise<{ slot: SlotJson }> {
    const { reason } = this.flags;
    const slot = await (await this.project).slots().adopt(this.args.slot, reason === undefined ? {} : { reason });
    this.say(`Slot ${slot.name} is on ${slot.head?.environment ?? 'nothing'}, generation ${String(slot.generation)}.`);
    return { slot: slotJson(slot) };
  }
}
