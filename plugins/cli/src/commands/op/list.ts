import type { OperationView } from '@clusternator/core';
import { Flags } from '@oclif/core';
import { isUnfinished, operationColumns } from '../../operation-text.ts';
import { table } from '../../output/table.ts';
import { ProjectCommand } from '../../project-command.ts';

export default class OpList extends ProjectCommand<typeof OpList> {
  static override summary = 'List operations, newest first.';
  static override examples = ['<%= config.bin %> op list', '<%= config.bin %> op list --unfinished --json'];
  static override flags = {
    limit: Flags.integer({ summary: 'At most so many.', default: 50, min: 1, max: 10_000 }),
    unfinished: Flags.boolean({ summary: 'Those alone that somebody has to resume or abort.' }),
  };

  async run(): Promise<{ operations: OperationView[] }> {
    const project = await this.project;
    const found: OperationView[] = [];
    for await (const one of project.operations()) {
      if (!this.flags.unfinished || isUnfinished(one)) found.push(one);
    }
    // Ids begin with the time, and come in that order.
    const operations = found.reverse().slice(0, this.flags.limit);
    if (operations.length === 0) this.note('There are no operations.');
    else
      this.say(
        ...table(operations, operationColumns(Date.now()), process.stdout.isTTY ? process.stdout.columns : undefined),
      );
    return { operations };
  }
}
