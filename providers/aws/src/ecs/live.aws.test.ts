import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import type { Environment, Route, Slot } from '@clusternator/core';
import { eventually } from '@clusternator/emulators/traffic';
import { database, type Tenant } from './testing/ecs-scene.ts';
import { openLiveScene, type LiveScene } from './testing/live-scene.ts';

/** Real containers behind a load balancer that answers: see the data plane of test/emulators. */
describe.each(['moto', 'ministack'] as const)('real bytes over %s', (emulator) => {
  let scene: LiveScene;
  let shop: Tenant;
  beforeAll(async () => {
    scene = await openLiveScene(emulator);
    shop = await scene.tenant();
  }, 180_000);
  afterAll(() => scene.end(), 60_000);

  const health = (environment: Environment) =>
    shop.call('health', (call) => shop.environments.health(environment, call));
  const route = (slot: Slot, routes: readonly Route[], stamp: string): Promise<Slot> =>
    shop.call('route', (call) => shop.slots.route(slot, routes, stamp, call));
  const heard = (host: string, text: string) =>
    eventually(async () => ((await scene.ask(host)) === text ? true : undefined));

  test('an environment answers at its host with what was deployed, below its paths, and no more once it is gone', async () => {
    const made = await scene.made(shop, 'a1', {
      web: scene.says('the page'),
      api: scene.says('the interface', { route: '/api' }),
    });
    expect(await scene.ask('a1--shop.example.com')).toBe('the page');
    expect(await scene.ask('a1--shop.example.com', '/api/')).toBe('the interface api');
    expect(await scene.ask('nobody--shop.example.com')).toBe('404');
    const lines = await eventually(async () => {
      const all = await shop.call('logs', (call) =>
        Array.fromAsync(shop.environments.logs(made, { follow: false }, call)),
      );
      return all.length >= 2 ? all : undefined;
    });
    expect(lines.map(({ service, text }) => `${service}: ${text}`).sort()).toEqual([
      'api: the interface starts',
      'web: the page starts',
    ]);
    await shop.remove('a1');
    expect(await scene.ask('a1--shop.example.com')).toBe('404');
    expect(scene.plane.tasks().filter(({ status }) => status === 'RUNNING')).toEqual([]);
  }, 120_000);

  test('a service finds the one that it needs by the name in its variable, with its secret', async () => {
    const { command, artefact, native = {} } = scene.says('');
    const ask = 'TEXT="$($B wget -qO- http://$DB_HOST:8080/) and $KEY"';
    const asking = (command ?? []).map((word) => word.replace('B=/bin/busybox;', `B=/bin/busybox; ${ask};`));
    await scene.made(shop, 'b1', {
      db: database({ artefact, native, port: 8080, ...(command && { command }), env: { TEXT: 'the data' } }),
      web: scene.says('', { command: asking, needs: { db: 'DB_HOST' }, secrets: { KEY: { name: 'KEY' } } }),
    });
    expect(await scene.ask('b1--shop.example.com')).toBe('the data and the value of KEY');
    await shop.remove('b1');
  }, 120_000);

  test('a service that ends at once fails, in its last words', async () => {
    const command = ['/bin/busybox', 'sh', '-c', 'echo no such table: users; exit 3'];
    const failed = await shop.make(shop.spec('c1', { web: scene.says('', { command }) }));
    expect(failed.phase).toBe('failed');
    expect(failed.parts.web?.message).toContain('no such table: users');
    expect((await health(failed)).healthy).toBe(false);
    await shop.remove('c1');
  }, 120_000);

  test('a promotion and a rollback under load lose no request, and standbys answer at their own hosts', async () => {
    const [blue, green] = await Promise.all(
      ['blue', 'green'].map((id) => scene.made(shop, id, { web: scene.says(id) })),
    );
    if (!blue || !green) throw new Error('both were made');
    const host = 'main--shop.example.com';
    const empty = await shop.call('ensure', (call) => shop.slots.ensure(shop.slotSpec('main'), call));
    await eventually(async () => ((await scene.ask(host)) === '503' ? true : undefined));
    let slot = await route(empty, [{ handle: blue.handle, percent: 100 }], '1');
    await heard(host, 'blue');
    const tally = await scene.load(host, async () => {
      slot = await route(
        slot,
        [
          { handle: green.handle, percent: 100 },
          { handle: blue.handle, percent: 0 },
        ],
        '2',
      );
      await heard(host, 'green');
      slot = await route(
        slot,
        [
          { handle: blue.handle, percent: 100 },
          { handle: green.handle, percent: 0 },
        ],
        '3',
      );
      await heard(host, 'blue');
    });
    expect(Object.keys(tally).sort()).toEqual(['blue', 'green']);
    await heard('main-1--shop.example.com', 'green');
    expect(await scene.ask('main-2--shop.example.com')).toBe('503');
    expect((await health(green)).healthy).toBe(true);
    await shop.call('destroy', (call) => shop.slots.destroy({ id: 'main' }, call));
    for (const id of ['blue', 'green']) await shop.remove(id);
  }, 180_000);
});
