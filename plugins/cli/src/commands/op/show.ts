import type { OperationView } from '@clusternator/core';
import { operationArg } from '../../flags.ts';
import { operationLines } from '../../operation-text.ts';
import { ProjectCommand } from '../../project-command.ts';

export default class OpShow extends ProjectCommand<typeof OpShow> {
  static override summary = 'Show an operation: its steps, how far they are, and who works on it.';
  static override examples = ['<%= config.bin %> op show 01JQ'];
  static override args = { operation: operationArg };

  async run(): Promise<{ operation: OperationView }> {
    const project = await this.project;
    const operation = await project.operation(this.args.operation);
    this.say(...operationLines(operation, this.config.bin));
    return { operation };
  }
}
