import { mkdtempSync, statSync, truncateSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from '@jest/globals';
import { testCall } from '../state/testing/call.ts';
import { Child } from '../state/testing/child.ts';
import { scratchFolder } from '../state/testing/scratch.ts';
import { expectCode } from '../state/testing/store-suite.ts';
import { openPacer } from './pace.ts';
import { TEST_LIMITS } from './testing/limits.ts';
import { VirtualClock } from './testing/virtual-clock.ts';

const scratch = scratchFolder();
const newFolder = () => mkdtempSync(join(scratch, 'pace-'));
const { perSecond, burst } = TEST_LIMITS.writes;

function scenario(folder = newFolder()) {
  const clock = new VirtualClock();
  const begin = clock.monotonicSeconds();
  const pacer = openPacer(folder, 'test', TEST_LIMITS, clock);
  const turns: number[] = [];
  const calls = { ...testCall(), deadline: new Date(clock.now().getTime() + 3600_000) };
  const turn = (call = calls) => pacer.pace('writes', call).then(() => turns.push(clock.monotonicSeconds() - begin));
  return { clock, pacer, turns, turn, folder };
}

describe('turns', () => {
  test('of a burst come at once, the others at the rate', async () => {
    const { clock, turn, turns, pacer } = scenario();
    const all = Promise.all(Array.from({ length: 15 }, () => turn()));
    await clock.advance(2);
    await all;
    expect(turns.slice(0, burst)).toEqual(Array.from({ length: burst }, () => 0));
    turns.slice(burst).forEach((at, index) => expect(at).toBeCloseTo((index + 1) / perSecond, 6));
    pacer.close();
  });

  test('come at once again after a rest', async () => {
    const { clock, turn, turns, pacer } = scenario();
    await Promise.all(Array.from({ length: burst }, () => turn()));
    await clock.advance(60);
    await Promise.all(Array.from({ length: burst }, () => turn()));
    expect(turns.slice(burst)).toEqual(Array.from({ length: burst }, () => 60));
    pacer.close();
  });

  test('that would come after the deadline are refused at once, and not taken', async () => {
    const { clock, turn, turns, pacer } = scenario();
    await Promise.all(Array.from({ length: burst }, () => turn()));
    const short = { ...testCall(), deadline: new Date(clock.now().getTime() + 10) };
    await expect(turn(short)).rejects.toMatchObject({ code: 'timeout', effect: 'none' });
    const next = turn();
    await clock.advance(1);
    await next;
    expect(turns.at(-1)).toBeCloseTo(1 / perSecond, 6);
    pacer.close();
  });

  test('are given up at once by an abort', async () => {
    const { turn, pacer } = scenario();
    await Promise.all(Array.from({ length: burst }, () => turn()));
    const abort = new AbortController();
    const waiting = turn(testCall(abort.signal));
    abort.abort();
    await expectCode('cancelled', waiting);
    pacer.close();
  });

  test('under a limit that nobody declared are a mistake', async () => {
    const { pacer } = scenario();
    await expectCode('invalid', pacer.pace('reads', testCall()));
  });
});

test('a damaged table is made anew', async () => {
  const { folder, turn, pacer } = scenario();
  await turn();
  pacer.close();
  truncateSync(join(folder, 'pace.db'), 100);
  const again = scenario(folder);
  await again.turn();
  expect(statSync(join(folder, 'pace.db')).mode & 0o777).toBe(0o600);
  again.pacer.close();
});

test('several processes together keep to one rate', async () => {
  const folder = newFolder();
  const script = join(import.meta.dirname, 'testing/pacer-process.ts');
  const children = Array.from({ length: 3 }, () => new Child(script, [folder, '20']));
  await Promise.all(children.map((child) => child.says('ready')));
  for (const child of children) child.process.stdin!.write('go\n');
  await Promise.all(children.map((child) => child.exit()));
  const turns = children.flatMap((child) =>
    child.lines.filter((line) => line.startsWith('turn')).map((line) => Number(line.slice(5))),
  );
  expect(turns).toHaveLength(60);
  const [first, last] = [Math.min(...turns), Math.max(...turns)];
  // A turn may come late where the machine is busy, but never early; the first one's report may be late too.
  expect(last - first).toBeGreaterThanOrEqual(((60 - burst) / perSecond) * 0.9);
});
