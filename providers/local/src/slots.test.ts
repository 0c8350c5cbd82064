import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import type { Environment } from '@clusternator/core/provider';
import { get, until } from './testing/environments.ts';
import { ask, SlotScene, webSocket } from './testing/slots.ts';
import { testCall } from './testing/specs.ts';

let scene: SlotScene;
let a: Environment;
let b: Environment;
beforeAll(async () => {
  scene = new SlotScene();
  [a, b] = await Promise.all([scene.environment('aaaaaaaa0000-1'), scene.environment('bbbbbbbb0000-1')]);
});
afterAll(() => scene[Symbol.asyncDispose]());

describe('a slot', () => {
  test('answers 503 until something is promoted, and then with its head, under all of its hosts', async () => {
    const made = await scene.make('hosts', { hosts: ['hosts--shop.localhost', 'www.example.com'] });
    expect(made).toMatchObject({ id: 'hosts', phase: 'active', routes: [], fingerprint: 'fingerprint-hosts' });
    expect(made).not.toHaveProperty('stamp');
    expect(await ask(made)).toMatchObject({ status: 503, text: expect.stringContaining('hosts') });

    const routed = await scene.flip(made, '1', a, b);
    expect(routed).toMatchObject({
      stamp: '1',
      routes: [
        { handle: a.handle, percent: 100 },
        { handle: b.handle, percent: 0 },
      ],
    });
    for (const host of ['hosts--shop.localhost', 'www.example.com', 'hosts.shop.test', 'HOSTS--shop.localhost:80'])
      expect((await ask(routed, '/', host)).text).toBe('content of a');
    expect((await ask(routed, '/', 'hosts-1--shop.localhost')).text).toBe('content of b');
    expect((await ask(routed, '/', 'hosts-1.shop.test')).text).toBe('content of b');
    expect((await ask(routed, '/', 'hosts-2--shop.localhost')).status).toBe(503);
  });

  test('swaps head and standby in one step, and goes back to nothing', async () => {
    const first = await scene.flip(await scene.make('swap'), '1', a, b);
    const second = await scene.flip(first, '2', b, a);
    expect((await ask(second)).text).toBe('content of b');
    expect((await ask(second, '/', 'swap-1--shop.localhost')).text).toBe('content of a');
    const none = await scene.flip(second, '3');
    expect(none).toMatchObject({ routes: [], stamp: '3' });
    expect((await ask(none)).status).toBe(503);
  });

  test('is changed in place: its routes stay, a host that it lost is unknown', async () => {
    const before = await scene.flip(await scene.make('change', { hosts: ['old.example.com'] }), '7', a);
    const after = await scene.make('change', { hosts: ['new.example.com'], fingerprint: 'another' });
    expect(after).toMatchObject({ fingerprint: 'another', stamp: '7', routes: before.routes, handle: before.handle });
    expect((await ask(after, '/', 'new.example.com')).text).toBe('content of a');
    expect((await ask(after, '/', 'old.example.com')).status).toBe(404);
  });

  test('answers 404 for a part that its head lacks, where another part would cover the path', async () => {
    const slot = await scene.flip(await scene.make('parts', { parts: { web: '/', api: '/api' } }), '1', a);
    expect((await ask(slot, '/apis')).status).toBe(200);
    expect((await ask(slot, '/api')).status).toBe(404);
    expect((await ask(slot, '/api/x?y')).status).toBe(404);
    expect((await get(a, '/api')).status).toBe(200);
  });

  test('splits its traffic by weight', async () => {
    const made = await scene.make('weights');
    const routes = [
      { handle: a.handle, percent: 90 },
      { handle: b.handle, percent: 10 },
    ];
    const slot = await scene.slots.route(made, routes, '1', testCall());
    const answers = await Promise.all(Array.from({ length: 100 }, () => ask(slot)));
    expect(answers.filter(({ text }) => text === 'content of b')).toHaveLength(10);
  });

  test('is listed, and nothing of it answers once it is destroyed', async () => {
    const slot = await scene.flip(await scene.make('gone'), '1', a);
    expect(await idsOf(scene.slots)).toContain('gone');
    expect(await idsOf(scene.slotsOf('other'))).toEqual([]);
    await scene.slots.destroy(slot, testCall());
    await scene.slots.destroy(slot, testCall());
    expect(await scene.slots.read(slot, testCall())).toBeUndefined();
    expect((await ask(slot)).status).toBe(404);
    expect((await ask(slot, '/', 'gone.shop.test')).status).toBe(404);
  });
});

test('an end that comes late takes nothing from a slot that was routed or made anew since', async () => {
  const made = await scene.make('late');
  const routed = await scene.flip(made, '1', a);
  await expect(scene.slots.destroy(made, testCall())).rejects.toMatchObject({ code: 'conflict', effect: 'none' });
  await scene.slots.destroy(routed, testCall());
  const anew = await scene.flip(await scene.make('late'), '2', b);
  await expect(scene.slots.destroy(routed, testCall())).rejects.toMatchObject({ code: 'conflict' });
  expect((await ask(anew)).text).toBe('content of b');
  await scene.slots.destroy({ id: 'late' }, testCall());
  expect(await scene.slots.read(anew, testCall())).toBeUndefined();
});

