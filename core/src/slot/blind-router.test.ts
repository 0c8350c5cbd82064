import { expect, test } from '@jest/globals';
import { collectPins } from './collect.ts';
import { promote } from './promote.ts';
import { rollback } from './rollback.ts';
import { checkAtRest, watchWorld } from './testing/invariants.ts';
import type { Deal } from './testing/deal.ts';
import { CAPABILITIES, World } from './testing/world.ts';

const [A = '', B = '', C = ''] = Array.from('abc', (letter) => letter.repeat(12));

/** A router that takes no condition and keeps no stamp. */
async function blindWorld(): Promise<World> {
  const { 'slots.compareAndSet': _, ...capabilities } = CAPABILITIES;
  const world = new World('blind', capabilities);
  for (const letter of 'abc')
    await world.environment(letter, { master: { standbys: 1, drain: { requests: '0s', ws: '0s' } } });
  await world.run(promote(world.process(), { slot: 'master', environment: A }));
  return world;
}
const failure = (work: Promise<unknown>): Promise<unknown> =>
  work.then(
    () => 'done',
    (error: unknown) => error,
  );

test('is read before and after, and goes forth and back', async () => {
  const world = await blindWorld();
  const { problems } = watchWorld(world);
  await world.run(promote(world.process(), { slot: 'master', environment: B }));
  await world.run(rollback(world.process(), { slot: 'master' }));
  expect(world.cloud.live('master')).toEqual([`${A}-1`]);
  await world.run(collectPins(world.process()));
  expect([problems, await checkAtRest(world)]).toEqual([[], []]);
});

test.each(['get', 'read slot'])(
  'a writer that sleeps after its last look at the owner (%s), and wakes after another took its place, sends nothing',
  async (look) => {
    const world = await blindWorld();
    const asleep = Promise.withResolvers<undefined>();
    const woken = Promise.withResolvers<undefined>();
    let isVerified = false;
    let seen = 0;
    // The answer is there, and its process does not come to read it.
    const deal: Deal = async <T>(what: string, act: () => T): Promise<Awaited<T>> => {
      if (what === 'probe') isVerified = true;
      const result = await act();
      const { owner } = await world.slot();
      if (isVerified && owner && what === look && ++seen === (look === 'get' ? 6 : 1)) {
        asleep.resolve(undefined);
        await woken.promise;
      }
      return result;
    };
    const promotion = failure(promote(world.process(deal), { slot: 'master', environment: B }));
    await world.run(Promise.race([asleep.promise, promotion]));
    await world.run(rollback(world.process(), { slot: 'master' }));
    const routed = world.cloud.served.length;
    woken.resolve(undefined);
    expect(await world.run(promotion)).toMatchObject({ code: 'superseded' });
    expect(world.cloud.served).toHaveLength(routed);
    expect(world.cloud.live('master')).toEqual([`${A}-1`]);
    await world.run(collectPins(world.process()));
    expect(await checkAtRest(world)).toEqual([]);
  },
);

test('whoever takes a slot over waits for what its former owner may still send, and keeps its candidate for as long', async () => {
  const world = await blindWorld();
  const session = world.process(async <T>(what: string, act: () => T): Promise<Awaited<T>> => {
    if (what === 'route') return new Promise<never>(() => undefined);
    return await act();
  });
  void failure(promote(session, { slot: 'master', environment: B }));
  await world.clock.pass(1);
  const before = world.clock.monotonicSeconds();
  const back = rollback(world.process(), { slot: 'master' });
  await world.clock.pass(5);
  world.cloud.write('master', [{ handle: { id: `${B}-1` }, percent: 100 }], '2'); // it was under way
  await world.run(back);
  expect(world.clock.monotonicSeconds() - before).toBeGreaterThanOrEqual(8);
  expect(world.cloud.live('master')).toEqual([`${A}-1`]);
  expect(await world.slot()).toMatchObject({ head: A });
  await world.run(promote(world.process(), { slot: 'master', environment: C }));
  expect(world.cloud.live('master')).toEqual([`${C}-1`]);
});

test('an answer that is lost is looked for, and what did not come is sent again', async () => {
  const world = await blindWorld();
  let lost = 0;
  const session = world.process(async (what, act) => {
    if (what === 'route' && lost++ < 2) {
      if (lost === 2) await act();
      throw new Error('the connection is gone');
    }
    return act();
  });
  await world.run(promote(session, { slot: 'master', environment: B }));
  expect(lost).toBe(2);
  expect(await world.slot()).toMatchObject({ head: B });
});
