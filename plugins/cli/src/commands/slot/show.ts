import { Exit } from '../../errors.ts';
import { Flags } from '@oclif/core';
import { slotArg } from '../../flags.ts';
import { paintFor } from '../../output/text.ts';
import { ProjectCommand } from '../../project-command.ts';
import { slotPicture } from '../../slot-picture.ts';
import { slotJson, type SlotJson } from '../../slot-text.ts';

export default class SlotShow extends ProjectCommand<typeof SlotShow> {
  static override summary = 'Show a slot: its head, standbys, traffic, and last releases.';
  static override examples = ['<%= config.bin %> slot show master', '<%= config.bin %> slot show master --exit-code'];
  static override args = { slot: slotArg };
  static override flags = {
    'exit-code': Flags.boolean({ summary: 'Exit 10 when the router does not serve what was written.' }),
  };

  async run(): Promise<{ slot: SlotJson }> {
    const slot = await (await this.project).slots().show(this.args.slot);
    this.say(...slotPicture(slot, this.config.bin, Date.now(), paintFor(process.stdout)));
    if (this.flags['exit-code'] && slot.drift) this.endWith(Exit.differences);
    return { slot: slotJson(slot) };
  }
}
