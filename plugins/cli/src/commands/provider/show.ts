import { Args } from '@oclif/core';
import { BaseCommand } from '../../base-command.ts';
import { table, type Column } from '../../output/table.ts';
import {
  capabilityRows,
  providerKeys,
  providerRow,
  type CapabilityRow,
  type ProviderKey,
  type ProviderRow,
} from '../../provider-text.ts';
import { findProviders } from '../../providers.ts';

interface Answer extends ProviderRow {
  readonly config: ProviderKey[];
  readonly examples: Readonly<Record<string, unknown>>;
  /** By example. */
  readonly capabilities: Record<string, CapabilityRow[]>;
}

const KEY_COLUMNS: readonly Column<ProviderKey>[] = [
  { title: 'KEY', value: (one) => one.key },
  { title: 'TYPE', value: (one) => one.type },
  { title: 'DEFAULT', value: (one) => (one.required ? 'required' : JSON.stringify(one.default ?? '')) },
  { title: 'WHAT', flexible: true, value: (one) => one.description ?? '' },
];
const CAPABILITY_COLUMNS: readonly Column<CapabilityRow>[] = [
  { title: 'CAPABILITY', value: (one) => one.capability },
  { title: 'CAN', value: (one) => one.can },
  { title: 'LIMIT', value: (one) => (one.limit === undefined ? '' : String(one.limit)) },
  { title: 'NOTE', flexible: true, value: (one) => one.note ?? one.meaning },
];

export default class ProviderShow extends BaseCommand<typeof ProviderShow> {
  static override summary = 'Show what a provider can do, and what its config takes.';
  static override examples = ['<%= config.bin %> provider show local'];
  static override args = { provider: Args.string({ description: 'Its id.', required: true, ignoreStdin: true }) };

  async run(): Promise<Answer> {
    const [{ CORE_VERSION, loadProvider }, { providers }] = await Promise.all([
      import('@clusternator/core'),
      findProviders(this.config),
    ]);
    const provider = await loadProvider(providers, this.args.provider);
    const source = providers.find((one) => one.id === provider.id);
    if (!source) throw new Error(`provider ${provider.id} was loaded from nowhere`);
    const row = providerRow(source, CORE_VERSION);
    const config = providerKeys(provider);
    const width = process.stdout.isTTY ? process.stdout.columns : undefined;
    this.say(`${row.id}  ${row.package} ${row.version}, made for core ${row.sdk}`, '', 'Config');
    this.say(...(config.length === 0 ? ['none'] : table(config, KEY_COLUMNS, width)));
    const capabilities: Answer['capabilities'] = {};
    for (const [name, example] of Object.entries(provider.examples)) {
      const rows = capabilityRows(provider.capabilities(provider.config.parse(example)));
      capabilities[name] = rows;
      this.say('', `Capabilities (${name}: ${JSON.stringify(example)})`, ...table(rows, CAPABILITY_COLUMNS, width));
    }
    return { ...row, config, examples: provider.examples, capabilities };
  }
}
