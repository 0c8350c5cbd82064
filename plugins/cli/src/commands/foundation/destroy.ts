import { Flags } from '@oclif/core';
import { confirmed } from '../../confirm.ts';
import { foundationArg } from '../../foundation-text.ts';
import { OperationCommand } from '../../operation-command.ts';

export default class FoundationDestroy extends OperationCommand<typeof FoundationDestroy> {
  static override summary = 'Destroy what environments stand on, with the records that were written for it.';
  static override description =
    'It is refused while environments, slots, volumes or snapshots of the project and stage are there, which are named (exit code 4).';
  static override examples = ['<%= config.bin %> foundation destroy', '<%= config.bin %> foundation destroy --yes'];
  static override args = { foundation: foundationArg };
  static override flags = { yes: Flags.boolean({ char: 'y', summary: 'Do not ask. Needed without a terminal.' }) };

  async run(): Promise<{ destroyed: string }> {
    const project = await this.project;
    const named = this.args.foundation;
    const foundations = project.foundations();
    // Looked up first, so that a typing error is told before anything is asked.
    const { id } = named === undefined ? await foundations.plan() : { id: named };
    if (!this.flags.yes)
      await confirmed(`Destroy the foundation ${id} of ${project.name} (stage ${project.stage})?`, this.jsonEnabled());
    this.undo = `it can't be undone; to go on: ${this.config.bin} foundation destroy ${id}`;
    const { operation } = await foundations.destroy({ id });
    this.operation = operation;
    this.note(`The foundation ${id} is gone.`);
    return { destroyed: id };
  }
}
