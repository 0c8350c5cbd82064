import type { SlotDestroyPlan, SlotDestruction } from '@clusternator/core';
import { Flags } from '@oclif/core';
import { confirmed } from '../../confirm.ts';
import { Exit } from '../../errors.ts';
import { reasonFlag, slotArg } from '../../flags.ts';
import { slotDestroyPlanLines, slotDestroyQuestion } from '../../slot-text.ts';
import { SlotChangeCommand, slotChangeFlags } from '../../slot-command.ts';

type Answer = { readonly destroyed: SlotDestruction } | { readonly plan: SlotDestroyPlan };

export default class SlotDestroy extends SlotChangeCommand<typeof SlotDestroy> {
  static override summary = 'Destroy a slot: its names and routes go, and its environments are let go.';
  static override description =
    'What it served is like any other environment then, and goes by its time to live. Data of the slot stays, as do its releases: a later promotion to the same name finds them. Where promotions have to be approved it is refused (exit code 7), unless --force names the slot once more. Destroying what is gone succeeds.';
  static override examples = [
    '<%= config.bin %> slot destroy pr-42',
    '<%= config.bin %> slot destroy pr-42 --yes --reason "pull request closed"',
    '<%= config.bin %> slot destroy pr-42 --dry-run',
  ];
  static override args = { slot: slotArg };
  static override flags = {
    yes: Flags.boolean({ char: 'y', summary: 'Do not ask. Needed without a terminal.' }),
    force: Flags.string({
      summary: "Also where promotions have to be approved: the slot's name once more.",
      helpValue: '<slot>',
    }),
    reason: reasonFlag,
    'if-generation': slotChangeFlags['if-generation'],
    'dry-run': slotChangeFlags['dry-run'],
    'exit-code': slotChangeFlags['exit-code'],
  };

  async run(): Promise<Answer> {
    const { yes, force, reason, 'if-generation': ifGeneration, 'dry-run': dryRun, 'exit-code': exitCode } = this.flags;
    const slots = (await this.project).slots();
    const { slot } = this.args;
    if (dryRun) {
      const plan = await slots.planDestroy(slot);
      this.say(...slotDestroyPlanLines(plan));
      if (exitCode && plan.changes.length > 0) this.endWith(Exit.differences);
      return { plan };
    }
    const seen = yes ? undefined : await slots.planDestroy(slot);
    if (seen && seen.changes.length > 0) await confirmed(slotDestroyQuestion(seen), this.jsonEnabled());
    this.undo = `it can't be undone; to go on: ${this.config.bin} slot destroy ${slot}`;
    const destroyed = await slots.destroy({
      slot,
      ...(force === undefined ? {} : { force }),
      ...(reason === undefined ? {} : { reason }),
      ...(ifGeneration === undefined ? {} : { ifGeneration }),
    });
    this.operation = destroyed.operation;
    this.warnings.push(...destroyed.warnings);
    this.note(`Slot ${slot} is gone.`);
    if (destroyed.keeps.length > 0)
      this.note(
        `Its data stays: ${destroyed.keeps.join(', ')}. To give it up: ${this.config.bin} storage destroy <volume>`,
      );
    return { destroyed };
  }
}
