import { expect, test } from '@jest/globals';
import { systemClock } from './clock.ts';
import { VirtualClock } from './testing/virtual-clock.ts';

test('a sleep lasts at least as long as asked, by the monotonic time', async () => {
  const before = systemClock.monotonicSeconds();
  await systemClock.sleep(0.02);
  expect(systemClock.monotonicSeconds() - before).toBeGreaterThanOrEqual(0.019);
});

test.each([
  ['the machine’s clock', systemClock],
  ['the virtual clock', new VirtualClock()],
])(
  '%s: a sleep ends with the signal’s own reason, also one of months and one that begins aborted',
  async (_, clock) => {
    const abort = new AbortController();
    const sleeping = clock.sleep(90 * 24 * 3600, abort.signal);
    abort.abort('because');
    await expect(sleeping).rejects.toBe('because');
    await expect(clock.sleep(1, abort.signal)).rejects.toBe('because');
  },
);

test('a virtual clock wakes sleepers in their order, and those they make within the time', async () => {
  const clock = new VirtualClock();
  const woken: string[] = [];
  void clock.sleep(2).then(() => woken.push('b'));
  void clock.sleep(1).then(async () => {
    woken.push('a');
    await clock.sleep(2);
    woken.push('c');
  });
  await clock.advance(2.5);
  expect(woken).toEqual(['a', 'b']);
  await clock.advance(1);
  expect(woken).toEqual(['a', 'b', 'c']);
  expect(clock.now().toISOString()).toBe('2026-01-01T00:00:03.500Z');
});
