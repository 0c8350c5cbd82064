import type { OperationView } from '@clusternator/core';
import { Flags } from '@oclif/core';
import { confirmed } from '../../confirm.ts';
import { operationArg } from '../../flags.ts';
import { OperationCommand } from '../../operation-command.ts';
import { operationLines } from '../../operation-text.ts';
import { printable } from '../../output/text.ts';

export default class OpAbort extends OperationCommand<typeof OpAbort> {
  static override summary = 'Give up an operation that was interrupted, and undo what it made.';
  static override examples = ['<%= config.bin %> op abort 01JQ --yes'];
  static override args = { operation: operationArg };
  static override flags = { yes: Flags.boolean({ char: 'y', summary: 'Do not ask. Needed without a terminal.' }) };

  async run(): Promise<{ operation: OperationView }> {
    const project = await this.project;
    const { id, kind, subject } = await project.operation(this.args.operation);
    const question = `Abort operation ${id} (${kind} of ${printable(subject)}) and undo what it made?`;
    if (!this.flags.yes) await confirmed(question, this.jsonEnabled());
    this.operation = id;
    const operation = await project.abort(id);
    this.say(...operationLines(operation, this.config.bin));
    return { operation };
  }
}
