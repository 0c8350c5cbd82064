import { describe, expect, test } from '@jest/globals';
import { ProviderError } from '../provider/error.ts';
import { promote } from './promote.ts';
import { rollback } from './rollback.ts';
import { World } from './testing/world.ts';
import { newestReleases } from './show.ts';
import { approve, unpin } from './upkeep.ts';

const A = 'a'.repeat(12);
const B = 'b'.repeat(12);
const C = 'c'.repeat(12);
const D = 'd'.repeat(12);

async function worldWith(letters: string, slots: object = { master: { standbys: 2 } }): Promise<World> {
  const world = new World();
  for (const letter of letters) await world.environment(letter, slots);
  return world;
}

const codeOf = (error: unknown): string => (ProviderError.is(error) ? error.code : String(error));

describe('the whole story', () => {
  test('promotions keep standbys, rollbacks go further back and reject, and promoting on purpose lets automatic ones go on', async () => {
    const world = await worldWith('abcd');
    const session = world.process();
    const to = (environment: string) => world.run(promote(session, { slot: 'master', environment }));
    expect(await to(A)).toMatchObject({ existed: false, kind: 'promote', slot: { generation: 1 } });
    const second = await to(B);
    expect(second).toMatchObject({
      from: { environment: A },
      to: { environment: B },
      undo: 'clusternator rollback master',
    });
    expect(second.slot.standbys.map(({ environment }) => environment)).toEqual([A]);
    await to(C);
    expect(await world.slot()).toMatchObject({ head: C, standbys: [B, A], generation: 3 });
    expect(world.cloud.live('master')).toEqual([`${C}-1`]);

    const back = await world.run(rollback(session, { slot: 'master' }));
    expect(back).toMatchObject({ from: { environment: C }, to: { environment: B } });
    expect(await world.slot()).toMatchObject({ head: B, standbys: [A], rejected: [{ environment: C }], pinned: {} });
    await world.run(rollback(session, { slot: 'master' }));
    expect(await world.slot()).toMatchObject({ head: A, standbys: [], generation: 5 });
    await expect(world.run(rollback(session, { slot: 'master' }))).rejects.toMatchObject({ code: 'refused' });
    await expect(
      world.run(promote(session, { slot: 'master', environment: D, automatic: true })),
    ).rejects.toMatchObject({ code: 'refused' });
    await unpin(session, 'master');
    expect(
      await world.run(promote(session, { slot: 'master', environment: D, automatic: true, allowOlder: true })),
    ).toMatchObject({ slot: { generation: 6 } });
    const releases = await newestReleases(session, await world.slot(), { limit: 10 });
    expect(releases.map(({ environment, kind }) => `${environment.slice(0, 1)} ${kind}`)).toEqual([
      'd promote',
      'a rollback',
      'b rollback',
      'c promote',
      'b promote',
      'a promote',
    ]);
  });

  test('nothing is built, and nothing that the slot lets go stays pinned', async () => {
    const world = await worldWith('abcd', { master: { standbys: 1, drain: { requests: '0s', ws: '0s' } } });
    const session = world.process();
    for (const environment of [A, B, C, D]) await world.run(promote(session, { slot: 'master', environment }));
    const pins = await Promise.all(
      [A, B, C, D].map(async (id) => Object.keys((await world.environmentDocument(id)).pins)),
    );
    expect(pins).toEqual([[], [], ['master'], ['master']]);
    expect(world.cloud.running.size).toBe(4);
  });

  test('what is the head already is left as it is', async () => {
    const world = await worldWith('a');
    const session = world.process();
    await world.run(promote(session, { slot: 'master', environment: A }));
    const before = world.cloud.served.length;
    expect(await world.run(promote(session, { slot: 'master', environment: A }))).toMatchObject({ existed: true });
    expect(world.cloud.served).toHaveLength(before);
  });
});

