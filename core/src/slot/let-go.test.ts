import { expect, test } from '@jest/globals';
import { resumeOperation } from '../engine/operation.ts';
import { destroyEnvironment } from '../environment/destroy.ts';
import { collectPins } from './collect.ts';
import { promote } from './promote.ts';
import { rollback } from './rollback.ts';
import { checkAtRest, watchWorld } from './testing/invariants.ts';
import { Mortal, type Death } from './testing/mortal.ts';
import { World } from './testing/world.ts';
import { repair } from './upkeep.ts';
import { testCall } from '../state/testing/call.ts';

const [A = '', B = '', C = ''] = Array.from('abc', (letter) => letter.repeat(12));
const SLOT = { standbys: 2, drain: { requests: '0s', ws: '0s' } };
const FORCE = { force: 'master' };

/** @param heads - What was promoted, the head last. */
async function begin(heads: readonly string[] = [A, B, C]): Promise<World> {
  const world = new World();
  for (const letter of 'abc') await world.environment(letter, { master: SLOT, staging: SLOT });
  for (const environment of heads) await world.run(promote(world.process(), { slot: 'master', environment }));
  return world;
}
const failure = (work: Promise<unknown>): Promise<unknown> =>
  work.then(
    () => 'done',
    (error: unknown) => error,
  );
const routed = (world: World): unknown => world.cloud.slots.get('master')?.routes.map(({ handle }) => handle.id);

test('a standby is taken from its slot and destroyed: the routes are without it before it goes', async () => {
  const world = await begin();
  const { problems } = watchWorld(world);
  world.cloud.onDestroy = (id) => expect(routed(world)).not.toContain(id);
  await expect(world.run(destroyEnvironment(world.process(), A))).rejects.toMatchObject({
    code: 'refused',
    detail: { hint: expect.stringContaining(`env destroy ${A} --force master`) },
  });
  await world.run(destroyEnvironment(world.process(), A, FORCE));
  expect(await world.slot()).toMatchObject({ head: C, standbys: [B], generation: 3 });
  expect(routed(world)).toEqual([`${C}-1`, `${B}-1`]);
  expect(await world.environmentDocument(A)).toMatchObject({ phase: 'gone', pins: {} });
  expect([problems, await checkAtRest(world)]).toEqual([[], []]);
});

test('what was rejected goes as well, and automatic promotions stay held', async () => {
  const world = await begin();
  await world.run(rollback(world.process(), { slot: 'master' }));
  await world.run(destroyEnvironment(world.process(), C, FORCE));
  expect(await world.slot()).toMatchObject({ head: B, standbys: [A], rejected: [], pinned: {} });
  expect(await checkAtRest(world)).toEqual([]);
});

test.each<[string, (world: World) => Promise<unknown>, object]>([
  ['the head', (world) => destroyEnvironment(world.process(), C, FORCE), { code: 'refused' }],
  ['under another name', (world) => destroyEnvironment(world.process(), B, { force: 'staging' }), { code: 'refused' }],
  [
    'what another slot uses too',
    async (world) => {
      await promote(world.process(), { slot: 'staging', environment: B });
      return destroyEnvironment(world.process(), B, FORCE);
    },
    { code: 'refused', message: expect.stringContaining('staging') },
  ],
  [
    'where the routes are not ours',
    (world) => {
      world.cloud.write('master', [{ handle: { id: `${A}-1` }, percent: 100 }], 'x');
      return destroyEnvironment(world.process(), B, FORCE);
    },
    { code: 'drifted' },
  ],
])('not %s: all stays as it was', async (_what, destroy, error) => {
  const world = await begin();
  const before = await world.slot();
  expect(await world.run(failure(destroy(world)))).toMatchObject(error);
  expect(await world.slot()).toEqual(before);
  expect(world.cloud.running.size).toBe(3);
  for await (const { document } of world.documents.operations.list(testCall())) expect(document.endedAt).toBeDefined();
});

test('not while another operation owns the slot; what one left unfinished is finished first', async () => {
  const world = await begin([A, B]);
  const session = world.process();
  const baking = promote(session, { slot: 'master', environment: C, bakeSeconds: 60 });
  void baking.catch(() => undefined);
  await world.clock.pass(5);
  world.liveness.set(session.operations.identity.pid, 'alive');
  expect(await world.run(failure(destroyEnvironment(world.process(), A, FORCE)))).toMatchObject({ code: 'conflict' });
  expect(await world.slot()).toMatchObject({ kind: 'bake', standbys: [B, A] });
  await world.run(baking);
  await world.run(destroyEnvironment(world.process(), A, FORCE));
  expect(await world.slot()).toMatchObject({ head: C, standbys: [B] });
});

test('beside a repair, a promotion and another of its kind it takes nothing that is kept', async () => {
  const world = await begin();
  const { problems } = watchWorld(world);
  await world.run(
    Promise.allSettled([
      destroyEnvironment(world.process(), A, FORCE),
      destroyEnvironment(world.process(), B, FORCE),
      destroyEnvironment(world.process(), A, FORCE),
      repair(world.process(), 'master'),
      promote(world.process(), { slot: 'master', environment: A }),
    ]),
  );
  await world.run(collectPins(world.process()));
  expect([problems, await checkAtRest(world)]).toEqual([[], []]);
});

test.each(['is resumed', 'is asked for again'])('killed at each of its dealings, when it %s', async (next) => {
  const whole = new Mortal();
  const counting = await begin();
  await counting.run(destroyEnvironment(counting.process(whole.deal), A, FORCE));
  for (let at = 0; at < whole.dealings; at++) {
    for (const death of ['before', 'after'] satisfies Death[]) {
      const where = `${death} ${String(at)} (${whole.names[at] ?? ''})`;
      const world = await begin();
      const { problems } = watchWorld(world);
      const mortal = new Mortal(at, death);
      const ended = failure(destroyEnvironment(world.process(mortal.deal), A, FORCE));
      await world.run(Promise.race([ended, mortal.died.promise]));
      const session = world.process();
      if (next === 'is asked for again') await world.run(destroyEnvironment(session, A, FORCE));
      for await (const { document } of world.documents.operations.list(testCall())) {
        if (document.endedAt !== undefined) continue;
        const resumed = resumeOperation(session.operations, document.id).then((run) => session.carryOn(run));
        await world.run(failure(resumed));
      }
      if (next !== 'is resumed') await world.run(destroyEnvironment(session, A, FORCE).catch(() => undefined));
      await world.run(collectPins(session));
      expect([where, problems, await checkAtRest(world)]).toEqual([where, [], []]);
      for await (const { document } of world.documents.operations.list(testCall()))
        expect([where, document.kind, document.endedAt]).toEqual([where, document.kind, expect.any(String)]);
      if (next === 'is asked for again') expect((await world.environmentDocument(A)).phase).toBe('gone');
    }
  }
});
