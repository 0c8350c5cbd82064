import { BaseCommand } from '../../base-command.ts';
import { table, type Column } from '../../output/table.ts';
import { printable } from '../../output/text.ts';
import { providerRow, type ProviderRow } from '../../provider-text.ts';
import { findProviders, type BrokenPlugin } from '../../providers.ts';

const COLUMNS: readonly Column<ProviderRow>[] = [
  { title: 'ID', value: (one) => one.id },
  { title: 'PACKAGE', value: (one) => one.package },
  { title: 'VERSION', value: (one) => one.version },
  { title: 'SDK', value: (one) => one.sdk },
  { title: 'FITS', value: (one) => (one.compatible ? 'yes' : 'no') },
];

export default class ProviderList extends BaseCommand<typeof ProviderList> {
  static override summary = 'List the providers that can be named in a config.';
  static override description = 'To add one: clusternator plugins install <package>.';
  static override examples = ['<%= config.bin %> provider list'];

  async run(): Promise<{ providers: ProviderRow[]; broken: readonly BrokenPlugin[] }> {
    const [{ CORE_VERSION }, { providers, broken }] = await Promise.all([
      import('@clusternator/core'),
      findProviders(this.config),
    ]);
    const rows = providers.map((source) => providerRow(source, CORE_VERSION));
    this.say(...table(rows, COLUMNS));
    for (const { name, reason } of broken) this.note(printable(`Plugin ${name} can't be used: ${reason}`));
    return { providers: rows, broken };
  }
}
