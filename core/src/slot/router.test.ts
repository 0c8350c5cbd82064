import { expect, test } from '@jest/globals';
import { ProviderError } from '../provider/error.ts';
import { promote } from './promote.ts';
import type { Deal } from './testing/memory-cloud.ts';
import { World } from './testing/world.ts';

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
