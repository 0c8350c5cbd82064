import { describe, expect, test } from '@jest/globals';
import type { KeepRule, SnapshotDocument, VolumeDocument } from './documents.ts';
import { dueBackups, elapsedAt, expiredBackups } from './schedule.ts';

const HOUR = 3600;
const DAY = 24 * HOUR;
const START = Date.UTC(2026, 0, 1);
const at = (seconds: number): Date => new Date(START + seconds * 1000);

function volume(keep: KeepRule, everySeconds: number, last?: VolumeDocument['lastBackup']): VolumeDocument {
  return {
    schema: 1,
    id: 'slot-master-data',
    name: 'data',
    scope: 'slot',
    phase: 'ready',
    generation: 0,
    holdsSlotData: true,
    provider: { name: 'memory', config: {} },
    spec: { id: 'slot-master-data', fingerprint: '', tags: {}, kind: 'files', sizeGiB: 1 },
    onDestroy: 'retain',
    backup: { everySeconds, keep, quiesce: 'none' },
    createdAt: at(0).toISOString(),
    ...(last && { lastBackup: last }),
  };
}

/** The documents after one backup at each of these times, by the clock of the machine. */
function history(keep: KeepRule, everySeconds: number, times: readonly number[]) {
  let last: VolumeDocument['lastBackup'];
  const snapshots: SnapshotDocument[] = [];
  for (const [index, seconds] of times.entries()) {
    const elapsedSeconds = elapsedAt(last, everySeconds, at(seconds));
    last = { sequence: index + 1, at: at(seconds).toISOString(), elapsedSeconds };
    snapshots.push({
      schema: 1,
      id: `b${String(index)}`,
      volume: 'slot-master-data',
      place: 'slot-master-data',
      name: 'data',
      phase: 'ready',
      kind: 'backup',
      content: 'volume',
      quiesce: 'none',
      holdsSlotData: true,
      provider: { name: 'memory', config: {} },
      spec: {
        id: `b${String(index)}`,
        fingerprint: '',
        tags: {},
        volume: { id: 'slot-master-data', phase: 'active', handle: {}, kind: 'files', sizeGiB: 1 },
      },
      takenAt: at(seconds).toISOString(),
      backup: { sequence: index + 1, elapsedSeconds, missed: 0 },
      createdAt: at(seconds).toISOString(),
    });
  }
  return { volume: volume(keep, everySeconds, last), snapshots };
}

const ids = (found: readonly { readonly id: string }[]): string[] => found.map(({ id }) => id).sort();
const bad = { at: at(0).toISOString(), isGood: false };
const range = (count: number, step: number): number[] => Array.from({ length: count }, (_, index) => index * step);

describe('a backup is due', () => {
  const last = { sequence: 1, at: at(0).toISOString(), elapsedSeconds: 0 };
  test.each([
    ['at once, where there is none', undefined, 0, [0]],
    ['not before its time', last, HOUR - 1, []],
    ['when its time has come', last, HOUR, [0]],
    ['once, however many were missed, which are told', last, 5 * HOUR, [4]],
    ['when the last one lies in the future: the clock was set back', last, -DAY, [0]],
    ['again at once, when the last one failed', { ...last, error: 'no space' }, 60, [0]],
  ] as const)('%s', (_, before, seconds, missed) => {
    const due = dueBackups([volume({ last: 1 }, HOUR, before)], at(seconds));
    expect(due.map((one) => one.missed)).toEqual(missed);
  });

  test('never of a volume that is kept aside, or is not whole', () => {
    const one = volume({ last: 1 }, HOUR);
    const aside = { ...one, retained: { at: at(0).toISOString(), why: 'replaced' } };
    expect(dueBackups([aside, { ...one, phase: 'creating' }], at(0))).toEqual([]);
  });
});

describe('a backup expires', () => {
  test('when it is older than the promise, and not before', () => {
    const { volume: of, snapshots } = history({ seconds: 3 * HOUR }, HOUR, range(6, HOUR));
    expect(ids(expiredBackups(of, snapshots, at(5 * HOUR)))).toEqual(['b0', 'b1']);
  });

  test('by counts: the oldest of each hour and day stays, and is still there when the next ones come', () => {
    const keep = { hourly: 3, daily: 2 };
    let left: SnapshotDocument[] = [];
    for (let count = 1; count <= 72; count++) {
      const { volume: of, snapshots } = history(keep, HOUR, range(count, HOUR));
      const alive = snapshots.filter(({ id }) => id === `b${String(count - 1)}` || left.some((one) => one.id === id));
      const gone = new Set(ids(expiredBackups(of, alive, at((count - 1) * HOUR))));
      left = alive.filter(({ id }) => !gone.has(id));
    }
    expect(ids(left)).toEqual(['b24', 'b48', 'b69', 'b70', 'b71']);
  });

  test('never when it is the last good one, however old', () => {
    const { volume: of, snapshots } = history({ seconds: HOUR }, HOUR, range(4, HOUR));
    const spoiled = snapshots.map((one, index) => (index > 0 ? { ...one, verified: bad } : one));
    expect(ids(expiredBackups(of, spoiled, at(100 * DAY)))).not.toContain('b0');
  });

  test('never when it is the newest that a verification called good', () => {
    const { volume: of, snapshots } = history({ last: 1 }, HOUR, range(4, HOUR));
    const proved = snapshots.map((one, index) =>
      index === 1 ? { ...one, verified: { at: at(0).toISOString(), isGood: true } } : one,
    );
    expect(ids(expiredBackups(of, proved, at(4 * HOUR)))).toEqual(['b0', 'b2']);
  });

  test('never when a person keeps it', () => {
    const { volume: of, snapshots } = history({ last: 1 }, HOUR, range(3, HOUR));
    const kept = snapshots.map((one, index) =>
      index === 0 ? { ...one, retained: { at: at(0).toISOString(), why: 'audit' } } : one,
    );
    expect(ids(expiredBackups(of, kept, at(3 * HOUR)))).toEqual(['b1']);
  });

  test.each([
    ['a year ahead', 365 * DAY],
    ['a year back', -365 * DAY],
  ])('not early, when the clock jumps %s', (_, jump) => {
    const times = [...range(6, HOUR), jump + 6 * HOUR, jump + 7 * HOUR];
    const { volume: of, snapshots } = history({ seconds: DAY }, HOUR, times);
    expect(expiredBackups(of, snapshots, at(jump + 7 * HOUR))).toEqual([]);
  });
});
