import { expect, test } from '@jest/globals';
import { ProviderError } from '../provider/error.ts';
import type { Call } from '../provider/host.ts';
import { promote } from './promote.ts';
import type { Deal } from './testing/deal.ts';
import { World } from './testing/world.ts';
import { VirtualClock } from '../engine/testing/virtual-clock.ts';
import { testCall } from '../state/testing/call.ts';
import { Router } from './router.ts';
import type { Route, Slot, SlotDriver } from './slot.ts';

const [A = '', B = ''] = Array.from('ab', (letter) => letter.repeat(12));

test('a route whose answer was lost is found in what is live, and not written again', async () => {
  const world = new World();
  for (const letter of 'ab') await world.environment(letter, { master: { standbys: 1 } });
  await world.run(promote(world.process(), { slot: 'master', environment: A }));
  const before = world.cloud.served.length;
  let isLost = false;
  const losing: Deal = async (what, act) => {
    const result = await act();
    if (what !== 'route' || isLost) return result;
    isLost = true;
    throw new ProviderError('unavailable', 'the connection broke off', { effect: 'unknown' });
  };
  await world.run(promote(world.process(losing), { slot: 'master', environment: B }));
  expect([isLost, world.cloud.served.length - before]).toEqual([true, 1]);
  expect(await world.slot()).toMatchObject({ head: B, standbys: [A], generation: 2 });
});

const both = (environment: string): Route => ({
  handle: { web: `${environment}-web`, api: `${environment}-api` },
  percent: 100,
});
const only = (environment: string, part: 'web' | 'api'): Route => ({
  handle: { [part]: `${environment}-${part}` },
  percent: 100,
  part,
});
/** A router without conditions, of two parts. @param after - What it serves once it was written to for the first time; then it does as it is asked. */
async function writeTo(after: readonly Route[], isOwner = true): Promise<readonly [string, number]> {
  const seen: Slot = { id: 'master', phase: 'active', handle: {}, routes: [both('a')] };
  let [live, writes] = [seen, 0];
  const driver = {
    read: () => Promise.resolve(live),
    route: (slot: Slot, routes: readonly Route[]) => {
      writes += 1;
      live = { ...slot, routes: writes === 1 ? after : routes };
      if (writes === 1) throw new ProviderError('throttled', 'too many requests', { effect: 'unknown' });
      return Promise.resolve(live);
    },
  } as unknown as SlotDriver;
  const session = { clock: new VirtualClock(), briefly: <T>(_: string, work: (call: Call) => T) => work(testCall()) };
  let asked = 0;
  const router = new Router(session, driver, false);
  const { state } = await router.write(seen, [both('b')], '2', () => Promise.resolve(isOwner || asked++ === 0));
  return [state, writes];
}

test('a write of several parts that was cut short is written again by its owner, and by nobody else', async () => {
  const cutShort = [only('b', 'web'), only('a', 'api')];
  expect(await writeTo(cutShort)).toEqual(['done', 2]);
  expect(await writeTo(cutShort, false)).toEqual(['lost', 1]);
  expect(await writeTo([only('b', 'web'), only('c', 'api')])).toEqual(['lost', 1]);
});
