import type { Permission } from '@clusternator/core';
import { Args, Flags } from '@oclif/core';
import { ProviderCommand } from '../../provider-command.ts';
import { table, type Column } from '../../output/table.ts';

const COLUMNS: readonly Column<Permission>[] = [
  { title: 'ACTION', value: (one) => one.action },
  {
    title: 'RESOURCE',
    value: ({ resource, condition }) => (condition ? `${resource} if ${JSON.stringify(condition)}` : resource),
  },
  { title: 'FOR', flexible: true, value: (one) => one.verbs.join(', ') },
];

export default class ProviderPermissions extends ProviderCommand<typeof ProviderPermissions> {
  static override summary = 'List the permissions that a provider needs in its cloud, and for which commands.';
  static override description =
    "In the cloud's own words, all that its drivers use and no others. They may depend on its config: --example takes one of those that `provider show` prints.";
  static override examples = [
    '<%= config.bin %> provider permissions local',
    '<%= config.bin %> provider permissions aws --json',
  ];
  static override args = { provider: Args.string({ description: 'Its id.', required: true, ignoreStdin: true }) };
  static override flags = {
    example: Flags.string({ summary: 'One of its example configs. Left out: the first.', helpValue: '<name>' }),
  };

  async run(): Promise<{ provider: string; example: string; permissions: readonly Permission[] }> {
    const { core, provider } = await this.load(this.args.provider);
    const names = Object.keys(provider.examples);
    const example = this.flags.example ?? names[0] ?? '';
    if (!names.includes(example)) {
      throw new core.ProviderError('invalid', `provider ${provider.id} has no example "${example}"`, {
        path: '--example',
        hint: `one of: ${names.join(', ') || 'none'}`,
      });
    }
    const permissions = provider.permissions(provider.config.parse(provider.examples[example]));
    const width = process.stdout.isTTY ? process.stdout.columns : undefined;
    if (permissions.length === 0) this.note(`Provider ${provider.id} needs no permissions.`);
    else this.say(...table(permissions, COLUMNS, width));
    return { provider: provider.id, example, permissions };
  }
}
