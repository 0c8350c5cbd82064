import type { Storages } from '@clusternator/core';
import { table } from '../../output/table.ts';
import { bytesText, printable } from '../../output/text.ts';
import { ProjectCommand } from '../../project-command.ts';
import { snapshotColumns, volumeArg } from '../../storage-text.ts';

type Shown = Awaited<ReturnType<Storages['volume']>>;

export default class StorageShow extends ProjectCommand<typeof StorageShow> {
  static override summary = 'Show a volume: what it holds, who uses it, and its snapshots.';
  static override examples = ['<%= config.bin %> storage show slot-master-data'];
  static override args = { volume: volumeArg };

  async run(): Promise<{ volume: Shown }> {
    const volume = await (await this.project).storage().volume(this.args.volume);
    this.say(...lines(volume).map(printable));
    if (volume.snapshots.length > 0) this.say('', ...table(volume.snapshots, snapshotColumns(Date.now())));
    return { volume };
  }
}

function lines(volume: Shown): readonly string[] {
  const facts: readonly (readonly [string, string | undefined])[] = [
    ['volume', volume.id],
    ['state', `${volume.state}${volume.isInUse ? ', in use' : ''}`],
    ['scope', volume.slot === undefined ? volume.scope : `slot ${volume.slot}`],
    [
      'size',
      `${String(volume.sizeGiB)} GiB${volume.usedBytes === undefined ? '' : `, ${bytesText(volume.usedBytes)} used`}`,
    ],
    ['kind', volume.kind],
    ['made from', volume.origin],
    ['used by', volume.users.join(', ') || undefined],
    ['in the end', volume.retained ? `kept: ${volume.retained.why}` : volume.onDestroy],
    ['data', volume.holdsSlotData ? 'of a slot, as it is' : undefined],
    ['backup', volume.backup && `every ${String(volume.backup.everySeconds)} s, quiesce: ${volume.backup.quiesce}`],
    ['last backup', volume.backup?.error ?? volume.backup?.lastAt],
  ];
  return facts.flatMap(([name, value]) => (value === undefined ? [] : [`${name.padEnd(12)} ${value}`]));
}
