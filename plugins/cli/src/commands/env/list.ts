import type { EnvironmentView } from '@clusternator/core';
import { Flags } from '@oclif/core';
import { environmentColumns, environmentJson, type EnvironmentJson } from '../../environment-text.ts';
import { table } from '../../output/table.ts';
import { ProjectCommand } from '../../project-command.ts';

export default class EnvList extends ProjectCommand<typeof EnvList> {
  static override summary = 'List the environments of this project.';
  static override description = 'The newest first; by id, when there are more than one page of them.';
  static override examples = ['<%= config.bin %> env list', '<%= config.bin %> env list --all --json'];
  static override flags = {
    limit: Flags.integer({ summary: 'At most so many.', default: 50, min: 1, max: 10_000 }),
    after: Flags.string({ summary: 'Go on after this id: the `next` of the page before.', helpValue: '<id>' }),
    all: Flags.boolean({ summary: 'Also those that are gone.' }),
  };

  async run(): Promise<{ environments: EnvironmentJson[]; next: string | null }> {
    const { limit, after, all } = this.flags;
    const project = await this.project;
    // One more than asked for tells whether there is a next page.
    const query = { limit: limit + 1, all, ...(after === undefined ? {} : { after }) };
    const found: EnvironmentView[] = [];
    for await (const one of project.environments(query)) found.push(one);
    const page = found.slice(0, limit);
    const next = found.length > limit ? (page.at(-1)?.id ?? null) : null;
    const shown = next === null && after === undefined ? page.toSorted(newestFirst) : page;
    if (shown.length === 0) this.note('There are no environments. To make one: clusternator env create');
    else
      this.say(
        ...table(shown, environmentColumns(Date.now()), process.stdout.isTTY ? process.stdout.columns : undefined),
      );
    if (next !== null) this.note(`More: ${this.config.bin} env list --after ${next}`);
    return { environments: shown.map(environmentJson), next };
  }
}

function newestFirst(one: EnvironmentView, other: EnvironmentView): number {
  return Date.parse(other.createdAt) - Date.parse(one.createdAt);
}
