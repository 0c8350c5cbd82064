import { expect, test } from '@jest/globals';
import { collectGarbage } from '../environment/gc.ts';
import { destroyEnvironment } from '../environment/destroy.ts';
import { adopt, repair, unpin } from '../slot/upkeep.ts';
import { promote } from '../slot/promote.ts';
import { rollback } from '../slot/rollback.ts';
import { newestReleases } from '../slot/show.ts';
import { World } from '../slot/testing/world.ts';
import { testCall } from '../state/testing/call.ts';
import { rebuild, writtenOf } from './testing/lost.ts';

const SLOTS = { master: { standbys: 2, drain: { requests: '0s', ws: '0s' } } };
const [A = '', B = '', C = '', D = ''] = Array.from('abcd', (letter) => letter.repeat(12));

async function shop(): Promise<World> {
  const world = new World();
  for (const letter of 'abcd') await world.environment(letter, SLOTS);
  return world;
}
const go = (world: World, environment: string) => world.run(promote(world.process(), { slot: 'master', environment }));
const back = (world: World) => world.run(rollback(world.process(), { slot: 'master' }));
const pinsOf = async (world: World, id: string) => Object.keys((await world.environmentDocument(id)).pins);

const STORY: readonly ((world: World) => Promise<unknown>)[] = [
  (world) => go(world, A),
  (world) => go(world, B),
  (world) => go(world, C),
  back,
  (world) => go(world, D),
  back,
  back,
  (world) => go(world, C),
];

test.each(STORY.map((_, at) => at + 1))(
  'after the loss at step %i of its life a slot goes on as before',
  async (steps) => {
    const world = await shop();
    for (const step of STORY.slice(0, steps)) await step(world);
    const before = await world.slot();
    world.loseState();
    const items = await rebuild(world);
    const after = await world.slot();
    expect({ head: after.head, standbys: after.standbys, spec: after.spec, retain: after.retain }).toEqual({
      head: before.head,
      standbys: before.standbys,
      spec: before.spec,
      retain: before.retain,
    });
    expect(after.generation).toBeGreaterThan(before.generation);
    expect(writtenOf(items)).toEqual([A, B, C, D].map((id) => `environment ${id}`).concat('slot master'));
    for (const id of [before.head ?? '', ...before.standbys]) expect(await pinsOf(world, id)).toEqual(['master']);
    expect(writtenOf(await rebuild(world))).toEqual([]);

    for (const step of STORY.slice(steps)) await step(world);
    const end = await world.slot();
    expect({ head: end.head, standbys: end.standbys }).toEqual({ head: C, standbys: [A] });
    const releases = await newestReleases(world.process(), end, { limit: 100 });
    expect(releases.map(({ generation }) => generation)).toEqual(releases.map((_, at) => end.generation - at));
  },
);

test('what a slot uses is kept by gc, the rest as before', async () => {
  const world = await shop();
  await go(world, A);
  await go(world, B);
  world.loseState();
  await rebuild(world);
  expect(await world.run(collectGarbage(world.process(), { dryRun: false, max: 1 }))).toEqual(
    [C, D].map((id) => ({ id, type: 'environment', why: 'more than the 1 of environments.max', done: true })),
  );
  await expect(world.run(destroyEnvironment(world.process(), A))).rejects.toMatchObject({ code: 'refused' });
  expect((await back(world)).slot.head?.environment).toBe(A);
});

test('before a rebuild gc destroys nothing that no document tells of, and says what to do', async () => {
  const world = await shop();
  await go(world, A);
  world.loseState();
  const items = await world.run(collectGarbage(world.process(), { dryRun: false }));
  expect(items.map(({ id, type, done }) => ({ id, type, done }))).toEqual(
    [A, B, C, D].map((id) => ({ id, type: 'orphan', done: false })),
  );
  expect(items[0]?.why).toContain('state rebuild');
  expect(world.cloud.running.size).toBe(4);
});

