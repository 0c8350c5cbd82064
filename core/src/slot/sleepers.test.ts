import { beforeEach, describe, expect, test } from '@jest/globals';
import { resumeOperation } from '../engine/operation.ts';
import type { Session } from '../host/session.ts';
import { collectPins } from './collect.ts';
import { promote } from './promote.ts';
import { rollback } from './rollback.ts';
import { checkAtRest, watchWorld } from './testing/invariants.ts';
import type { Deal } from './testing/deal.ts';
import { sleeperIn } from './testing/sleeper.ts';
import { World } from './testing/world.ts';

const [A = '', B = '', C = ''] = Array.from('abc', (letter) => letter.repeat(12));
const SLOTS = { master: { standbys: 1, drain: { requests: '0s', ws: '0s' } } };

let world: World;
let problems: readonly string[];
beforeEach(async () => {
  world = new World();
  for (const letter of 'abc') await world.environment(letter, SLOTS);
  ({ problems } = watchWorld(world));
  await world.run(promote(world.process(), { slot: 'master', environment: A }));
});

const errorOf = (work: Promise<unknown>): Promise<unknown> =>
  work.then(
    () => 'done',
    (error: unknown) => error,
  );

async function resume(session: Session): Promise<unknown> {
  const { owner } = await world.slot();
  world.liveness.set(owner?.process.pid ?? 0, 'dead'); // as far as anybody can see
  const run = await resumeOperation(session.operations, owner?.operation ?? '');
  return errorOf(session.carryOn(run));
}

async function expectRest(): Promise<void> {
  await world.run(collectPins(world.process()));
  expect([problems, await checkAtRest(world)]).toEqual([[], []]);
}

describe('a process that sleeps', () => {
  test.each([
    ['before its flip', 'route', 1],
    ['after its claim', 'health', 1],
    ['in the middle of its gate', 'probe', 3],
  ])('%s, and wakes after a rollback took its place, writes nothing more', async (_when, which, nth) => {
    const { session, asleep, wake } = sleeperIn(world, which, nth);
    const promotion = errorOf(promote(session, { slot: 'master', environment: B }));
    await world.run(asleep);
    await world.run(rollback(world.process(), { slot: 'master' }));
    const [routed, slot] = [world.cloud.served.length, await world.slot()];
    wake();
    expect(await world.run(promotion)).toMatchObject({ code: 'superseded' });
    expect(world.cloud.served).toHaveLength(routed);
    expect(await world.slot()).toEqual(slot);
    expect(slot).toMatchObject({ head: A, rejected: [], generation: 1 }); // it never served
    await expectRest();
  });

  test('before its flip, and wakes after it was finished and another promoted, writes nothing more', async () => {
    const { session, asleep, wake } = sleeperIn(world, 'route');
    const promotion = errorOf(promote(session, { slot: 'master', environment: B }));
    await world.run(asleep);
    expect(await world.run(resume(world.process()))).toBe('done');
    await world.run(promote(world.process(), { slot: 'master', environment: C }));
    const routed = world.cloud.served.length;
    wake();
    expect(await world.run(promotion)).not.toBe('done');
    expect(world.cloud.served).toHaveLength(routed);
    expect(await world.slot()).toMatchObject({ head: C, standbys: [B] });
    await expectRest();
  });

  test('after it let go, drops no pin that came since', async () => {
    world.cloud.sick.set(`${B}-1`, () => 'sick');
    let rest: Promise<unknown> | undefined;
    const deal: Deal = async <T>(what: string, act: () => T): Promise<Awaited<T>> => {
      const { owner, epoch } = await world.slot();
      if (!rest && !owner && epoch > 1 && what === 'get') {
        world.cloud.sick.clear();
        rest = promote(world.process(), { slot: 'master', environment: B });
        await rest;
      }
      return await act();
    };
    expect(await world.run(errorOf(promote(world.process(deal), { slot: 'master', environment: B })))).toMatchObject({
      code: 'unhealthy',
    });
    expect(rest).toBeDefined();
    expect(await world.slot()).toMatchObject({ head: B });
    await expectRest();
  });
});

describe('whoever takes over', () => {
  test('pins for itself: the pin of the one before may never have come', async () => {
    const { session, asleep } = sleeperIn(world, 'put', 3); // the claim, the operation, the pin
    void errorOf(promote(session, { slot: 'master', environment: B }));
    await world.run(asleep);
    expect((await world.environmentDocument(B)).pins).toEqual({});
    expect(await world.slot()).toMatchObject({ kind: 'promote', to: B });
    expect(await world.run(resume(world.process()))).toBe('done');
    expect(await world.slot()).toMatchObject({ head: B });
    await expectRest();
  });

  test('goes back when the candidate is gone by then', async () => {
    const { session, asleep } = sleeperIn(world, 'put', 3);
    void errorOf(promote(session, { slot: 'master', environment: B }));
    await world.run(asleep);
    const { destroyEnvironment } = await import('../environment/destroy.ts');
    await world.run(destroyEnvironment(world.process(), B));
    expect(await world.run(resume(world.process()))).toMatchObject({ code: 'unhealthy' });
    expect(await world.slot()).toMatchObject({ head: A, generation: 1, rejected: [] });
    await expectRest();
  });
});

test('the ledger of who died after its commit is completed before the next one', async () => {
  const deal: Deal = async <T>(what: string, act: () => T): Promise<Awaited<T>> => {
    if ((await world.slot()).head === B) return await new Promise<never>(() => undefined);
    return await act();
  };
  void errorOf(promote(world.process(deal), { slot: 'master', environment: B }));
  await world.clock.pass(1);
  expect(await world.slot()).toMatchObject({ head: B, generation: 2 });
  await world.run(promote(world.process(), { slot: 'master', environment: C }));
  await expectRest();
});

test('a way back is written down before it is routed', async () => {
  const promotion = errorOf(promote(world.process(), { slot: 'master', environment: B, bakeSeconds: 60 }));
  await world.clock.pass(5);
  world.cloud.sick.set(`${B}-1`, () => 'sick');
  expect(await world.run(promotion)).toMatchObject({ code: 'reverted' });
  expect(world.cloud.live('master')).toEqual([`${A}-1`]);
  await expectRest();
});

test('a router that answers nothing clear is not given up by letting go alone: the way back is routed', async () => {
  let lost = 0;
  let late: (() => unknown) | undefined;
  const deal: Deal = async <T>(what: string, act: () => T): Promise<Awaited<T>> => {
    if (what !== 'route' || lost >= 6) return await act();
    lost++;
    late ??= act;
    const { ProviderError } = await import('../provider/error.ts');
    throw new ProviderError('unavailable', 'no answer', { effect: 'unknown' });
  };
  const end = await world.run(errorOf(promote(world.process(deal), { slot: 'master', environment: B })));
  expect(end).toMatchObject({ code: 'reverted' });
  expect(() => late?.()).toThrow(expect.objectContaining({ code: 'conflict' }));
  expect(world.cloud.live('master')).toEqual([`${A}-1`]);
  await expectRest();
});
