import { describe, expect, test } from '@jest/globals';
import type { Session } from '../host/session.ts';
import { ProviderError } from '../provider/error.ts';
import { testCall } from '../state/testing/call.ts';
import { collectPins } from './collect.ts';
import { pinEnvironment } from './pins.ts';
import { promote } from './promote.ts';
import { rollback } from './rollback.ts';
import { checkAtRest } from './testing/invariants.ts';
import { plainly, type Deal } from './testing/deal.ts';
import { Mortal } from './testing/mortal.ts';
import { World } from './testing/world.ts';
import { adopt, repair } from './upkeep.ts';
import { watchWorld } from './testing/invariants.ts';

const [A = '', B = '', C = ''] = Array.from('abc', (letter) => letter.repeat(12));
const PLAIN = { standbys: 2, drain: { requests: '0s', ws: '0s' } };

async function worldWith(slot: object = {}, services: object = {}): Promise<World> {
  const world = new World();
  for (const letter of 'abc') await world.environment(letter, { master: { ...PLAIN, ...slot } }, services);
  return world;
}
const to = (world: World, session: Session, environment: string) =>
  world.run(promote(session, { slot: 'master', environment }));
const errorOf = (work: Promise<unknown>): Promise<unknown> =>
  work.then(
    () => 'done',
    (error: unknown) => error,
  );

/** Does something else just before, or just after, the n-th dealing of a kind. */
function beside(which: string, nth: number, when: 'before' | 'after', other: () => Promise<unknown>): Deal {
  let seen = 0;
  return async <T>(what: string, act: () => T): Promise<Awaited<T>> => {
    const isIt = what === which && ++seen === nth;
    if (isIt && when === 'before') await other();
    const result = await act();
    if (isIt && when === 'after') await other();
    return result;
  };
}

/** The n-th dealing of a kind is done, then others do theirs, and its answer never comes. */
function loses(
  which: string,
  isIt: (world: World) => Promise<boolean>,
  world: World,
  other: () => Promise<unknown>,
): Deal {
  let done = false;
  return async <T>(what: string, act: () => T): Promise<Awaited<T>> => {
    const result = await act();
    if (done || what !== which || !(await isIt(world))) return result;
    done = true;
    await other();
    throw new ProviderError('unavailable', 'the answer was lost', { effect: 'unknown' });
  };
}

describe('the document moves while the router is asked', () => {
  test.each(['promote', 'rollback'] as const)('%s looks again instead of telling of a drift', async (verb) => {
    const world = await worldWith();
    const others = world.process();
    for (const environment of [A, B]) await to(world, others, environment);
    const session = world.process(
      beside('read slot', 1, 'before', () => promote(others, { slot: 'master', environment: C })),
    );
    const how =
      verb === 'promote' ? promote(session, { slot: 'master', environment: A }) : rollback(session, { slot: 'master' });
    const end = await world.run(errorOf(how));
    if (verb === 'promote') expect(end).toBe('done');
    else expect(end).toMatchObject({ code: 'conflict' }); // it was bound to the generation that it saw
    expect(await world.slot()).toMatchObject({ head: verb === 'promote' ? A : C });
  });
});

describe('an answer that is lost, with another operation on top', () => {
  const isRecorded = (world: World) => world.slot().then(({ head, owner }) => head === C && !owner);

  test('of a record is known as done, although only a claim came since and no ledger line', async () => {
    const world = await worldWith();
    for (const environment of [A, B]) await to(world, world.process(), environment);
    const next = new Mortal(8); // dies under way, once its claim is made
    const session = world.process(
      loses('put', isRecorded, world, async () => {
        void promote(world.process(next.deal), { slot: 'master', environment: A }).catch(() => undefined);
        while ((await world.slot()).owner === undefined) await new Promise((resolve) => setImmediate(resolve));
      }),
    );
    await expect(to(world, session, C)).resolves.toMatchObject({ existed: false });
  });

  test('of a rollback’s claim is looked for: it says that it was taken over, not that it was never made', async () => {
    const world = await worldWith();
    for (const environment of [A, B]) await to(world, world.process(), environment);
    const isClaimed = (of: World) => of.slot().then(({ kind }) => kind === 'rollback');
    const session = world.process(
      loses('put', isClaimed, world, async () => {
        // Somebody finds it unwritten and its process gone, and finishes it.
        for (const pid of [1, 2, 3, 4, 5]) world.liveness.set(pid, 'dead');
        await promote(world.process(), { slot: 'master', environment: C });
      }),
    );
    const error = await world.run(errorOf(rollback(session, { slot: 'master' })));
    expect(error).toMatchObject({ code: 'superseded' });
    expect(await world.slot()).toMatchObject({ head: C, standbys: [A] });
  });
});

