import { slotArg } from '../../flags.ts';
import { ProjectCommand } from '../../project-command.ts';
import { slotJson, type SlotJson } from '../../slot-text.ts';

export default class SlotUnpin extends ProjectCommand<typeof SlotUnpin> {
  static override summary = 'Let automatic promotions go on, which a rollback holds.';
  static override examples = ['<%= config.bin %> slot unpin master'];
  static override args = { slot: slotArg };

  async run(): Promise<{ slot: SlotJson }> {
    const slot = await (await this.project).slots().unpin(this.args.slot);
    this.say(`Automatic promotions to ${slot.name} go on.`);
    return { slot: slotJson(slot) };
  }
}
