import { expect, test } from '@jest/globals';
import { promote } from './promote.ts';
import { rollback } from './rollback.ts';
import { repair } from './upkeep.ts';
import { World } from './testing/world.ts';

const A = 'a'.repeat(12);
const B = 'b'.repeat(12);
const ADDRESS = { a: '127.64.0.97', b: '127.64.0.98', c: '127.64.0.99' };
const HOST = 'www.example.test';
const SLOTS = { master: { mechanism: 'dns', host: HOST, standbys: 1 } };

async function worldByDns(): Promise<World> {
  const world = new World();
  for (const letter of 'abc') await world.environment(letter, SLOTS);
  return world;
}

test('a slot by DNS moves its records in one conditional change, with its standbys and its stamp', async () => {
  const world = await worldByDns();
  const session = world.process();
  await world.run(promote(session, { slot: 'master', environment: A }));
  expect(world.dns.lookUp(HOST)).toEqual([ADDRESS.a]);
  await world.run(promote(session, { slot: 'master', environment: B }));
  expect(world.dns.lookUp(HOST)).toEqual([ADDRESS.b]);
  expect(world.dns.lookUp('master-1--shop.example.test')).toEqual([ADDRESS.a]);
  expect(world.dns.sets.every(({ ttlSeconds }) => ttlSeconds === 30)).toBe(true);
  const { epoch } = await world.slot();
  expect(world.dns.sets.find(({ name }) => name === `_clusternator.${HOST}`)?.values[0]).toContain(
    `stamp=${String(epoch)} `,
  );
  await world.run(rollback(session, { slot: 'master' }));
  expect(world.dns.lookUp(HOST)).toEqual([ADDRESS.a]);
  expect(world.dns.lookUp('master-1--shop.example.test')).toEqual([]);
});

test('a record that was changed by hand is drift, and repaired when asked to', async () => {
  const world = await worldByDns();
  const session = world.process();
  await world.run(promote(session, { slot: 'master', environment: A }));
  world.dns.sets = world.dns.sets.map((set) => (set.name === HOST ? { ...set, values: [ADDRESS.c] } : set));
  await expect(world.run(promote(session, { slot: 'master', environment: B }))).rejects.toMatchObject({
    code: 'drifted',
  });
  expect(world.dns.lookUp(HOST)).toEqual([ADDRESS.c]);
  await world.run(repair(session, 'master'));
  expect(world.dns.lookUp(HOST)).toEqual([ADDRESS.a]);
});

test("somebody else's record is left alone", async () => {
  const world = await worldByDns();
  world.dns.sets.push({ name: HOST, ttlSeconds: 300, type: 'A', values: ['192.0.2.1'] });
  await expect(world.run(promote(world.process(), { slot: 'master', environment: A }))).rejects.toMatchObject({
    code: 'owned-by-other',
  });
  expect(world.dns.lookUp(HOST)).toEqual(['192.0.2.1']);
  expect((await world.slot()).owner).toBeUndefined();
});

test('who still has the old answer is served: a head that is let go stays for an hour', async () => {
  const world = new World();
  for (const letter of 'ab') await world.environment(letter, { master: { ...SLOTS.master, standbys: 0 } });
  const session = world.process();
  for (const environment of [A, B]) await world.run(promote(session, { slot: 'master', environment }));
  const slot = await world.slot();
  expect(slot).toMatchObject({ head: B, standbys: [], draining: [{ environment: A }] });
  expect(Date.parse(slot.draining[0]?.until ?? '') - world.clock.now().getTime()).toBeGreaterThan(3590 * 1000);
  expect((await world.environmentDocument(A)).pins).toHaveProperty('master');
});

test('a record that is removed by hand while a head bakes is drift, also then', async () => {
  const world = await worldByDns();
  await world.run(promote(world.process(), { slot: 'master', environment: A }));
  const baking = promote(world.process(), { slot: 'master', environment: B, bakeSeconds: 60 }).then(
    () => undefined,
    (error: unknown) => error,
  );
  await world.clock.pass(5);
  expect(world.dns.lookUp(HOST)).toEqual([ADDRESS.b]);
  world.dns.sets.splice(
    world.dns.sets.findIndex(({ name }) => name === HOST),
    1,
  );
  world.cloud.sick.set(`${B}-1`, () => 'ill');
  expect(await world.run(baking)).toMatchObject({ code: 'drifted' });
  expect(world.dns.lookUp(HOST)).toEqual([]);
});
