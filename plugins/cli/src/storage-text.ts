import type { BackupReport, BackupRun, Loss, SnapshotView, StoragePlan, VolumeView } from '@clusternator/core';
import { Args } from '@oclif/core';
import type { Column } from './output/table.ts';
import { briefDuration, bytesText } from './output/text.ts';
import { ago } from './slot-text.ts';

export const volumeArg = Args.string({
  description: 'A volume: its id, or any unique prefix of it.',
  required: true,
  ignoreStdin: true,
});
export const snapshotArg = Args.string({
  description: 'A snapshot: its name, or any unique prefix of it.',
  required: true,
  ignoreStdin: true,
});

export function volumeColumns(): readonly Column<VolumeView>[] {
  return [
    { title: 'VOLUME', value: (one) => one.id },
    { title: 'SCOPE', value: (one) => (one.slot === undefined ? one.scope : `slot ${one.slot}`) },
    { title: 'STATE', value: stateText },
    { title: 'SIZE', value: (one) => `${String(one.sizeGiB)} GiB` },
    { title: 'BACKUP', value: (one) => (one.backup ? `every ${briefDuration(one.backup.everySeconds)}` : '') },
    { title: 'USED BY', flexible: true, value: (one) => one.users.join(', ') },
  ];
}

function stateText({ state, isInUse, retained, kind }: VolumeView): string {
  const marks = [state, ...(retained ? ['kept'] : state === 'ready' && !isInUse ? ['unused'] : [])];
  return kind === 'files' ? marks.join(', ') : `${kind}, ${marks.join(', ')}`;
}

export function snapshotColumns(now: number): readonly Column<SnapshotView>[] {
  return [
    { title: 'SNAPSHOT', value: (one) => one.id },
    { title: 'VOLUME', flexible: true, value: (one) => one.volume },
    { title: 'TAKEN', value: (one) => (one.takenAt === undefined ? '' : ago(one.takenAt, now)) },
    { title: 'SIZE', value: (one) => bytesText(one.bytes) },
    { title: 'KIND', value: (one) => (one.content === 'dump' ? `${one.kind}, dump` : one.kind) },
    { title: 'STATE', value: (one) => [one.state, ...verdict(one), ...(one.retained ? ['kept'] : [])].join(', ') },
  ];
}

function verdict({ verified }: SnapshotView): readonly string[] {
  if (!verified) return [];
  return [verified.isGood ? 'verified' : `bad: ${verified.message ?? ''}`];
}

export const runColumns: readonly Column<BackupRun>[] = [
  { title: 'VOLUME', value: (one) => one.volume },
  { title: 'STATE', value: (one) => one.state },
  { title: 'SNAPSHOT', value: (one) => one.snapshot ?? '' },
  { title: 'SIZE', value: (one) => bytesText(one.bytes) },
  { title: 'CAUGHT UP', value: (one) => (one.missed > 0 ? `${String(one.missed)} missed` : '') },
  { title: 'EXPIRED', flexible: true, value: (one) => one.expired.join(', ') },
  { title: 'WHY', flexible: true, value: (one) => one.message ?? '' },
];

export const reportColumns: readonly Column<BackupReport>[] = [
  { title: 'VOLUME', value: (one) => one.volume },
  { title: 'PROMISE', value: (one) => `every ${briefDuration(one.everySeconds)}` },
  { title: 'NEWEST', value: (one) => (one.newest ? briefDuration(one.newest.ageSeconds) : 'none') },
  { title: 'KEPT', value: (one) => (one.isKept ? 'yes' : 'NO') },
  { title: 'BACKUPS', value: (one) => String(one.count) },
  { title: 'SIZE', value: (one) => bytesText(one.bytes) },
  { title: 'VERIFIED', value: (one) => one.verified?.snapshot ?? 'never' },
  {
    title: 'TROUBLE',
    flexible: true,
    value: (one) => [...one.bad.map((id) => `${id} is bad`), one.error ?? ''].filter((text) => text !== '').join('; '),
  },
];

export function planLines({ changes, loss, interruptsSeconds }: StoragePlan): readonly string[] {
  return [
    ...changes.map(({ action, what }) => `${action.padEnd(8)} ${what}`),
    ...(loss ? [lossText(loss)] : []),
    ...(interruptsSeconds > 0 ? [`zero-downtime: no, about ${String(interruptsSeconds)} s`] : []),
  ];
}

/** What somebody gives up who goes back to a snapshot. */
export function lossText({ volume, snapshot, seconds, bytes }: Loss): string {
  const much = bytes === undefined ? '' : ` (${bytesText(bytes)} differ)`;
  return `not in ${snapshot}: what was written to ${volume} in the last ${briefDuration(seconds)}${much}`;
}