describe('a routing', () => {
  test('of two from one reading, one fails and writes nothing', async () => {
    const made = await scene.make('race');
    const others = [a, b].map((to) => scene.flip({ ...made }, to === a ? '1' : '2', to));
    const outcomes = await Promise.allSettled(others);
    expect(outcomes.filter(({ status }) => status === 'fulfilled')).toHaveLength(1);
    const lost = outcomes.find((it) => it.status === 'rejected');
    expect(lost?.reason).toMatchObject({ code: 'conflict', effect: 'none' });
  });

  test('made again after its answer was lost is the same routing; one of an older reading never is', async () => {
    const made = await scene.make('again');
    const first = await scene.flip(made, '1', a);
    expect(await scene.flip(made, '1', a)).toEqual(first);
    await scene.flip(first, '2', b);
    await expect(scene.flip(made, '1', a)).rejects.toMatchObject({ code: 'conflict' });
    expect((await ask(made)).text).toBe('content of b');
  });

  test('that changes only the stamp is written, and fences who sleeps', async () => {
    const first = await scene.flip(await scene.make('fence'), '1', a);
    const second = await scene.flip(first, '2', a);
    expect(second.handle.version).not.toBe(first.handle.version);
    expect(second.stamp).toBe('2');
    await expect(scene.flip(first, '1', b)).rejects.toMatchObject({ code: 'conflict' });
  });

  test('back and forth never brings a version back, nor does making the slot anew', async () => {
    const seen = new Set<string | undefined>();
    for (let round = 0; round < 3; round++) {
      let slot = await scene.make('versions');
      seen.add(slot.handle.version);
      for (const to of [a, b]) seen.add((slot = await scene.flip(slot, '1', to)).handle.version);
      await scene.slots.destroy(slot, testCall());
    }
    expect(seen.size).toBe(9);
  });

  test('says what is wrong with it, and changes nothing', async () => {
    const slot = await scene.flip(await scene.make('wrong'), '1', a);
    const route = (routes: Parameters<typeof scene.slots.route>[1]): Promise<unknown> =>
      scene.slots.route(slot, routes, '2', testCall());
    await expect(route([{ handle: a.handle, percent: 90 }])).rejects.toMatchObject({ code: 'invalid' });
    await expect(route([{ handle: a.handle, percent: 0.5 }])).rejects.toMatchObject({ code: 'invalid' });
    const twice = [100, 0].map((percent) => ({ handle: a.handle, percent }));
    await expect(route(twice)).rejects.toMatchObject({ code: 'invalid' });
    const unknown = { environment: 'nobody' };
    await expect(route([{ handle: unknown, percent: 100 }])).rejects.toMatchObject({ code: 'not-found' });
    const missing = { ...slot, id: 'missing' };
    await expect(scene.flip(missing, '2', a)).rejects.toMatchObject({ code: 'not-found' });
    expect(await scene.slots.read(slot, testCall())).toEqual(slot);
  });
});

describe('whose it is', () => {
  test('an environment that a slot leads to, or keeps as a standby, is not destroyed', async () => {
    const c = await scene.environment('cccccccc0000-1');
    const slot = await scene.flip(await scene.make('pins'), '1', a, c);
    await expect(scene.destroy(c)).rejects.toMatchObject({
      code: 'conflict',
      message: expect.stringContaining('pins'),
    });
    await expect(scene.destroy(a)).rejects.toMatchObject({ code: 'conflict' });
    expect((await ask(slot, '/', 'pins-1--shop.localhost')).text).toBe('content of c');
    const without = await scene.flip(slot, '2', a);
    await scene.destroy(c);
    await expect(scene.flip(without, '3', c)).rejects.toMatchObject({ code: 'not-found' });
  });

  test("another project's environments and hosts are not ours", async () => {
    const others = scene.slotsOf('other');
    const spec = scene.spec('theirs', { hosts: ['taken.example.com'], standbyHosts: [] });
    const theirs = await others.ensure(spec, testCall());
    const routes = [{ handle: a.handle, percent: 100 }];
    await expect(others.route(theirs, routes, '1', testCall())).rejects.toMatchObject({ code: 'not-found' });
    await expect(scene.make('mine', { hosts: ['taken.example.com'] })).rejects.toMatchObject({
      code: 'owned-by-other',
      message: expect.stringContaining('slot theirs of other'),
    });
  });

  test('an environment that is made for a slot does not answer under its hosts before it is promoted', async () => {
    const slot = await scene.flip(await scene.make('bound'), '1', a);
    const own = scene.specs.environment('dddddddd0000-bound-ab12-1', { web: scene.specs.web() });
    const made = await scene.ensure({ ...own, slot: 'bound', hosts: [...own.hosts, 'bound--shop.localhost'] });
    expect((await ask(slot)).text).toBe('content of a');
    await scene.destroy(made);
    expect((await ask(slot)).text).toBe('content of a');
  });
});

