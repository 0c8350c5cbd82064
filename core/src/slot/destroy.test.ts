import { beforeEach, describe, expect, test } from '@jest/globals';
import { resumeOperation } from '../engine/operation.ts';
import { destroyEnvironment } from '../environment/destroy.ts';
import { collectGarbage } from '../environment/gc.ts';
import type { Session } from '../host/session.ts';
import { testCall } from '../state/testing/call.ts';
import { destroySlot } from './destroy.ts';
import { planSlotDestroy } from './plan-destroy.ts';
import { promote } from './promote.ts';
import { rollback } from './rollback.ts';
import { listSlots, newestReleases, showSlot } from './show.ts';
import { checkAtRest, watchWorld } from './testing/invariants.ts';
import type { RouterKind } from './testing/memory-router.ts';
import { sleeperIn } from './testing/sleeper.ts';
import { World } from './testing/world.ts';

const [A = '', B = '', C = ''] = Array.from('abc', (letter) => letter.repeat(12));
const MASTER = { standbys: 1, drain: { requests: '0s', ws: '0s' } };

let world: World;
let problems: readonly string[];
async function prepare(volumes: object = {}, services: object = {}, kind: RouterKind = 'version'): Promise<void> {
  const slots = { master: MASTER };
  world = new World(kind);
  for (const letter of 'abc') await world.environment(letter, slots, services, volumes);
  ({ problems } = watchWorld(world));
  for (const environment of [A, B]) await world.run(promote(world.process(), { slot: 'master', environment }));
}
beforeEach(() => prepare());

const end = (session = world.process()): Promise<unknown> =>
  world.run(errorOf(destroySlot(session, { slot: 'master' })));
const errorOf = (work: Promise<unknown>): Promise<unknown> => work.catch((error: unknown) => error);

async function expectRest(): Promise<void> {
  await world.run(collectGarbage(world.process(), { dryRun: false }));
  expect([problems, await checkAtRest(world)]).toEqual([[], []]);
}

async function resumeOther(session: Session): Promise<unknown> {
  const { owner } = await world.slot();
  world.liveness.set(owner?.process.pid ?? 0, 'dead'); // as far as anybody can see
  const run = await resumeOperation(session.operations, owner?.operation ?? '');
  return errorOf(session.carryOn(run));
}

describe('what is left of a slot that was destroyed', () => {
  test('is no route, no pin, and a document that holds its epoch and generation', async () => {
    const before = await world.slot();
    expect(await end()).toMatchObject({
      slot: 'master',
      generation: 3,
      wasGone: false,
      released: [{ environment: B }, { environment: A }],
      keeps: [],
    });
    expect(world.cloud.slots.has('master')).toBe(false);
    const slot = await world.slot();
    expect(slot).toMatchObject({ generation: 3, standbys: [], destroyed: { by: expect.any(String) } });
    expect(slot.epoch).toBeGreaterThan(before.epoch);
    expect(slot).not.toHaveProperty('head');
    for (const id of [A, B]) expect((await world.environmentDocument(id)).pins).toEqual({});
    await expectRest();
  });

  test('is not listed, and is told as destroyed when it is asked for', async () => {
    await world.run(destroySlot(world.process(), { slot: 'master', by: 'ann', reason: 'PR closed' }));
    expect(await world.run(listSlots(world.process(), []))).toEqual([]);
    expect(await world.run(listSlots(world.process(), ['master']))).toMatchObject([{ generation: 0, state: 'idle' }]);
    const told = { code: 'not-found', message: expect.stringMatching(/destroyed by ann .*PR closed/) };
    expect(await world.run(errorOf(showSlot(world.process(), 'master', [])))).toMatchObject(told);
    expect(await world.run(errorOf(rollback(world.process(), { slot: 'master' })))).toMatchObject(told);
    const lines = await world.run(newestReleases(world.process(), await world.slot(), { limit: 9 }));
    expect(lines.map(({ environment }) => environment)).toEqual([B, A]);
  });

  test('lets its former head be destroyed as any other', async () => {
    await end();
    expect(await world.run(destroyEnvironment(world.process(), B))).toMatchObject({ document: { phase: 'gone' } });
    await expectRest();
  });

  test('is what a promotion to the same name goes on from', async () => {
    await end();
    await world.run(promote(world.process(), { slot: 'master', environment: C }));
    expect(await world.slot()).toMatchObject({ head: C, generation: 4, standbys: [] });
    expect(await world.slot()).not.toHaveProperty('destroyed');
    expect(world.cloud.live('master')).toEqual([`${C}-1`]);
    const lines = await world.run(newestReleases(world.process(), await world.slot(), { limit: 9 }));
    expect(lines.map(({ generation }) => generation)).toEqual([4, 2, 1]);
    await expectRest();
  });

  test('is all the same after another end of it', async () => {
    const first = await end();
    const slot = await world.slot();
    expect(await end()).toMatchObject({ wasGone: true, generation: 3, released: [] });
    expect(await world.slot()).toEqual(slot);
    expect(first).toMatchObject({ wasGone: false });
  });
});

