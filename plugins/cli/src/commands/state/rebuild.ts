import type { RebuiltItem } from '@clusternator/core';
import { Flags } from '@oclif/core';
import { Exit } from '../../errors.ts';
import { table, type Column } from '../../output/table.ts';
import { ProjectCommand } from '../../project-command.ts';

const COLUMNS: readonly Column<RebuiltItem>[] = [
  { title: 'TYPE', value: (one) => one.type },
  { title: 'ID', value: (one) => one.id },
  { title: 'STATE', value: (one) => one.state },
  { title: 'AS', flexible: true, value: (one) => one.as },
];

export default class StateRebuild extends ProjectCommand<typeof StateRebuild> {
  static override summary = 'Write the state again, after it was lost, from what the provider has of this project.';
  static override description =
    'A document that is there stays as it is, and nothing that runs is changed. What nothing tells any more is said, with what to do. Run it in the repository, with the same --set, --config and --stage as the environments were made with. A damaged store has to be moved away before.';
  static override examples = ['<%= config.bin %> state rebuild --dry-run', '<%= config.bin %> state rebuild --json'];
  static override flags = { 'dry-run': Flags.boolean({ summary: 'Say what would be written and write nothing.' }) };

  async run(): Promise<{ items: readonly RebuiltItem[]; dryRun: boolean }> {
    const dryRun = this.flags['dry-run'];
    const project = await this.project;
    const items = await project.rebuildState({ dryRun });
    const told = items.filter(({ state }) => state !== 'there');
    if (told.length === 0) this.note('All that there is has its documents: there is nothing to write.');
    else this.say(...table(told, COLUMNS, process.stdout.isTTY ? process.stdout.columns : undefined));
    for (const { type, id, unknown } of told)
      for (const { what, hint } of unknown)
        this.say(`${type} ${id}: nothing tells ${what}.${hint === undefined ? '' : `\n  ${hint}`}`);
    if (items.some(({ state }) => state === 'left')) this.endWith(Exit.unexpected);
    return { items, dryRun };
  }
}
