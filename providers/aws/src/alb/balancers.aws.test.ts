import { DescribeTargetGroupsCommand } from '@aws-sdk/client-elastic-load-balancing-v2';
import { afterAll, afterEach, beforeAll, describe, expect, test } from '@jest/globals';
import type { Environment, Slot } from '@clusternator/core';
import type { EmulatorName } from '@clusternator/emulators/emulator';
import { actionOf, database, web, type Tenant } from '../ecs/testing/ecs-scene.ts';
import { openEnvironments } from '../ecs/open-environments.ts';
import { openMachines } from '../ec2/open-machines.ts';
import { interrupted, MOMENTS } from '../testing/interrupted.ts';
import { hostsOf } from './conditions.ts';
import { openBalancedScene, type BalancedScene } from './testing/balanced-scene.ts';

const BOTH = { web: web(), api: web({ route: '/api', port: 8081 }) };
const ofSlot = { slot: 'master' };

describe.each<EmulatorName>(['moto', 'ministack'])('containers on %s', (emulator) => {
  let scene: BalancedScene;
  let shop: Tenant;
  beforeAll(async () => {
    scene = await openBalancedScene(emulator, { open: openEnvironments });
    shop = await scene.tenant();
  }, 120_000);
  afterAll(() => scene.end());
  afterEach(async () => {
    scene.wire.lift();
    expect(await scene.rules()).toEqual([[], []]);
  });

  const read = (id: string, by = shop): Promise<Environment | undefined> =>
    by.call('read', (call) => by.environments.read({ id }, call));
  const ensureSlot = (): Promise<Slot> =>
    shop.call('slot', (call) => shop.slots.ensure(shop.slotSpec('master', { parts: { web: '/' } }), call));
  const hosts = async () => (await scene.rules()).map((rules) => rules.flatMap((rule) => hostsOf(rule)));
  const leadingTo = (id: string): string => `${id}--shop.example.com`;

  test('an environment of no slot is behind the second, which its name has a record for; a slot’s is behind the first', async () => {
    const plain = await shop.make(shop.spec('a1'));
    const bound = await shop.make(shop.spec('a2', undefined, ofSlot));
    expect(await hosts()).toEqual([[leadingTo('a2')], [leadingTo('a1')]]);
    expect(plain.records).toEqual([
      { name: leadingTo('a1'), type: 'CNAME', ttlSeconds: 60, values: [scene.second.dnsName.toLowerCase()] },
    ]);
    expect(bound.records).toBeUndefined();
    const fresh = await scene.tenant();
    const listed = await fresh.call('list', (call) => Array.fromAsync(fresh.environments.list(call)));
    for (const made of [plain, bound]) {
      expect(await read(made.id, fresh)).toMatchObject({ handle: made.handle, phase: 'active' });
      expect(listed.find(({ id }) => id === made.id)?.records).toEqual(made.records);
    }
    await scene.serve(plain);
    expect((await shop.call('health', (call) => fresh.environments.health(plain, call))).healthy).toBe(true);
    for (const { id } of [plain, bound]) await fresh.remove(id);
    expect([await read('a1'), await read('a2')]).toEqual([undefined, undefined]);
  });

  test('a slot leads to what was made for it, and one behind another load balancer is refused before anything is written', async () => {
    const plain = await shop.make(shop.spec('b1'));
    const bound = await shop.make(shop.spec('b2', undefined, ofSlot));
    const slot = await ensureSlot();
    const route = (to: Environment) =>
      shop.call('route', (call) => shop.slots.route(slot, [{ handle: to.handle, percent: 100 }], '1', call));
    const before = scene.wire.mutations;
    await expect(route(plain)).rejects.toMatchObject({
      code: 'invalid',
      message: expect.stringContaining('which is behind another'),
      detail: { effect: 'none', retry: 'never' },
    });
    expect(scene.wire.mutations).toBe(before);
    expect((await route(bound)).routes).toMatchObject([{ percent: 100 }]);
    await expect(shop.remove('b2')).rejects.toMatchObject({ code: 'conflict' });
    await shop.call('end', (call) => shop.slots.destroy({ id: 'master' }, call));
    for (const { id } of [plain, bound]) await shop.remove(id);
  });

  test('all public services of an environment are behind one, also where another process goes on with it', async () => {
    const others = await scene.tenant();
    // The second waits for a service that is being started.
    const chain = { web: web(), data: database(), api: web({ route: '/api', port: 8081, needs: { data: 'DATA' } }) };
    scene.wire.impose({
      when: (call) => actionOf(call) === 'CreateService',
      fault: { kind: 'reset', after: false },
      times: 1,
    });
    await expect(shop.make(shop.spec('c2', chain))).rejects.toThrow();
    await others.make(others.spec('c2', chain));
    expect((await scene.rules()).map(({ length }) => length)).toEqual([0, 2]);
    await shop.remove('c2');
  });

  // MiniStack gives one priority to two rules.
  if (emulator === 'moto')
    test('two processes that make one at once put all of it behind one, in one rule each', async () => {
      const others = await scene.tenant();
      await Promise.all([shop.make(shop.spec('e1', BOTH)), others.make(others.spec('e1', BOTH))]);
      expect((await scene.rules()).map(({ length }) => length)).toEqual([0, 2]);
      await shop.remove('e1');
    });

  test('by a config that knows of one, all is behind the first, where slots take it as it runs', async () => {
    const config = { ...shop.connection.config, loadBalancers: 1 };
    const environments = await openEnvironments({ ...shop.connection, config });
    const spec = shop.spec('d1');
    await shop.call('make', (call) => environments.ensure(spec, call));
    const made = await shop.make(spec);
    expect(await hosts()).toEqual([[leadingTo('d1')], []]);
    const slot = await ensureSlot();
    await shop.call('route', (call) => shop.slots.route(slot, [{ handle: made.handle, percent: 100 }], '1', call));
    await shop.call('end', (call) => shop.slots.destroy({ id: 'master' }, call));
    await shop.remove('d1');
  });
});