describe('is refused', () => {
  test('of a slot that never was', async () => {
    const told = await world.run(errorOf(destroySlot(world.process(), { slot: 'other' })));
    expect(told).toMatchObject({ code: 'not-found' });
  });

  test('while a living process moves it', async () => {
    const { session, asleep, wake } = sleeperIn(world, 'route');
    const promotion = errorOf(promote(session, { slot: 'master', environment: C }));
    await world.run(asleep);
    expect(await end()).toMatchObject({ code: 'conflict' });
    expect(await world.run(planSlotDestroy(world.process(), 'master'))).toMatchObject({
      refused: { code: 'conflict' },
    });
    wake();
    await world.run(promotion);
    expect(await world.slot()).toMatchObject({ head: C });
    await expectRest();
  });

  test('when it moved on since the caller looked', async () => {
    const told = errorOf(destroySlot(world.process(), { slot: 'master', ifGeneration: 1 }));
    expect(await world.run(told)).toMatchObject({ code: 'conflict' });
    expect(world.cloud.live('master')).toEqual([`${B}-1`]);
  });

  test('where its routes are not those that we wrote', async () => {
    world.cloud.write('master', [{ handle: { id: `${C}-1` }, percent: 100 }], 'x');
    expect(await end()).toMatchObject({ code: 'drifted' });
    expect(world.cloud.live('master')).toEqual([`${C}-1`]);
  });

  test('unless its name is said once more, where promotions have to be approved', async () => {
    world = new World();
    await world.environment('a', { master: { ...MASTER, approval: '1h' } });
    const promotion = world.run(promote(world.process(), { slot: 'master', environment: A }));
    const { approve } = await import('./upkeep.ts');
    await world.clock.pass(30);
    await approve(world.process(), 'master', {});
    await promotion;
    expect(await end()).toMatchObject({ code: 'refused', detail: { hint: expect.stringContaining('--force master') } });
    const wrong = errorOf(destroySlot(world.process(), { slot: 'master', force: 'other' }));
    expect(await world.run(wrong)).toMatchObject({ code: 'invalid' });
    expect(world.cloud.live('master')).toEqual([`${A}-1`]);
    await world.run(destroySlot(world.process(), { slot: 'master', force: 'master' }));
    expect(world.cloud.slots.has('master')).toBe(false);
  });
});

test('a plan says what goes and what stays, and writes nothing', async () => {
  const before = await world.slot();
  const { head, changes, keeps, ...rest } = await world.run(planSlotDestroy(world.process(), 'master'));
  expect(head).toMatchObject({ environment: B });
  expect(changes.map(({ what }) => what)).toEqual(
    expect.arrayContaining(['slot master', `environment ${A}: let go by master`, `environment ${B}: let go by master`]),
  );
  expect([keeps, rest]).toEqual([[], expect.not.objectContaining({ refused: expect.anything() })]);
  expect(await world.slot()).toEqual(before);
  expect(world.cloud.live('master')).toEqual([`${B}-1`]);
});

test('data of the slot stays, and serves a slot of the same name again', async () => {
  const db = { command: 'db', volumes: { data: '/data' } };
  await prepare({ data: { kind: 'disk', size: '1Gi', scope: 'slot' } }, { db });
  const id = 'slot-master-data';
  expect(await end()).toMatchObject({ keeps: [id] });
  await world.run(collectGarbage(world.process(), { dryRun: false }));
  const stays = async (): Promise<unknown> => (await world.documents.volumes.get(id, testCall()))?.document.phase;
  expect(await stays()).toBe('ready');
  await world.run(promote(world.process(), { slot: 'master', environment: C }));
  expect(await stays()).toBe('ready');
  expect(world.cloud.holdersOf(id)).toHaveLength(1);
});

