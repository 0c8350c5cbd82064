import { slotArg } from '../../flags.ts';
import { OperationCommand } from '../../operation-command.ts';
import { slotJson, type SlotJson } from '../../slot-text.ts';

export default class SlotRepair extends OperationCommand<typeof SlotRepair> {
  static override summary = 'Write the routes of a slot again, as the state says.';
  static override examples = ['<%= config.bin %> slot repair master'];
  static override args = { slot: slotArg };

  async run(): Promise<{ slot: SlotJson }> {
    const slot = await (await this.project).slots().repair(this.args.slot);
    this.say(`Slot ${slot.name} serves ${slot.head?.environment ?? 'nothing'}, as it was written.`);
    return { slot: slotJson(slot) };
  }
}