describe.each(MOMENTS)('killed %s', (_, fault) => {
  test('all public services of an environment are behind one load balancer at every call, and gone at every call', async () => {
    const scene = await openBalancedScene('moto', { open: openEnvironments });
    try {
      const counts = async () => (await scene.rules()).map(({ length }) => length);
      for (let nth = 1; ; nth++) {
        const id = `k${String(nth)}`;
        const died = await interrupted(scene, (by) => by.make(by.spec(id, BOTH)), nth, fault);
        expect(await counts()).toEqual([0, 2]);
        const removed = await interrupted(scene, (by) => by.remove(id), nth, fault);
        expect(await counts()).toEqual([0, 0]);
        const { TargetGroups } = await scene.raw.elb.send(new DescribeTargetGroupsCommand({}));
        expect(TargetGroups).toEqual([]);
        if (!died && !removed) break;
        expect(nth).toBeLessThan(20);
      }
    } finally {
      await scene.end();
    }
  }, 300_000);
});

test('what one has no room for is behind the next, up to the hundredth target group; places stay free for slots', async () => {
  const scene = await openBalancedScene('moto', { open: openEnvironments });
  try {
    const shop = await scene.tenant();
    const counts = async () => (await scene.rules()).map(({ length }) => length);
    await scene.fill(scene.second, 79);
    await shop.make(shop.spec('a1'));
    expect(await counts()).toEqual([0, 80]);
    await shop.make(shop.spec('a2'));
    expect(await counts()).toEqual([1, 80]);
    await shop.make(shop.spec('a3', undefined, ofSlot));
    expect(await counts()).toEqual([2, 80]);

    await scene.fill(scene.foundation.loadBalancer, 78);
    const before = scene.wire.mutations;
    const crowded = {
      code: 'quota',
      message: expect.stringContaining('20 are kept for slots'),
      detail: { hint: expect.stringContaining('provider.loadBalancers') },
    };
    await expect(shop.make(shop.spec('a4'))).rejects.toMatchObject(crowded);
    await expect(shop.make(shop.spec('a4', undefined, { slot: 'new' }))).rejects.toMatchObject(crowded);
    expect(scene.wire.mutations).toBe(before);
    for (let nth = 81; nth <= 100; nth++) await shop.make(shop.spec(`s${String(nth)}`, undefined, ofSlot));
    expect(await counts()).toEqual([100, 80]);
    const full = { code: 'quota', message: expect.stringContaining('100 target groups of 100') };
    await expect(shop.make(shop.spec('s101', undefined, ofSlot))).rejects.toMatchObject(full);

    // A new slot lives where there is room, and what is made for it with it.
    await shop.remove('a1');
    const made = await shop.make(shop.spec('a5', undefined, { slot: 'new' }));
    expect([await counts(), made.records?.[0]?.values]).toEqual([[100, 80], [scene.second.dnsName.toLowerCase()]]);
    const slot = await shop.call('slot', (call) => shop.slots.ensure(shop.slotSpec('new'), call));
    expect(new Set(slot.records?.flatMap(({ values }) => values))).toEqual(new Set(made.records?.[0]?.values));
    const route = ({ handle }: Environment) =>
      shop.call('route', (call) => shop.slots.route(slot, [{ handle, percent: 100 }], '1', call));
    await route(made);
    const fresh = await scene.tenant();
    expect(await fresh.call('read', (call) => fresh.slots.read({ id: 'new' }, call))).toMatchObject({ stamp: '1' });
    const listed = await fresh.call('list', (call) => Array.fromAsync(fresh.slots.list(call)));
    expect(listed.map(({ id }) => id)).toEqual(['new']);
    const next = await fresh.make(fresh.spec('a6', undefined, { slot: 'new' }));
    expect(await counts()).toEqual([100, 82]);
    await route(next);
    const elsewhere = await shop.call('read', (call) => shop.environments.read({ id: 'a3' }, call));
    await expect(route(elsewhere ?? made)).rejects.toMatchObject({ code: 'invalid', detail: { effect: 'none' } });
    await fresh.call('end', (call) => fresh.slots.destroy({ id: 'new' }, call));
    expect(await fresh.call('read', (call) => fresh.slots.read({ id: 'new' }, call))).toBeUndefined();
  } finally {
    await scene.end();
  }
}, 240_000);

test('machines are placed as containers are', async () => {
  const folder = import.meta.dirname;
  const scene = await openBalancedScene('moto', { open: openMachines, folder });
  try {
    const shop = await scene.tenant();
    const artefact = { kind: 'files', digest: `sha256:${'b'.repeat(64)}`, bytes: 0 } as const;
    const services = { web: web({ artefact, command: ['node', 'server.mjs'] }) };
    for (const spec of [shop.spec('m1', services), shop.spec('m2', services, ofSlot)])
      await shop.call('make', (call) => shop.environments.ensure(spec, call));
    expect((await scene.rules()).map(({ length }) => length)).toEqual([1, 1]);
    const found = await shop.call('list', (call) => Array.fromAsync(shop.environments.list(call)));
    expect(found.map(({ id, records }) => [id, records?.[0]?.values])).toEqual([
      ['m1', [scene.second.dnsName.toLowerCase()]],
      ['m2', undefined],
    ]);
    for (const { id } of found) await shop.remove(id);
    expect(await scene.rules()).toEqual([[], []]);
  } finally {
    await scene.end();
  }
}, 120_000);