describe('a process that sleeps', () => {
  test.each([
    ['before its flip', 'route'],
    ['after its claim', 'health'],
    ['before it names the slot', 'ensure slot'],
  ])('%s, and wakes after the slot was destroyed, does not bring it back', async (_when, which) => {
    if (which === 'ensure slot') {
      await world.environment('c', { master: { ...MASTER, host: 'new.example.test' } });
    }
    const { session, asleep, wake } = sleeperIn(world, which);
    const promotion = errorOf(promote(session, { slot: 'master', environment: C }));
    await world.run(asleep);
    await world.run(rollback(world.process(), { slot: 'master' }));
    expect(await end()).toMatchObject({ wasGone: false });
    wake();
    expect(await world.run(promotion)).toMatchObject({ code: 'superseded' });
    expect(world.cloud.slots.has('master')).toBe(false);
    expect(await world.slot()).toHaveProperty('destroyed');
    await expectRest();
  });

  test('before its claim, and wakes after the slot was destroyed, makes it not anew', async () => {
    const { session, asleep, wake } = sleeperIn(world, 'put');
    const promotion = errorOf(promote(session, { slot: 'master', environment: C }));
    await world.run(asleep);
    await end();
    wake();
    expect(await world.run(promotion)).toMatchObject({ code: 'superseded' });
    expect(world.cloud.slots.has('master')).toBe(false);
    await expectRest();
  });

  test.each([
    ['version', 'destroy slot'],
    ['version', 'read slot'],
    ['value', 'destroy slot'],
  ] as const)(
    'while it destroys a slot (%s, %s), takes nothing from the one that was made anew',
    async (kind, which) => {
      await prepare({}, {}, kind);
      const { session, asleep, wake } = sleeperIn(world, which, which === 'read slot' ? 2 : 1);
      const first = errorOf(destroySlot(session, { slot: 'master' }));
      await world.run(asleep);
      expect(await world.run(resumeOther(world.process()))).toBeUndefined();
      expect(await world.slot()).toHaveProperty('destroyed');
      await world.run(promote(world.process(), { slot: 'master', environment: B }));
      wake();
      expect(await world.run(first)).toMatchObject({ code: 'superseded' });
      expect(world.cloud.live('master')).toEqual([`${B}-1`]);
      expect(await world.slot()).toMatchObject({ head: B, generation: 4 });
      await expectRest();
    },
  );
});

test('two who destroy it at once both find it gone', async () => {
  const ends = await world.run(
    Promise.all([1, 2].map(() => errorOf(destroySlot(world.process(), { slot: 'master' })))),
  );
  expect(ends).toContainEqual(expect.objectContaining({ wasGone: false }));
  for (const one of ends) expect(one).not.toMatchObject({ code: 'internal' });
  expect(await end()).toMatchObject({ wasGone: true });
  await expectRest();
});

test.each([0, 1, 2, 3, 4, 5, 6])('a promotion and its end at once leave either, whole (%i)', async (later) => {
  const promotion = errorOf(promote(world.process(), { slot: 'master', environment: C }));
  const ending = world.clock
    .sleep(later / 4, new AbortController().signal)
    .then(() => destroySlot(world.process(), { slot: 'master' }));
  await world.run(Promise.all([promotion, errorOf(ending)]));
  const { head, destroyed } = await world.slot();
  expect([head, destroyed !== undefined]).toEqual(destroyed ? [undefined, true] : [C, false]);
  await expectRest();
});

test('what was made at the router after its end is collected', async () => {
  const { spec } = await world.slot();
  await end();
  if (!spec) throw new Error('it had no names');
  await world.cloud.router(async (_what, act) => act()).ensure(spec, testCall());
  const items = await world.run(collectGarbage(world.process(), { dryRun: false }));
  expect(items).toContainEqual(expect.objectContaining({ id: 'slot master', done: true }));
  expect(world.cloud.slots.has('master')).toBe(false);
  expect(await world.slot()).toMatchObject({ generation: 3 });
  await expectRest();
});