test('a head whose environment was made anew before the rebuild is destroyed by nobody', async () => {
  const world = await shop();
  await go(world, A);
  const first = world.cloud.running.get(`${A}-1`);
  if (first) world.cloud.running.set(`${A}-3`, { ...first, id: `${A}-3` });
  world.cloud.write('master', [{ handle: { id: `${A}-3` }, percent: 100 }], '1');
  world.loseState();
  await world.documents.environments.put(A, world.documentFor('a', SLOTS), null, testCall());
  await rebuild(world);
  await world.run(collectGarbage(world.process(), { dryRun: false }));
  expect(world.cloud.running.has(`${A}-3`)).toBe(true);
});

test('automatic promotions are held until somebody says otherwise', async () => {
  const world = await shop();
  await go(world, A);
  world.loseState();
  await rebuild(world);
  const automatic = { slot: 'master', environment: B, automatic: true, allowOlder: true };
  await expect(world.run(promote(world.process(), automatic))).rejects.toMatchObject({ code: 'refused' });
  await world.run(unpin(world.process(), 'master'));
  expect((await world.run(promote(world.process(), automatic))).slot.head?.environment).toBe(B);
});

test('of a split the larger share is the head, nothing is routed, and repair ends the split', async () => {
  const world = await shop();
  await go(world, A);
  await go(world, B);
  const handle = (id: string) => ({ id: `${id}-1` });
  const routes = [
    { handle: handle(C), percent: 30 },
    { handle: handle(B), percent: 70 },
    { handle: handle(A), percent: 0 },
  ];
  world.cloud.write('master', routes, '7');
  world.loseState();
  const items = await rebuild(world);
  expect(world.cloud.slots.get('master')?.routes).toEqual(routes);
  const slot = items.find(({ type }) => type === 'slot');
  expect(slot?.unknown[0]).toMatchObject({
    what: expect.stringContaining('30 %'),
    hint: expect.stringContaining('repair'),
  });
  expect(await world.slot()).toMatchObject({ head: B, standbys: [C, A], epoch: 8, generation: 8 });
  await expect(go(world, D)).rejects.toMatchObject({ code: 'drifted' });
  await world.run(repair(world.process(), 'master'));
  expect(world.cloud.live('master')).toEqual([`${B}-1`]);
  await go(world, D);
});

test('a slot that leads to nobody known is written down so, and what to do is for a person', async () => {
  const world = await shop();
  await go(world, A);
  world.cloud.write('master', [{ handle: { id: 'somebody-else' }, percent: 100 }], '1');
  world.loseState();
  const items = await rebuild(world);
  expect(items.find(({ type }) => type === 'slot')?.unknown[0]?.what).toContain('unknown environment');
  expect((await world.slot()).head).toBeUndefined();
  await expect(go(world, B)).rejects.toMatchObject({ code: 'drifted' });
  await expect(world.run(adopt(world.process(), 'master', {}))).rejects.toMatchObject({ code: 'not-found' });
});

test('a slot by DNS is found by the names that the configs of its environments give it', async () => {
  const world = new World();
  const slots = { master: { mechanism: 'dns', host: 'www.example.test', standbys: 1 } };
  for (const letter of 'abc') await world.environment(letter, slots);
  for (const environment of [A, B]) await go(world, environment);
  const before = await world.slot();
  world.loseState();
  await rebuild(world);
  const after = await world.slot();
  expect(after).toMatchObject({
    head: B,
    standbys: [A],
    mechanism: 'dns',
    spec: before.spec,
    provider: before.provider,
  });
  expect(after.generation).toBeGreaterThan(before.generation);
  await world.run(collectGarbage(world.process(), { dryRun: false }));
  await back(world);
  await go(world, C);
  expect(world.dns.lookUp('www.example.test')).toEqual(['127.64.0.99']);
  expect(writtenOf(await rebuild(world))).toEqual([]);
});

test('where a router keeps no stamp, generations still only rise', async () => {
  const world = new World('blind');
  for (const letter of 'ab') await world.environment(letter, SLOTS);
  await go(world, A);
  await go(world, B);
  const before = await world.slot();
  world.loseState();
  await rebuild(world);
  expect((await world.slot()).generation).toBeGreaterThan(before.generation);
  expect((await back(world)).slot.head?.environment).toBe(A);
  const releases = await newestReleases(world.process(), await world.slot(), { limit: 100 });
  expect(releases.map(({ kind }) => kind)).toEqual(['rollback', 'adopt']);
});
