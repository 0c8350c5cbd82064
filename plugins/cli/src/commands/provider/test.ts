import { Args, Flags } from '@oclif/core';
import { mkdir, stat, writeFile } from 'node:fs/promises';
import { basename, dirname, join, resolve } from 'node:path';
import { BaseCommand } from '../../base-command.ts';
import { directoryOf } from '../../directory.ts';
import { Exit } from '../../errors.ts';
import { kitOf, type CaseResult, type Kit, type Report } from '../../kit.ts';
import { printable } from '../../output/text.ts';
import { providersFor } from '../../providers.ts';

export default class ProviderTest extends BaseCommand<typeof ProviderTest> {
  static override summary = "Run the conformance kit against a provider, with the harness of the provider's package.";
  static override description = `Reads clusternator.conformance of its package.json: "harness" is the module, "report" is where the package keeps its report.
Exits with 5 when a case fails.`;
  static override examples = [
    '<%= config.bin %> provider test',
    '<%= config.bin %> provider test ./clusternator-provider-fly --only slot --only crash',
    '<%= config.bin %> provider test fly --report report.html',
  ];
  static override args = {
    provider: Args.string({
      description: "Its package's folder, or its id. Left out: this folder.",
      ignoreStdin: true,
    }),
  };
  static override flags = {
    only: Flags.string({
      summary: 'A case or a group of them. Repeatable.',
      helpValue: '<id>',
      multiple: true,
      multipleNonGreedy: true,
    }),
    report: Flags.string({
      summary: 'Save the report: .json, .html, .svg (a badge), or text. Repeatable.',
      helpValue: '<file>',
      multiple: true,
      multipleNonGreedy: true,
    }),
    save: Flags.boolean({ summary: 'Save the report where the package ships it, for `provider show`.' }),
  };

  async run(): Promise<Report> {
    const directory = directoryOf(this.flags.cwd);
    const { ProviderError } = await import('@clusternator/core');
    const root = await this.#packageFolder(directory);
    const kit = await kitOf(root, basename(root));
    const shipped = this.flags.save ? await reportFile(root) : undefined;
    if (this.flags.save && shipped === undefined) {
      throw new ProviderError('invalid', `${root} does not say where it ships its report`, {
        path: 'clusternator.conformance.report',
        hint: 'add it to package.json, as "./conformance.json", and to its files',
      });
    }
    const report = await kit.runKit(await kit.loadHarness(root), {
      ...(this.flags.only && { only: this.flags.only }),
      signal: this.interruption.signal,
      onStart: ({ id, at, of }) =>
        this.follow({ type: 'progress', operation: 'kit', message: id, done: at - 1, total: of, unit: 'items' }),
      onResult: (result) => this.#tell(result),
    });
    const files = [...(this.flags.report ?? []).map((file) => resolve(directory, file)), ...(shipped ? [shipped] : [])];
    for (const file of files) {
      await mkdir(dirname(file), { recursive: true });
      await writeFile(file, rendered(kit, report, file));
    }
    this.say(kit.reportText(report, { colours: false }).trimEnd());
    for (const file of files) this.note(`The report is in ${file}.`);
    if (!report.passed) this.endWith(Exit.unverified);
    return report;
  }

  async #packageFolder(directory: string): Promise<string> {
    const asked = this.args.provider ?? '.';
    const folder = resolve(directory, asked);
    const isFolder = (await stat(join(folder, 'package.json')).catch(() => undefined)) !== undefined;
    if (isFolder || /[./]/.test(asked)) return folder;
    const { providers } = await providersFor(this.config, directory);
    const source = providers.find(({ id }) => id === asked);
    if (source) return source.root;
    const { ProviderError } = await import('@clusternator/core');
    throw new ProviderError('not-found', `there is no provider "${asked}" here, and no folder of a package`, {
      hint: `installed: ${providers.map(({ id }) => id).join(', ') || 'none'}`,
    });
  }

  #tell({ id, outcome, error }: CaseResult): void {
    if (outcome === 'failed') this.note(printable(`failed: ${id}: ${error?.split('\n', 1)[0] ?? ''}`));
  }
}

function rendered(kit: Kit, report: Report, file: string): string {
  if (file.endsWith('.json')) return `${JSON.stringify(report, null, 2)}\n`;
  if (file.endsWith('.html')) return kit.reportHtml(report);
  if (file.endsWith('.svg')) return kit.reportBadge(report);
  return kit.reportText(report);
}

async function reportFile(root: string): Promise<string | undefined> {
  const { conformanceReportOf } = await import('../../provider-report.ts');
  const file = await conformanceReportOf(root);
  return file === undefined ? undefined : join(root, file);
}
