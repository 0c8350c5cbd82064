import { Args } from '@oclif/core';
import { ProviderCommand } from '../../provider-command.ts';
import { conformanceLine, readConformance, type ShippedReport } from '../../provider-report.ts';
import { table, type Column } from '../../output/table.ts';
import { printable } from '../../output/text.ts';
import {
  capabilityRows,
  providerKeys,
  providerRow,
  type CapabilityRow,
  type ProviderKey,
  type ProviderRow,
} from '../../provider-text.ts';

interface Answer extends ProviderRow {
  /** For `providers.integrity` in the config. Left out: nothing can vouch for the package. */
  readonly integrity?: string;
  readonly config: ProviderKey[];
  readonly examples: Readonly<Record<string, unknown>>;
  /** By example. */
  readonly capabilities: Record<string, CapabilityRow[]>;
  /** The conformance report that the package ships. Left out: it ships none. */
  readonly conformance?: ShippedReport;
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

export default class ProviderShow extends ProviderCommand<typeof ProviderShow> {
  static override summary =
    'Show what a provider can do, what its config takes, and how it fared in the conformance kit.';
  static override description = 'Of the project in this folder, or of this installation. No other provider is loaded.';
  static override examples = ['<%= config.bin %> provider show local'];
  static override args = { provider: Args.string({ description: 'Its id.', required: true, ignoreStdin: true }) };

  async run(): Promise<Answer> {
    const { core, provider, source } = await this.load(this.args.provider);
    const row = providerRow(source, core.CORE_VERSION);
    const [integrity, conformance] = await Promise.all([
      core.packageIntegrity(source.root).catch(() => undefined), // a linked package may hold links
      readConformance(source.root),
    ]);
    const config = providerKeys(provider);
    const width = process.stdout.isTTY ? process.stdout.columns : undefined;
    this.say(`${row.id}  ${row.package} ${row.version}, made for core ${row.sdk}`);
    if (integrity !== undefined) this.say(`integrity: ${integrity}`);
    this.say(printable(conformanceLine(conformance)), '', 'Config');
    if (!config) this.say('Its keys are not described: its schema is no schema of zod 4.');
    else this.say(...(config.length === 0 ? ['none'] : table(config, KEY_COLUMNS, width)));
    const capabilities: Answer['capabilities'] = {};
    for (const [name, example] of Object.entries(provider.examples)) {
      const rows = capabilityRows(provider.capabilities(provider.config.parse(example)));
      capabilities[name] = rows;
      this.say('', `Capabilities (${name}: ${JSON.stringify(example)})`, ...table(rows, CAPABILITY_COLUMNS, width));
    }
    return {
      ...row,
      ...(integrity !== undefined && { integrity }),
      config: config ?? [],
      examples: provider.examples,
      capabilities,
      ...(conformance && { conformance }),
    };
  }
}
