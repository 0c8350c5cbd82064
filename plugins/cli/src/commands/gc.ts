import type { GcItem } from '@clusternator/core';
import { Flags } from '@oclif/core';
import { Exit } from '../errors.ts';
import { OperationCommand } from '../operation-command.ts';
import { table, type Column } from '../output/table.ts';

const COLUMNS: readonly Column<GcItem>[] = [
  { title: 'TYPE', value: (one) => one.type },
  { title: 'ID', value: (one) => one.id },
  { title: 'STATE', value: (one) => (one.error ? 'failed' : one.done ? 'removed' : 'kept') },
  { title: 'WHY', flexible: true, value: (one) => one.error ?? one.why },
];

export default class Gc extends OperationCommand<typeof Gc> {
  static override summary = 'Remove what is over: expired environments, failed leftovers, artefacts that nothing uses.';
  static override description =
    'Never what a slot uses, and nothing that is not ours. Also kept logs that are over their time, and caches that nothing used for 30 days.';
  static override examples = ['<%= config.bin %> gc --dry-run', '<%= config.bin %> gc --json'];
  static override flags = { 'dry-run': Flags.boolean({ summary: 'Say what would be removed and remove nothing.' }) };

  async run(): Promise<{ items: readonly GcItem[]; dryRun: boolean }> {
    const dryRun = this.flags['dry-run'];
    const project = await this.project;
    const items = await project.gc({ dryRun });
    const columns = dryRun ? COLUMNS.filter((one) => one.title !== 'STATE') : COLUMNS;
    if (items.length === 0) this.note('There is nothing to remove.');
    else this.say(...table(items, columns, process.stdout.isTTY ? process.stdout.columns : undefined));
    if (items.some((one) => one.error !== undefined)) this.endWith(Exit.unexpected);
    return { items, dryRun };
  }
}
