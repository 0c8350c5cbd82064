import { table } from '../../output/table.ts';
import { ProjectCommand } from '../../project-command.ts';
import { slotColumns, slotJson, type SlotJson } from '../../slot-text.ts';

export default class SlotList extends ProjectCommand<typeof SlotList> {
  static override summary = 'List the slots of this project, with what is behind them.';
  static override examples = ['<%= config.bin %> slot list', '<%= config.bin %> slot list --json'];

  async run(): Promise<{ slots: SlotJson[] }> {
    const slots = await (await this.project).slots().list();
    if (slots.length === 0) this.note('There are no slots. They are named in the config, under `slots:`.');
    else this.say(...table(slots, slotColumns, process.stdout.isTTY ? process.stdout.columns : undefined));
    return { slots: slots.map(slotJson) };
  }
}