describe('who lost the slot does nothing more for it', () => {
  test('neither contracts the schema nor moves the head’s services after a rollback took the bake', async () => {
    const world = await worldWith(
      { bake: '60s', migrate: { service: 'web', contract: 'drop-old' } },
      { worker: { command: 'node worker.js', runOn: 'head' } },
    );
    const session = world.process();
    await to(world, session, A);
    const before = world.cloud.execs.length;
    const promotion = errorOf(promote(session, { slot: 'master', environment: B }));
    await world.clock.pass(10);
    await world.run(rollback(world.process(), { slot: 'master' }));
    const scaled = structuredClone(Object.fromEntries(world.cloud.scaled));
    expect(await world.run(promotion)).toMatchObject({ code: 'superseded' });
    expect(world.cloud.execs.slice(before)).toEqual([]);
    expect(Object.fromEntries(world.cloud.scaled)).toEqual(scaled);
    expect(scaled[`${A}-1`]?.worker).toMatchObject({ min: 1 });
    expect(scaled[`${B}-1`]?.worker).toEqual({ min: 0, max: 0 });
  });

  test('does not expand the schema either', async () => {
    const world = await worldWith({ migrate: { service: 'web', expand: 'add-new', snapshot: false } });
    const others = world.process();
    await to(world, others, A);
    const before = world.cloud.execs.length;
    // The gate asks three times; in between somebody rolls back.
    const session = world.process(beside('probe', 2, 'after', () => rollback(others, { slot: 'master' })));
    expect(await world.run(errorOf(promote(session, { slot: 'master', environment: B })))).toMatchObject({
      code: 'superseded',
    });
    expect(world.cloud.execs.slice(before)).toEqual([]);
  });

  test('does not go on to the next stage', async () => {
    const world = await worldWith({ stages: '10@1m,100' });
    const session = world.process();
    await to(world, session, A);
    const promotion = errorOf(promote(session, { slot: 'master', environment: B }));
    await world.clock.pass(30);
    const routed = world.cloud.served.length;
    // The rollback has claimed, and sleeps before it routes.
    const sleeper = new Mortal(Infinity);
    const deal: Deal = async <T>(what: string, act: () => T): Promise<Awaited<T>> => {
      if (what === 'route') return new Promise<never>(() => undefined);
      return await sleeper.deal(what, act);
    };
    void rollback(world.process(deal), { slot: 'master' }).catch(() => undefined);
    await world.clock.pass(1);
    expect(await world.slot()).toMatchObject({ kind: 'rollback', left: B });
    expect(await world.run(promotion)).toMatchObject({ code: 'superseded' });
    expect(world.cloud.served).toHaveLength(routed);
  });
});

describe('routes changed by hand while an operation was left unfinished', () => {
  async function drifted(kind: 'promote' | 'bake' | 'rollback'): Promise<World> {
    const world = await worldWith(kind === 'bake' ? { bake: '60s' } : {});
    await to(world, world.process(), A);
    if (kind === 'rollback') await to(world, world.process(), B);
    const session = world.process();
    const mortal = world.process(async <T>(what: string, act: () => T): Promise<Awaited<T>> => {
      if (what === 'route' && kind !== 'bake') return new Promise<never>(() => undefined);
      return await act();
    });
    void (
      kind === 'rollback' ? rollback(mortal, { slot: 'master' }) : promote(mortal, { slot: 'master', environment: B })
    ).catch(() => undefined);
    await world.clock.pass(5);
    expect(await world.slot()).toMatchObject({ kind });
    world.liveness.set(mortal.operations.identity.pid, 'dead');
    world.cloud.write('master', [{ handle: { id: `${C}-1` }, percent: 100 }], 'x');
    expect(await world.run(errorOf(promote(session, { slot: 'master', environment: C })))).toMatchObject({
      code: 'drifted',
    });
    expect(world.cloud.live('master')).toEqual([`${C}-1`]);
    return world;
  }

  test.each([
    ['promote', A],
    ['bake', B],
    ['rollback', A],
  ] as const)('are put right by repair: %s', async (kind, head) => {
    const world = await drifted(kind);
    const session = world.process();
    await world.run(repair(session, 'master'));
    expect(await world.slot()).toMatchObject({ head });
    expect(world.cloud.live('master')).toEqual([`${head}-1`]);
    await world.run(collectPins(session));
    expect(await checkAtRest(world)).toEqual([]);
  });

  test.each(['promote', 'bake', 'rollback'] as const)('are taken by adopt: %s', async (kind) => {
    const world = await drifted(kind);
    const session = world.process();
    await world.run(adopt(session, 'master', {}));
    expect(await world.slot()).toMatchObject({ head: C });
    expect(world.cloud.live('master')).toEqual([`${C}-1`]);
    await world.run(collectPins(session));
    expect(await checkAtRest(world)).toEqual([]);
    await to(world, session, A);
    expect(world.cloud.live('master')).toEqual([`${A}-1`]);
  });

  test('are not overwritten by a bake that turns back', async () => {
    const world = await worldWith({ bake: '60s' });
    const session = world.process();
    await to(world, session, A);
    const promotion = errorOf(promote(session, { slot: 'master', environment: B }));
    await world.clock.pass(5);
    world.cloud.write('master', [{ handle: { id: `${C}-1` }, percent: 100 }], 'x');
    world.cloud.sick.set(`${B}-1`, () => 'sick');
    expect(await world.run(promotion)).toMatchObject({ code: 'drifted' });
    expect(world.cloud.live('master')).toEqual([`${C}-1`]);
    await world.run(repair(session, 'master'));
    expect((await world.slot()).owner).toBeUndefined();
  });
});