describe('what a config says counts only from when it serves', () => {
  test.each(['before', 'after'])(
    'of how many standbys are kept, where the promotion fails %s traffic moved',
    async (when) => {
      const world = await worldWith('abc', { master: { standbys: 2, drain: { requests: '7s', ws: '0s' } } });
      await world.environment('d', { master: { standbys: 0, stages: '50@10s,100' } });
      const session = world.process();
      for (const environment of [A, B, C]) await world.run(promote(session, { slot: 'master', environment }));
      const before = await world.slot();
      if (when === 'before') world.cloud.sick.set(`${D}-1`, () => 'no');
      const end = promote(session, { slot: 'master', environment: D }).then(() => 'done', codeOf);
      await world.clock.pass(3);
      world.cloud.sick.set(`${D}-1`, () => 'no');
      expect(await world.run(end)).toBe(when === 'before' ? 'unhealthy' : 'reverted');
      const { retain, drainSeconds, keeping } = await world.slot();
      expect({ retain, drainSeconds, keeping }).toEqual({ retain: 2, drainSeconds: 7, keeping: undefined });
      expect(await world.slot()).toMatchObject({ head: C, standbys: before.standbys });
      await world.run(rollback(session, { slot: 'master' }));
      expect(await world.slot()).toMatchObject({ head: B, standbys: [A] });
    },
  );
});

test('a slot that serves does not change its mechanism, and goes on by the one that it has', async () => {
  const world = await worldWith('ac');
  await world.environment('b', { master: { host: 'www.shop.test', mechanism: 'dns' } });
  const session = world.process();
  await world.run(promote(session, { slot: 'master', environment: A }));
  const before = await world.slot();
  await expect(world.run(promote(session, { slot: 'master', environment: B }))).rejects.toMatchObject({
    code: 'refused',
    detail: { path: 'slots.master.mechanism', hint: expect.stringContaining('mechanism: router') },
  });
  expect(await world.slot()).toEqual(before);
  expect(world.cloud.live('master')).toEqual([`${A}-1`]);
  await world.run(promote(session, { slot: 'master', environment: C }));
  expect(await world.slot()).toMatchObject({ head: C, mechanism: 'router' });
});

describe('the slot is untouched', () => {
  test.each<[string, (world: World) => void]>([
    ['its provider calls it unhealthy', (world) => world.cloud.sick.set(`${B}-1`, () => 'no')],
    [
      'it answers 404',
      (world) => {
        world.status = (host) => (host.startsWith('b') ? 404 : 200);
      },
    ],
    [
      'it flaps',
      (world) => {
        let n = 0;
        world.status = (host) => (host.startsWith('b') && n++ % 2 === 1 ? 500 : 200);
      },
    ],
    [
      'it does not run',
      (world) => {
        world.cloud.running.delete(`${B}-1`);
      },
    ],
  ])('when %s', async (_what, spoil) => {
    const world = await worldWith('ab');
    const session = world.process();
    await world.run(promote(session, { slot: 'master', environment: A }));
    const before = await world.slot();
    const served = world.cloud.served.length;
    spoil(world);
    await expect(world.run(promote(session, { slot: 'master', environment: B }))).rejects.toMatchObject({
      code: 'unhealthy',
    });
    expect(await world.slot()).toEqual({ ...before, epoch: before.epoch + 1 });
    expect(world.cloud.served).toHaveLength(served);
    expect((await world.environmentDocument(B)).pins).toEqual({});
  });

  test('when it turned bad while it waited for approval', async () => {
    const world = await worldWith('ab', { master: { approval: '1h' } });
    const session = world.process();
    const first = promote(session, { slot: 'master', environment: A });
    await world.clock.pass(10);
    await world.run(approve(session, 'master', {}));
    await world.run(first);
    const second = promote(world.process(), { slot: 'master', environment: B }).catch(codeOf);
    await world.clock.pass(100); // by then its proof is too old
    world.cloud.sick.set(`${B}-1`, () => 'no');
    await world.run(approve(world.process(), 'master', {}));
    expect(await world.run(second)).toBe('unhealthy');
    expect(world.cloud.live('master')).toEqual([`${A}-1`]);
  });

  test('when the generation is not the one that was seen', async () => {
    const world = await worldWith('ab');
    const session = world.process();
    await world.run(promote(session, { slot: 'master', environment: A }));
    await expect(
      world.run(promote(session, { slot: 'master', environment: B, ifGeneration: 0 })),
    ).rejects.toMatchObject({ code: 'conflict' });
  });

  test('when the routes were changed behind our back', async () => {
    const world = await worldWith('abc');
    const session = world.process();
    await world.run(promote(session, { slot: 'master', environment: A }));
    world.cloud.write('master', [{ handle: { id: `${C}-1` }, percent: 100 }], 'x');
    const error: unknown = await world.run(
      promote(session, { slot: 'master', environment: B }).catch((e: unknown) => e),
    );
    expect(codeOf(error)).toBe('drifted');
    expect(String(error)).toContain(A);
    expect(String(error)).toContain(C);
    expect(world.cloud.live('master')).toEqual([`${C}-1`]);
  });
});

