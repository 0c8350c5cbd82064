import type { FoundationView } from '@clusternator/core';
import { foundationLines } from '../../foundation-text.ts';
import { OperationCommand } from '../../operation-command.ts';

export default class FoundationCreate extends OperationCommand<typeof FoundationCreate> {
  static override summary = 'Make what environments stand on, or change it to what the config says.';
  static override description =
    'The first command that needs it makes it too; only this one changes it. Where all is as the config says, nothing is written. One that fails or is interrupted is gone on with by the next.';
  static override examples = [
    '<%= config.bin %> foundation create',
    '<%= config.bin %> foundation create --stage production',
  ];

  async run(): Promise<{ foundation: FoundationView }> {
    const project = await this.project;
    const { foundation, operation } = await project.foundations().create();
    this.operation = operation;
    this.say(...foundationLines(foundation, this.config.bin));
    return { foundation };
  }
}
