import { afterEach, describe, expect, test } from '@jest/globals';

import { eventually, get } from './http.ts';
import { SlotApp } from './slot-app.ts';

let app: SlotApp;
afterEach(async () => app[Symbol.asyncDispose]());

/** The slot as it was before, to the last detail that a visitor or the next command could see. */
async function untouched(before: Awaited<ReturnType<SlotApp['show']>>): Promise<void> {
  const { generation, head, standbys, rejected, state, drift } = await app.show();
  expect({ generation, state, drift, head: head?.environment, rejected }).toEqual({
    ...{ generation: before.generation, state: 'idle', drift: undefined, rejected: before.rejected },
    head: before.head?.environment,
  });
  expect(standbys.map(({ environment }) => environment)).toEqual(before.standbys.map(({ environment }) => environment));
}

describe('a candidate that is not fit leaves the slot as it was', () => {
  test('because it turned bad, flaps, or answers 404', async () => {
    app = await SlotApp.open();
    const a = await app.create('a');
    await app.move('promote', a.id, 'master');
    const before = await app.show();
    for (const how of ['bad', 'flapping', 'lost'] as const) {
      const candidate = await app.create(how);
      await app.turn(how, how);
      const { outcome, error } = await app.try('promote', candidate.id, 'master');
      expect({ how, exit: outcome.code, code: error?.code }).toEqual({ how, exit: 5, code: 'unhealthy' });
      expect(error?.message).toContain(candidate.id);
      await untouched(before);
      await app.sandbox.destroy(candidate.id);
    }
    expect(await app.version(before.url)).toBe('a');
  }, 180_000);

  test("because with the slot's own settings it is ill, or does not start in time", async () => {
    app = await SlotApp.open({ slot: 'standbys: 1, env: { MODE: live }' });
    const a = await app.create('a');
    const { slot, to } = await app.move('promote', a.id, 'master');
    expect(to.environment).toMatch(new RegExp(`^${a.id}@master\\.[0-9a-f]{4,}$`));
    expect(JSON.parse((await get(slot.url)).body)).toMatchObject({ version: 'a', mode: 'live' });
    expect(JSON.parse((await get(a.url)).body)).toMatchObject({ version: 'a', mode: null });
    const before = await app.show();
    for (const version of ['ill-when-live', 'slow-when-live']) {
      const candidate = await app.create(version);
      const { outcome, error } = await app.try('promote', candidate.id, 'master');
      expect({ version, exit: outcome.code, error }).toMatchObject({ version, exit: 5 });
      await untouched(before);
      expect(JSON.parse((await get(slot.url)).body)).toMatchObject({ version: 'a', mode: 'live' });
    }
    expect(await app.builds()).toEqual(['a', 'ill-when-live', 'slow-when-live']);
  }, 180_000);
});

test('a head that turns bad while it bakes is turned back by itself, and rejected', async () => {
  app = await SlotApp.open();
  const a = await app.create('a');
  const b = await app.create('b');
  const { slot } = await app.move('promote', a.id, 'master');
  const promotion = app.try('promote', b.id, 'master', '--bake', '10m');
  await eventually(async () => expect((await app.show()).state).toBe('baking'));
  expect(await app.version(slot.url)).toBe('b');
  await app.turn('b', 'bad');
  const { outcome, error } = await promotion;
  expect({ exit: outcome.code, code: error?.code }).toEqual({ exit: 6, code: 'reverted' });
  expect(await app.version(slot.url)).toBe('a');
  expect(await app.show()).toMatchObject({
    ...{ state: 'idle', generation: 3, head: { environment: a.id }, standbys: [] },
    rejected: [{ environment: b.id }],
    pinned: { why: expect.stringContaining(b.id) },
  });
  expect((await app.releases()).map(({ kind }) => kind)).toEqual(['revert', 'promote', 'promote']);
}, 120_000);

test('while a promotion is staged both answer in their shares, and the standby host stays', async () => {
  app = await SlotApp.open();
  const a = await app.create('a');
  const b = await app.create('b');
  const { slot } = await app.move('promote', a.id, 'master');
  const promotion = app.try('promote', b.id, 'master', '--stages', '10@4s,100');
  await eventually(async () => expect((await app.show()).traffic).toHaveLength(2));
  const versions: string[] = [];
  for (let one = 0; one < 50; one += 1) versions.push(await app.version(slot.url));
  expect(versions.filter((version) => version === 'b')).toHaveLength(5);
  expect((await promotion).outcome.code).toBe(0);
  expect(await app.version(slot.url)).toBe('b');
}, 120_000);

describe('a rollback', () => {
  test('to a standby that is not healthy stops, and offers the next', async () => {
    app = await SlotApp.open();
    const [a, b, c] = [await app.create('a'), await app.create('b'), await app.create('c')];
    for (const { id } of [a, b, c]) await app.move('promote', id, 'master');
    const before = await app.show();
    await app.turn('b', 'bad');
    const { outcome, error } = await app.try('rollback', 'master');
    expect({ exit: outcome.code, code: error?.code }).toEqual({ exit: 5, code: 'unhealthy' });
    expect(error?.hint).toContain('clusternator rollback master --to master.2');
    await untouched(before);
    const { slot } = await app.move('rollback', 'master', '--to', 'master.2');
    expect(slot.head?.environment).toBe(a.id);
    expect(await app.version(slot.url)).toBe('a');
  }, 120_000);
});

test('what runs on the head alone follows it', async () => {
  app = await SlotApp.open({ worker: true });
  const [a, b] = [await app.create('a'), await app.create('b')];
  await app.move('promote', a.id, 'master');
  expect(await app.working()).toEqual(['a']);
  await app.move('promote', b.id, 'master');
  expect(await app.working()).toEqual(['b']);
  await app.move('rollback', 'master');
  expect(await app.working()).toEqual(['a']);
}, 120_000);
