import { expect, test } from '@jest/globals';
import { no } from '../provider/capabilities.ts';
import { promote } from './promote.ts';
import { rollback } from './rollback.ts';
import { checkAtRest, watchWorld } from './testing/invariants.ts';
import { CAPABILITIES, World } from './testing/world.ts';
import { repair } from './upkeep.ts';

const [A = '', B = '', C = ''] = Array.from('abc', (letter) => letter.repeat(12));
const ofSlot = (commit: string): unknown => expect.stringMatching(new RegExp(`^${commit}@master\\.[0-9a-f]{6}$`));
const OWN_ALONE = { ...CAPABILITIES, 'slots.shared': no('slots have load balancers of their own') };

test('where a cloud stops to share environments, a slot goes on with its own, and back to those that it shared', async () => {
  const world = new World();
  const { problems } = watchWorld(world);
  const move = (environment: string) => world.run(promote(world.process(), { slot: 'master', environment }));
  const goBack = () => world.run(rollback(world.process(), { slot: 'master' }));
  for (const letter of 'abc') await world.environment(letter, { master: { standbys: 2 } });
  await move(A);
  await move(B);
  expect(await world.slot()).toMatchObject({ head: B, standbys: [A] });

  world.capabilities = OWN_ALONE;
  await world.run(repair(world.process(), 'master'));
  expect(await world.slot()).toMatchObject({ head: B, standbys: [A] });
  await move(C);
  expect(await world.slot()).toMatchObject({ head: ofSlot(C), standbys: [B, A] });
  await goBack();
  expect(await world.slot()).toMatchObject({ head: B, standbys: [A] });
  await world.run(repair(world.process(), 'master'));
  await goBack();
  expect(await world.slot()).toMatchObject({ head: A, standbys: [] });
  await move(A);
  expect(await world.slot()).toMatchObject({ head: ofSlot(A), standbys: [A] });

  // And where it shares them again.
  world.capabilities = CAPABILITIES;
  await move(A);
  expect(await world.slot()).toMatchObject({ head: A, standbys: [ofSlot(A)] });
  await goBack();
  expect(await world.slot()).toMatchObject({ head: ofSlot(A) });
  expect([problems, await checkAtRest(world)]).toEqual([[], []]);
});