describe('what was begun with the old head', () => {
  test('is finished there, and cut when its time is over', async () => {
    const drain = { requestsSeconds: 2, webSocketsSeconds: 0 };
    const slot = await scene.flip(await scene.make('drain', { drain }), '1', a);
    const [slow, stream, direct] = [ask(slot, '/slow'), ask(slot, '/stream'), get(a, '/stream')];
    const cut = Promise.allSettled([stream]);
    await until(
      () => get(a, '/open'),
      ({ text }) => text === '3',
    );
    const flipped = await scene.flip(slot, '2', b, a);
    expect((await ask(flipped)).text).toBe('content of b');
    expect((await slow).text).toBe('content of a');
    expect(await cut).toMatchObject([{ status: 'rejected' }]);
    await expect(Promise.race([direct, Promise.resolve('open')])).resolves.toBe('open');
    await scene.flip(flipped, '3', b);
    direct.catch(() => undefined); // ends with the daemon
  });

  test('WebSockets are closed with 1012, spread over the time for it, and no others', async () => {
    const slot = await scene.make('sockets', { drain: { requestsSeconds: 30, webSocketsSeconds: 1 } });
    const routed = await scene.flip(slot, '1', a);
    const other = await scene.flip(await scene.make('sockets-other'), '1', a);
    const through = await Promise.all(Array.from({ length: 20 }, () => webSocket(routed)));
    const beside = await Promise.all([webSocket(a), webSocket(other)]);
    const flipped = await scene.flip(routed, '2', b, a);
    await until(
      () => through.filter((it) => !it.isOpen()).length,
      (count) => count > 0,
    );
    expect(through.filter((it) => it.isOpen()).length).toBeGreaterThan(0);
    const codes = await Promise.all(through.map(({ closed }) => closed));
    expect(new Set(codes)).toEqual(new Set([1012]));
    expect(beside.map((it) => it.isOpen())).toEqual([true, true]);
    const fresh = await webSocket(flipped);
    for (const one of [...beside, fresh]) one.end();
  });

  test('WebSockets that are still open when it is the head again stay open', async () => {
    const slot = await scene.make('return', { drain: { requestsSeconds: 30, webSocketsSeconds: 60 } });
    const routed = await scene.flip(slot, '1', a);
    const [first, second] = [await webSocket(routed), await webSocket(routed)];
    const flipped = await scene.flip(routed, '2', b, a);
    expect(await first.closed).toBe(1012);
    const back = await scene.flip(flipped, '3', a, b);
    expect(second.isOpen()).toBe(true);
    const third = await webSocket(back);
    const away = await scene.flip(back, '4', b, a);
    expect(await second.closed).toBe(1012);
    third.end();
    await scene.flip(away, '5', b);
  });
});

test('what runs on the head alone is healthy while it does not run, and answers for itself once it is to', async () => {
  const { specs, driver } = scene;
  const worker = specs.service({ program: 'setInterval(() => {}, 1000)', instances: { min: 0, max: 0 } });
  const spec = specs.environment('eeeeeeee0000-1', { web: specs.web(), worker });
  const environment = await scene.ensure(spec);
  const off = await driver.health(environment, testCall());
  expect(off).toMatchObject({ healthy: true, parts: { worker: { healthy: true, instances: 0 } } });
  await driver.scale(environment, { worker: { min: 1, max: 1 } }, testCall());
  await until(
    () => driver.health(environment, testCall()),
    ({ healthy, parts }) => healthy && parts.worker?.instances === 1,
  );
  await driver.scale(environment, { web: { min: 0, max: 0 } }, testCall());
  await until(
    () => driver.health(environment, testCall()),
    ({ healthy, parts }) => !healthy && parts.web?.healthy === false,
  );
});

test('all of it is there again after the daemon was killed', async () => {
  const before = await scene.flip(await scene.make('restart', { hosts: ['restart.example.com'] }), '4', b, a);
  await scene.daemon.kill();
  const after = await scene.slots.read(before, testCall());
  expect(after).toEqual(before);
  await until(
    () => ask(before, '/', 'restart.example.com'),
    ({ text }) => text === 'content of b',
  );
  const next = await scene.flip(before, '5', a, b);
  await until(
    () => ask(next, '/', 'restart.example.com'),
    ({ text }) => text === 'content of a',
  );
  expect((await ask(next, '/', 'restart-1--shop.localhost')).text).toBe('content of b');
});

async function idsOf(slots: SlotScene['slots']): Promise<readonly string[]> {
  const ids: string[] = [];
  for await (const { id } of slots.list(testCall())) ids.push(id);
  return ids;
}
