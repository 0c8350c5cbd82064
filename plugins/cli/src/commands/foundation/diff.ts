import type { FoundationDifference, FoundationPlan } from '@clusternator/core';
import { Args, Flags } from '@oclif/core';
import { Exit } from '../../errors.ts';
import { differenceColumns } from '../../foundation-text.ts';
import { table } from '../../output/table.ts';
import { ProjectCommand } from '../../project-command.ts';

const stageArg = Args.string({ description: 'A stage of the config.', required: true, ignoreStdin: true });

export default class FoundationDiff extends ProjectCommand<typeof FoundationDiff> {
  static override summary = 'Compare what environments stand on in two stages of one config.';
  static override description =
    'No cloud is asked: it compares the keys of the provider as they apply to each stage, what they ask for, and the shape of what was made.';
  static override examples = [
    '<%= config.bin %> foundation diff staging production',
    '<%= config.bin %> foundation diff staging production --exit-code',
  ];
  static override args = { first: stageArg, second: stageArg };
  static override flags = { 'exit-code': Flags.boolean({ summary: 'Exit 10 where they differ.' }) };

  async run(): Promise<{ stages: readonly string[]; differences: readonly FoundationDifference[] }> {
    const { first, second } = this.args;
    const { foundationDifferences } = await import('@clusternator/core');
    const differences = foundationDifferences(await this.#plan(first), await this.#plan(second));
    if (differences.length === 0) this.say(`${first} and ${second} stand on the same.`);
    else this.say(...table(differences, differenceColumns([first, second]), process.stdout.columns));
    if (this.flags['exit-code'] && differences.length > 0) this.endWith(Exit.differences);
    return { stages: [first, second], differences };
  }

  async #plan(stage: string): Promise<FoundationPlan> {
    const project = await this.open({ stage });
    try {
      return await project.foundations().plan();
    } finally {
      await project.close();
    }
  }
}
