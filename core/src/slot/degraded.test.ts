import { expect, test } from '@jest/globals';
import { resumeOperation } from '../engine/operation.ts';
import { destroyEnvironment } from '../environment/destroy.ts';
import { ProviderError } from '../provider/error.ts';
import { collectPins } from './collect.ts';
import { promote } from './promote.ts';
import { checkAtRest } from './testing/invariants.ts';
import type { Deal } from './testing/deal.ts';
import { World } from './testing/world.ts';

const [A = '', B = ''] = Array.from('ab', (letter) => letter.repeat(12));

/** B bakes in front of A. From `cut` on nothing is heard of what is named. */
async function baking(cut: { now?: RegExp }): Promise<{ world: World; promotion: Promise<unknown> }> {
  const world = new World();
  for (const letter of 'ab')
    await world.environment(letter, { master: { standbys: 1, drain: { requests: '0s', ws: '0s' } } });
  await world.run(promote(world.process(), { slot: 'master', environment: A }));
  const deal: Deal = async (what, act) => {
    if (cut.now?.test(what)) throw new ProviderError('unavailable', `no answer to ${what}`, { effect: 'unknown' });
    return act();
  };
  const promotion = promote(world.process(deal), { slot: 'master', environment: B, bakeSeconds: 600 }).then(
    () => 'done',
    (error: unknown) => error,
  );
  await world.clock.pass(5);
  return { world, promotion };
}

test.each([
  ['can’t be written', /^route/],
  ['can’t be asked either', /slot$|^route/],
])(
  'a way back whose router %s is degraded: both stay, and it is tried again when it is resumed',
  async (_how, what) => {
    const cut: { now?: RegExp } = {};
    const { world, promotion } = await baking(cut);
    cut.now = what;
    world.cloud.sick.set(`${B}-1`, () => 'sick');
    expect(await world.run(promotion)).toMatchObject({
      code: 'degraded',
      message: expect.stringMatching(/could not be routed back to a{12}.*b{12} may still be live; both are kept/),
      detail: { hint: expect.stringContaining('clusternator op resume') },
    });
    expect(world.cloud.live('master')).toEqual([`${B}-1`]);
    const { owner } = await world.slot();
    expect(owner).toBeDefined();
    for (const id of [A, B])
      await expect(world.run(destroyEnvironment(world.process(), id))).rejects.toMatchObject({ code: 'refused' });

    const session = world.process();
    const resumed = resumeOperation(session.operations, owner?.operation ?? '').then((run) => session.carryOn(run));
    await world.run(resumed.catch(() => undefined));
    expect(await world.slot()).toMatchObject({ head: A, rejected: [{ environment: B }] });
    expect(world.cloud.live('master')).toEqual([`${A}-1`]);
    await world.run(collectPins(session));
    expect(await checkAtRest(world)).toEqual([]);
  },
);

test('a head that can’t be looked at is not well: it is turned back', async () => {
  const cut: { now?: RegExp } = {};
  const { world, promotion } = await baking(cut);
  cut.now = /^health/;
  expect(await world.run(promotion)).toMatchObject({ code: 'reverted' });
  expect(world.cloud.live('master')).toEqual([`${A}-1`]);
});
