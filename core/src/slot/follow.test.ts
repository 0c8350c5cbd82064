import { expect, test } from '@jest/globals';
import { resumeOperation } from '../engine/operation.ts';
import type { Session } from '../host/session.ts';
import { collectPins } from './collect.ts';
import { promote } from './promote.ts';
import { rollback } from './rollback.ts';
import { checkAtRest, watchWorld } from './testing/invariants.ts';
import type { Deal } from './testing/deal.ts';
import { World } from './testing/world.ts';

const [A = '', B = '', C = ''] = Array.from('abc', (letter) => letter.repeat(12));
const WORKER = { worker: { command: 'node worker.js', runOn: 'head' } };
const [ON, OFF] = [{ worker: { min: 1, max: 1 } }, { worker: { min: 0, max: 0 } }];

/** @param heads - What was promoted, the head last. */
async function worldOf(slot: object = {}, heads: readonly string[] = [A, B]): Promise<World> {
  const world = new World();
  const slots = { master: { standbys: 2, drain: { requests: '0s', ws: '0s' }, ...slot } };
  for (const letter of 'abc') await world.environment(letter, slots, WORKER);
  for (const environment of heads) await world.run(promote(world.process(), { slot: 'master', environment }));
  return world;
}

/** Its process is gone as soon as the document says that it went back. */
function diesOnceBack(world: World): Session {
  const deal: Deal = async <T>(what: string, act: () => T): Promise<Awaited<T>> => {
    const result = await act();
    const { head, release } = await world.slot();
    const isBack = head === A && release?.kind !== 'promote';
    if (isBack) await new Promise(() => {});
    return result;
  };
  const session = world.process(deal);
  world.liveness.set(session.operations.identity.pid, 'dead');
  return session;
}

async function resume(world: World, operation: string): Promise<void> {
  const session = world.process();
  await session.carryOn(await resumeOperation(session.operations, operation));
}

test.each(['is resumed', 'is in the way of a promotion'])(
  'what runs on the head alone follows, where a rollback died right after its record and %s',
  async (how) => {
    const world = await worldOf();
    const { problems } = watchWorld(world);
    void rollback(diesOnceBack(world), { slot: 'master' });
    await world.clock.pass(10);
    const before = await world.slot();
    expect(before).toMatchObject({ head: A, generation: 3, standbys: [], rejected: [{ environment: B }] });
    expect(world.cloud.scaled.get(`${B}-1`)).toEqual(ON);

    const isResumed = how === 'is resumed';
    const next = world.process();
    await world.run<unknown>(
      isResumed ? resume(world, before.owner?.operation ?? '') : promote(next, { slot: 'master', environment: C }),
    );
    const head = isResumed ? A : C;
    const after = await world.slot();
    expect(after).toMatchObject({ head, generation: isResumed ? 3 : 4 });
    expect(after.owner).toBeUndefined();
    for (const id of isResumed ? [A, B] : [A, B, C])
      expect(world.cloud.scaled.get(`${id}-1`)).toEqual(id === head ? ON : OFF);
    await world.run(collectPins(next));
    expect(await checkAtRest(world)).toEqual([]);
    expect(problems).toEqual([]);
  },
);

test('and where a promotion turned itself back, which is told as turned back', async () => {
  const world = await worldOf({ bake: '60s' }, [A]);
  void promote(diesOnceBack(world), { slot: 'master', environment: B });
  await world.clock.pass(10);
  world.cloud.sick.set(`${B}-1`, () => 'ill');
  await world.clock.pass(60);
  const { owner } = await world.slot();
  expect(world.cloud.scaled.get(`${B}-1`)).toEqual(ON);
  await expect(world.run(resume(world, owner?.operation ?? ''))).rejects.toMatchObject({ code: 'reverted' });
  expect((await world.slot()).owner).toBeUndefined();
  expect([A, B].map((id) => world.cloud.scaled.get(`${id}-1`))).toEqual([ON, OFF]);
});
