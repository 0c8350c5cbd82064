import type { FoundationView } from '@clusternator/core';
import { foundationArg, foundationLines } from '../../foundation-text.ts';
import { ProjectCommand } from '../../project-command.ts';

export default class FoundationShow extends ProjectCommand<typeof FoundationShow> {
  static override summary = 'Show what environments stand on, as its provider sees it now.';
  static override examples = ['<%= config.bin %> foundation show', '<%= config.bin %> foundation show aws.eu-west-1'];
  static override args = { foundation: foundationArg };

  async run(): Promise<{ foundation: FoundationView; others: readonly string[] }> {
    const foundations = (await this.project).foundations();
    const foundation = await foundations.show(this.args.foundation);
    const others = (await foundations.list()).map(({ id }) => id).filter((id) => id !== foundation.id);
    this.say(...foundationLines(foundation, this.config.bin));
    if (others.length > 0) this.say('', `also: ${others.join(', ')}`);
    return { foundation, others };
  }
}
