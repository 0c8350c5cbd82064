import { expect, test } from '@jest/globals';
import { destroyEnvironment } from '../environment/destroy.ts';
import { collectGarbage } from '../environment/gc.ts';
import { ProviderError } from '../provider/error.ts';
import { collectPins } from '../slot/collect.ts';
import { promote } from '../slot/promote.ts';
import { rollback } from '../slot/rollback.ts';
import type { Deal } from '../slot/testing/deal.ts';
import { World } from '../slot/testing/world.ts';
import { memoryStore } from '../state/memory.ts';
import { testCall } from '../state/testing/call.ts';
import { rebuildState } from './rebuild.ts';
import { keysOf, rebuild, writtenOf } from './testing/lost.ts';

const SLOTS = { master: { standbys: 2, drain: { requests: '0s', ws: '0s' } } };
const DB = { db: { command: 'node db.js', volumes: { data: 'data' } } };
const [A = '', B = ''] = Array.from('ab', (letter) => letter.repeat(12));

/** A shop whose slot serves b, with a on standby, and whose environments have data. */
async function lostShop(): Promise<World> {
  const world = new World();
  for (const letter of 'ab') await world.environment(letter, SLOTS, DB, { data: {} });
  for (const environment of [A, B]) await world.run(promote(world.process(), { slot: 'master', environment }));
  world.loseState();
  return world;
}
const ALL = [
  `env/${A}`,
  `env/${B}`,
  'release/master/0000000003',
  'slot/master',
  `volume/${A}-1-data`,
  `volume/${B}-1-data`,
];

test('a dry run tells what a rebuild then writes, and writes nothing', async () => {
  const world = await lostShop();
  const planned = await rebuild(world, undefined, true);
  expect(await keysOf(world)).toEqual([]);
  const items = await rebuild(world);
  expect(items.map(({ type, id }) => ({ type, id }))).toEqual(planned.map(({ type, id }) => ({ type, id })));
  expect(new Set(planned.map(({ state }) => state))).toEqual(new Set(['planned']));
  expect(await keysOf(world)).toEqual(ALL);
  expect(new Set((await rebuild(world, undefined, true)).map(({ state }) => state))).toEqual(new Set(['there']));
});

test('documents that are there stay as they are', async () => {
  const world = await lostShop();
  await rebuild(world);
  const { environments } = world.documents;
  await environments.update(A, (now) => ({ ...now, subject: 'mine' }), testCall());
  const found = await world.documents.volumes.get(`${B}-1-data`, testCall());
  if (found) await world.documents.volumes.delete(found, testCall());
  expect(writtenOf(await rebuild(world))).toEqual([`volume ${B}-1-data`]);
  expect((await world.environmentDocument(A)).subject).toBe('mine');
});

test('records of an environment are known again, and go with it', async () => {
  const world = new World();
  const record = { name: 'a.example.test', type: 'CNAME', ttlSeconds: 60, values: ['lb2.cloud.test'] } as const;
  world.cloud.recordsOf = () => [record];
  await world.environment('a', SLOTS);
  world.dns.sets.push(record);
  world.loseState();
  await rebuild(world);
  expect((await world.environmentDocument(A)).records).toEqual([record]);
  await world.run(destroyEnvironment(world.process(), A));
  expect(world.dns.sets).toEqual([]);
});

test('one document that can’t be read is told, and nothing is written', async () => {
  const world = await lostShop();
  await world.store.put(`env/${B}`, 'not a document', null, testCall());
  await expect(rebuild(world)).rejects.toMatchObject({
    code: 'internal',
    detail: { hint: expect.stringContaining('state rebuild') },
  });
  expect(await keysOf(world)).toEqual([`env/${B}`]);
});

test.each(['list environments', 'list slots', 'list volumes', 'list snapshots'])(
  'when %s is denied nothing is written, and the error is told as it is',
  async (what) => {
    const world = await lostShop();
    const deal: Deal = async (doing, act) => {
      if (doing === what) throw new ProviderError('denied', 'you may not');
      return act();
    };
    await expect(rebuild(world, deal)).rejects.toMatchObject({ code: 'denied' });
    expect(await keysOf(world)).toEqual([]);
  },
);