test('a slot that its router lost under a promotion is made again by repair', async () => {
  const world = await worldWith();
  const others = world.process();
  await to(world, others, A);
  const session = world.process(
    beside('route', 1, 'before', async () => {
      world.cloud.slots.delete('master');
    }),
  );
  expect(await world.run(errorOf(promote(session, { slot: 'master', environment: B })))).toMatchObject({
    code: 'drifted',
  });
  await world.run(repair(others, 'master'));
  expect(world.cloud.live('master')).toEqual([`${A}-1`]);
  await world.run(collectPins(others));
  expect(await checkAtRest(world)).toEqual([]);
});

test('the pin of a first promotion that died before its claim goes, and the claim can’t come any more', async () => {
  const world = await worldWith();
  const session = world.process();
  const pin = { slot: 'master', holder: 'dead', epoch: 1 };
  await pinEnvironment(world.documents, A, pin, testCall());
  await world.run(collectPins(session));
  expect((await world.environmentDocument(A)).pins).toEqual({});
  expect(await world.slot()).toMatchObject({ generation: 0, epoch: 1 });
  await to(world, session, A);
  expect(await world.slot()).toMatchObject({ head: A, generation: 1, standbys: [] });
});

test('a promotion that could neither be pinned nor taken back is left to whoever comes next', async () => {
  const world = await worldWith();
  await to(world, world.process(), A);
  let puts = 0;
  // The claim, the operation and the pin are written at once; then the claim is taken back.
  const session = world.process(async (what, act) => {
    if (what === 'put' && ++puts >= 3 && puts <= 8) throw new ProviderError('timeout', 'no answer', { effect: 'none' });
    return act();
  });
  expect(await world.run(errorOf(promote(session, { slot: 'master', environment: B })))).toMatchObject({
    code: 'timeout',
  });
  await to(world, world.process(), C);
  expect(await world.slot()).toMatchObject({ head: C });
  expect(await checkAtRest(world)).toEqual([]);
});

test('what can’t be tidied up after the commit is a warning', async () => {
  const world = await worldWith({ standbys: 0 });
  for (const environment of [A]) await to(world, world.process(), environment);
  const deal: Deal = async <T>(what: string, act: () => T): Promise<Awaited<T>> => {
    if (what === 'put' && (await world.slot()).head === B) {
      throw new ProviderError('unavailable', 'the state is away', { effect: 'none', retry: 'never' });
    }
    return await act();
  };
  const { warnings } = await to(world, world.process(deal), B);
  expect(warnings.join()).toContain('the state is away');
  await world.run(collectPins(world.process()));
  expect(await checkAtRest(world)).toEqual([]);
});

test('a promotion in stages goes on where it was, not from the first stage', async () => {
  const world = await worldWith({ stages: '10@1m,50@1m,100' });
  await to(world, world.process(), A);
  const { problems } = watchWorld(world);
  const mortal = world.process(plainly, AbortSignal.abort());
  const first = new AbortController();
  const session = { ...mortal, operations: { ...mortal.operations, signal: first.signal } };
  const promotion = errorOf(promote(session, { slot: 'master', environment: B }));
  await world.clock.pass(90);
  first.abort();
  await world.run(promotion);
  const before = world.cloud.served.length;
  const next = world.process();
  const { resumeOperation } = await import('../engine/operation.ts');
  const { owner } = await world.slot();
  await world.run(resumeOperation(next.operations, owner?.operation ?? '').then((run) => next.carryOn(run)));
  expect(world.cloud.slots.get('master')?.routes[0]).toMatchObject({ percent: 100 });
  expect(world.cloud.served.slice(before).map(({ environment }) => environment)).toEqual([
    `${B}-1`,
    `${A}-1`,
    `${B}-1`,
  ]);
  expect(problems).toEqual([]);
});