describe('a head that turns bad', () => {
  test('while it bakes is left by itself, and rejected', async () => {
    const world = await worldWith('ab', { master: { bake: '60s' } });
    const session = world.process();
    await world.run(promote(session, { slot: 'master', environment: A }));
    const promotion = promote(session, { slot: 'master', environment: B });
    void promotion.catch(() => undefined);
    await world.clock.pass(10);
    expect(await world.slot()).toMatchObject({ kind: 'bake', head: B, standbys: [A] });
    const sickSince = world.clock.monotonicSeconds();
    world.cloud.sick.set(`${B}-1`, () => 'sick');
    await expect(world.run(promotion)).rejects.toMatchObject({ code: 'reverted' });
    expect(world.clock.monotonicSeconds() - sickSince).toBeLessThan(2.5); // two intervals of 1 s
    expect(await world.slot()).toMatchObject({ head: A, rejected: [{ environment: B }], standbys: [], generation: 3 });
    expect(world.cloud.live('master')).toEqual([`${A}-1`]);
  });

  test('the oldest standby is dropped only after the bake', async () => {
    const world = await worldWith('abc', { master: { bake: '60s', standbys: 1, drain: { requests: '0s', ws: '0s' } } });
    const session = world.process();
    for (const environment of [A, B]) await world.run(promote(session, { slot: 'master', environment }));
    const promotion = promote(session, { slot: 'master', environment: C });
    await world.clock.pass(10);
    expect(await world.slot()).toMatchObject({ head: C, standbys: [B, A] });
    await world.run(promotion);
    expect(await world.slot()).toMatchObject({ head: C, standbys: [B] });
    expect((await world.environmentDocument(A)).pins).toEqual({});
  });

  test('in a stage of a weighted promotion is left, and the head keeps its place', async () => {
    const world = await worldWith('ab', { master: { stages: '10@1m,50@1m,100' } });
    const session = world.process();
    await world.run(promote(session, { slot: 'master', environment: A }));
    const promotion = promote(session, { slot: 'master', environment: B });
    void promotion.catch(() => undefined);
    await world.clock.pass(70);
    expect(world.cloud.slots.get('master')?.routes).toEqual([
      { handle: { id: `${B}-1` }, percent: 50 },
      { handle: { id: `${A}-1` }, percent: 50 },
    ]);
    world.status = (host) => (host.startsWith('b') ? 500 : 200);
    await expect(world.run(promotion)).rejects.toMatchObject({ code: 'reverted' });
    expect(await world.slot()).toMatchObject({ head: A, generation: 1, rejected: [{ environment: B }] });
    expect(world.cloud.live('master')).toEqual([`${A}-1`]);
  });
});

test('twenty promotions at a time make a linear history', async () => {
  const letters = Array.from('0123456789abcdef');
  const world = await worldWith(letters.join(''), { master: { standbys: 20 } });
  const all = letters.map((letter) => promote(world.process(), { slot: 'master', environment: letter.repeat(12) }));
  const ends = await world.run(Promise.allSettled(all));
  const won = ends.filter(({ status }) => status === 'fulfilled').length;
  const codes = new Set(ends.flatMap((end) => (end.status === 'rejected' ? [codeOf(end.reason)] : [])));
  expect(won).toBeGreaterThan(0);
  expect([...codes].every((code) => code === 'conflict' || code === 'superseded')).toBe(true);
  const slot = await world.slot();
  expect(slot).toMatchObject({ generation: won });
  expect(slot.owner).toBeUndefined();
  expect(world.cloud.live('master')).toEqual([`${slot.head ?? ''}-1`]);
  const releases = await newestReleases(world.process(), slot, { limit: 100 });
  expect(releases).toHaveLength(won);
  releases.forEach((release, at) => expect(release.from).toBe(releases[at + 1]?.environment));
});