test('killed after any of its writes it is finished by the next, and what comes by in between destroys nothing', async () => {
  for (let survives = 0; ; survives++) {
    const world = await lostShop();
    let puts = 0;
    const deal: Deal = async (doing, act) => {
      if (doing === 'put' && puts++ >= survives) throw new Error('killed');
      return act();
    };
    const isKilled = await rebuild(world, deal).then(
      () => false,
      () => true,
    );
    const session = world.process();
    await world.run(collectPins(session));
    await world.run(collectGarbage(session, { dryRun: false }));
    if (!(await world.slotOrNone('master')))
      await expect(world.run(promote(session, { slot: 'master', environment: A }))).rejects.toBeInstanceOf(
        ProviderError,
      );
    if (!isKilled) break;
    await rebuild(world);
    expect(world.cloud.running.size).toBe(2);
    expect([...world.storage.volumes.keys()]).toEqual([`${A}-1-data`, `${B}-1-data`]);
    expect((await keysOf(world)).filter((key) => !key.startsWith('op/'))).toEqual(ALL);
    expect(await world.slot()).toMatchObject({ head: B, standbys: [A], generation: 3 });
    expect(Object.keys((await world.environmentDocument(A)).pins)).toEqual(['master']);
  }
});

test('two at once write the same', async () => {
  const world = await lostShop();
  const options = { dryRun: false, openCommits: () => Promise.resolve(world.commits()) };
  await world.run(Promise.all([rebuildState(world.process(), options), rebuildState(world.process(), options)]));
  expect(await keysOf(world)).toEqual(ALL);
  expect(await world.slot()).toMatchObject({ head: B, standbys: [A], generation: 3 });
  await world.run(rollback(world.process(), { slot: 'master' }));
});

test('an environment whose commit is not found is listed, kept for its slot, refused where it would have to be known, and destroyed', async () => {
  const world = await lostShop();
  world.configs.delete('a'.repeat(40));
  const items = await rebuild(world);
  expect(items.find(({ id }) => id === A)?.unknown[0]?.what).toContain('there is no commit');
  expect(await world.environmentDocument(A)).toMatchObject({ phase: 'ready', commit: 'a'.repeat(40) });
  const slot = { slot: 'master' };
  await expect(world.run(promote(world.process(), { ...slot, environment: A }))).rejects.toMatchObject({
    code: 'refused',
    message: expect.stringContaining('there is no commit'),
  });
  await expect(world.run(rollback(world.process(), slot))).rejects.toMatchObject({
    code: 'unhealthy',
    message: expect.stringContaining('there is no commit'),
  });
  await expect(world.run(destroyEnvironment(world.process(), A))).rejects.toMatchObject({ code: 'refused' });
  await world.run(destroyEnvironment(world.process(), A, { force: 'master' }));
  expect([...world.cloud.running.keys()]).toEqual([`${B}-1`]);
});

test('what was being made or destroyed is finished by gc, and an incarnation is never used again', async () => {
  const world = new World();
  for (const letter of 'ab') await world.environment(letter);
  const b = world.cloud.running.get(`${B}-1`);
  if (b) world.cloud.running.set(`${B}-3`, { ...b, id: `${B}-3` });
  world.cloud.phases.set(`${A}-1`, 'destroying').set(`${B}-3`, 'creating');
  world.loseState();
  await rebuild(world);
  expect(await world.environmentDocument(A)).toMatchObject({ phase: 'destroying', incarnation: 1 });
  expect(await world.environmentDocument(B)).toMatchObject({ phase: 'failed', incarnation: 3 });
  await world.run(collectGarbage(world.process(), { dryRun: false }));
  expect([...world.cloud.running.keys()]).toEqual([]);
  expect(await world.environmentDocument(B)).toMatchObject({ phase: 'gone', incarnation: 3 });
});

test('what a slot leads to is ready, also while it is just started again', async () => {
  const world = await lostShop();
  world.cloud.phases.set(`${A}-1`, 'creating');
  await rebuild(world);
  expect(await world.environmentDocument(A)).toMatchObject({ phase: 'ready' });
});

test('data that is left of an environment tells how often there was one', async () => {
  const world = new World();
  await world.environment('a', SLOTS, DB, { data: {} });
  world.cloud.running.clear();
  world.loseState();
  await rebuild(world);
  expect(await world.environmentDocument(A)).toMatchObject({ phase: 'gone', incarnation: 1 });
});

test('a store that is away is no empty one', async () => {
  const world = await lostShop();
  const away = (): never => {
    throw new ProviderError('unavailable', 'the store is away');
  };
  world.store = { ...memoryStore(), list: away };
  await expect(rebuild(world)).rejects.toMatchObject({ code: 'unavailable' });
});
