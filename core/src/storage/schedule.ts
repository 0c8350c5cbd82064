import { isGood, type KeepRule, type SnapshotDocument, type VolumeDocument } from './documents.ts';

/** When a backup is due. All of it is pure: what it says follows from the documents and the time that it is given. */
export interface DueBackup {
  readonly volume: VolumeDocument;
  /** Runs of the schedule that did not take place. They are caught up with one. */
  readonly missed: number;
}

/** A gap between two backups counts for at most so many intervals: a clock that jumped ahead makes nothing older than it is. */
const GAP_INTERVALS = 2;

/** The volumes of which a backup is due: those in use that promise one, and had none for as long as they promise. */
export function dueBackups(volumes: readonly VolumeDocument[], now: Date): readonly DueBackup[] {
  return volumes.flatMap((volume) => {
    const { backup, lastBackup } = volume;
    if (!backup || volume.phase !== 'ready' || volume.retained) return [];
    if (!lastBackup) return [{ volume, missed: 0 }];
    const seconds = (now.getTime() - Date.parse(lastBackup.at)) / 1000;
    // One from the future: the clock was set back, and nobody knows how long ago it was.
    if (seconds < 0) return [{ volume, missed: 0 }];
    if (seconds < backup.everySeconds) return lastBackup.error === undefined ? [] : [{ volume, missed: 0 }];
    return [{ volume, missed: Math.max(0, Math.floor(seconds / backup.everySeconds) - 1) }];
  });
}

/** Seconds that have passed by for a volume's backups, as far as that is sure. It never goes back, and never leaps. */
export function elapsedAt(
  last: { readonly at: string; readonly elapsedSeconds: number } | undefined,
  everySeconds: number,
  now: Date,
): number {
  if (!last) return 0;
  const gap = (now.getTime() - Date.parse(last.at)) / 1000;
  return last.elapsedSeconds + Math.min(Math.max(gap, 0), GAP_INTERVALS * everySeconds);
}

const HOUR = 3600;
const DAY = 24 * HOUR;
const BUCKETS: readonly (readonly [keyof Omit<KeepRule, 'seconds' | 'last'>, number])[] = [
  ['hourly', HOUR],
  ['daily', DAY],
  ['weekly', 7 * DAY],
  ['monthly', 30 * DAY],
];

/**
 * The backups of one volume that have outlived the rule. Never one that a person keeps, never the newest good one, and never the newest that a
 * verification called good.
 */
export function expiredBackups(
  volume: VolumeDocument,
  snapshots: readonly SnapshotDocument[],
  now: Date,
): readonly SnapshotDocument[] {
  const { backup: rule, lastBackup } = volume;
  if (!rule) return [];
  const backups = snapshots
    .filter((one) => one.backup !== undefined && one.place === (volume.place ?? volume.id) && one.phase === 'ready')
    .sort((a, b) => (b.backup?.sequence ?? 0) - (a.backup?.sequence ?? 0));
  const good = backups.filter(isGood);
  const kept = new Set([good[0], good.find(({ verified }) => verified?.isGood === true)]);
  const elapsedNow = elapsedAt(lastBackup, rule.everySeconds, now);
  for (const one of keptByRule(rule.keep, good, elapsedNow)) kept.add(one);
  for (const one of backups) if (one.retained) kept.add(one);
  // What is bad is nobody's backup; it stays as long as a good one of its age would, for whoever looks into it.
  const { seconds = DAY } = rule.keep;
  return backups.filter((one) => !kept.has(one) && (isGood(one) || age(one, elapsedNow) > seconds));
}

/** @param backups - Newest first. */
function keptByRule(
  keep: KeepRule,
  backups: readonly SnapshotDocument[],
  elapsedNow: number,
): readonly SnapshotDocument[] {
  const { seconds, last } = keep;
  return [
    ...(seconds === undefined ? [] : backups.filter((one) => age(one, elapsedNow) <= seconds)),
    ...(last === undefined ? [] : backups.slice(0, last)),
    ...BUCKETS.flatMap(([name, length]) => oldestOfEach(backups, length, keep[name] ?? 0)),
  ];
}

/** The oldest of each bucket stays as the bucket fills, so that what is kept today is kept tomorrow. */
function oldestOfEach(
  backups: readonly SnapshotDocument[],
  seconds: number,
  count: number,
): readonly SnapshotDocument[] {
  const oldest = new Map<number, SnapshotDocument>();
  for (const one of backups) oldest.set(Math.floor((one.backup?.elapsedSeconds ?? 0) / seconds), one);
  return [...oldest.entries()]
    .sort(([a], [b]) => b - a)
    .slice(0, count)
    .map(([, one]) => one);
}

function age({ backup }: SnapshotDocument, elapsedNow: number): number {
  return elapsedNow - (backup?.elapsedSeconds ?? 0);
}
