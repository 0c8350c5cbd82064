import type { ReleaseView } from '@clusternator/core';
import { Flags } from '@oclif/core';
import { slotArg } from '../../flags.ts';
import { ProjectCommand } from '../../project-command.ts';
import { releaseLine } from '../../release-text.ts';

export default class SlotReleases extends ProjectCommand<typeof SlotReleases> {
  static override summary = 'List what a slot served, newest first.';
  static override examples = [
    '<%= config.bin %> slot releases master',
    '<%= config.bin %> slot releases master --json',
  ];
  static override args = { slot: slotArg };
  static override flags = {
    limit: Flags.integer({ summary: 'At most so many.', default: 50, min: 1, max: 10_000 }),
    before: Flags.integer({ summary: 'Only older ones than this generation.', min: 1, helpValue: '<n>' }),
  };

  async run(): Promise<{ releases: ReleaseView[]; next: number | null }> {
    const { limit, before } = this.flags;
    const { slot } = this.args;
    const slots = (await this.project).slots();
    // One more than asked for tells whether there is a next page.
    const page = { limit: limit + 1, ...(before === undefined ? {} : { before }) };
    const found: ReleaseView[] = [];
    for await (const one of slots.releases(slot, page)) found.push(one);
    const releases = found.slice(0, limit);
    const next = found.length > limit ? (releases.at(-1)?.generation ?? null) : null;
    if (releases.length === 0) this.note('There are no releases.');
    this.say(...releases.map((one) => releaseLine(one, Date.now())));
    if (next !== null) this.note(`More: ${this.config.bin} slot releases ${slot} --before ${String(next)}`);
    return { releases, next };
  }
}
