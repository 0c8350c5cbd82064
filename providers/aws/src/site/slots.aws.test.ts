import { afterAll, beforeAll, expect, test } from '@jest/globals';
import type { Environment, Route, Slot, SlotSpec } from '@clusternator/core';
import { TAGS, slotKey, HOST } from './keys.ts';
import { DOMAIN, openSiteScene, type SiteScene, type SiteTenant } from './testing/site-scene.ts';

let scene: SiteScene;
let shop: SiteTenant;
let a: Environment;
let b: Environment;
beforeAll(async () => {
  scene = await openSiteScene();
  shop = await scene.tenant();
  a = await shop.make(shop.spec('a1'));
  b = await shop.make(shop.spec('b1'));
}, 120_000);
afterAll(() => scene.end());

const ensure = (spec: SlotSpec, by = shop): Promise<Slot> => by.call('ensure', (call) => by.slots.ensure(spec, call));
const read = (id: string, by = shop) => by.call('read', (call) => by.slots.read({ id }, call));
const remove = (id: string): Promise<void> => shop.call('remove', (call) => shop.slots.destroy({ id }, call));
const route = (slot: Slot, routes: readonly Route[], stamp = '1', by = shop): Promise<Slot> =>
  by.call('route', (call) => by.slots.route(slot, routes, stamp, call));
const to = ({ handle }: Environment, percent = 100): Route => ({ handle, percent });
const hostOf = (label: string): string => `${label}--shop.${DOMAIN}`;
/** Which environment answers. */
const answers = async (label: string): Promise<string> => {
  const { uri = '', statusCode } = await scene.ask(hostOf(label));
  return [a, b].find(({ handle }) => uri.includes(`/${handle.key ?? ''}/`))?.id ?? String(statusCode);
};
const written = (start: number) => scene.wire.since(start).filter(({ mutation }) => mutation !== undefined);

test('a new slot leads nowhere, is made in one write, read as it was made, and gone in one', async () => {
  const spec = shop.slotSpec('s1');
  const start = scene.wire.calls.length;
  const made = await ensure(spec);
  expect(written(start)).toHaveLength(1);
  expect(made).toMatchObject({ id: 's1', phase: 'active', fingerprint: spec.fingerprint, tags: spec.tags, routes: [] });
  expect([made.stamp, made.records, made.url]).toEqual([undefined, undefined, undefined]);
  expect(JSON.stringify(made.handle).length).toBeLessThan(4096);
  expect(await answers('s1')).toBe('503');
  const again = await scene.tenant();
  expect(await read('s1', again)).toEqual(made);
  expect(await shop.call('list', (call) => Array.fromAsync(shop.slots.list(call)))).toEqual([made]);
  const now = scene.wire.mutations;
  expect(await ensure(spec, again)).toEqual(made);
  expect(scene.wire.mutations).toBe(now);
  await remove('s1');
  expect(await read('s1')).toBeUndefined();
  expect(await answers('s1')).toBe('404');
  await remove('s1');
});

test('head, split, standbys and stamp are one write, and come back as they were asked for', async () => {
  const slot = await ensure(shop.slotSpec('s2'));
  const start = scene.wire.calls.length;
  const routes = [to(a), to(b, 0)];
  const routed = await route(slot, routes, '5');
  expect(written(start)).toHaveLength(1);
  expect(scene.wire.since(start)).toHaveLength(2);
  expect(routed).toMatchObject({ routes, stamp: '5' });
  expect(await read('s2')).toEqual(routed);
  expect([await answers('s2'), await answers('s2-1'), await answers('s2-2')]).toEqual(['a1', 'b1', '503']);
  const split = await route(routed, [to(b, 90), to(a, 10)], '6');
  expect(split.routes).toEqual([to(b, 90), to(a, 10)]);
  const back = await route(split, routes, '7');
  expect([back.stamp, await answers('s2')]).toEqual(['7', 'a1']);
  await remove('s2');
});

test('of two routings from one reading, one fails, whichever comes first, and equal routes under another stamp count', async () => {
  const slot = await route(await ensure(shop.slotSpec('s3')), [to(a)], '1');
  const both = await Promise.allSettled([route(slot, [to(b)], '2'), route(slot, [to(a)], '3')]);
  const [lost] = both.filter(({ status }) => status === 'rejected');
  expect(both.filter(({ status }) => status === 'fulfilled')).toHaveLength(1);
  expect(lost).toMatchObject({ reason: { code: 'conflict', effect: 'none' } });
  const now = await read('s3');
  if (!now) throw new Error('it is there');
  await route(now, now.routes, '4');
  await expect(route(now, [to(b)], '5')).rejects.toMatchObject({ code: 'conflict' });
  expect(await read('s3')).toMatchObject({ stamp: '4', routes: now.routes });
  await remove('s3');
  await expect(route(now, [to(b)], '6')).rejects.toMatchObject({ code: 'not-found' });
});

test('a neighbour’s write in between is no lost race', async () => {
  const slot = await route(await ensure(shop.slotSpec('s4')), [to(a)], '1');
  await shop.make(shop.spec('n1'));
  await ensure(shop.slotSpec('s5'));
  expect(await route(slot, [to(b)], '2')).toMatchObject({ stamp: '2', routes: [to(b)] });
  const flips = [read('s4'), read('s5')].map(async (one) => {
    const seen = await one;
    if (seen) await route(seen, [to(a)], '3');
  });
  await Promise.all(flips);
  expect([await answers('s4'), await answers('s5')]).toEqual(['a1', 'a1']);
  await shop.remove('n1');
  for (const id of ['s4', 's5']) await remove(id);
});

test('an end that comes late takes nothing from a slot that was made anew, or routed since', async () => {
  const end = (slot: Slot): Promise<void> => shop.call('remove', (call) => shop.slots.destroy(slot, call));
  const empty = await ensure(shop.slotSpec('s0'));
  const former = await route(empty, [to(a)], '1');
  await expect(end(empty)).rejects.toMatchObject({ code: 'conflict', effect: 'none' });
  await end(former);
  expect(await read('s0')).toBeUndefined();
  await end(former);
  const anew = await ensure(shop.slotSpec('s0'));
  await expect(end(empty)).rejects.toMatchObject({ code: 'conflict' });
  const routed = await route(anew, [to(b)], '2');
  await expect(end(former)).rejects.toMatchObject({ code: 'conflict' });
  expect(await answers('s0')).toBe('b1');
  await end(routed);
  expect(await read('s0')).toBeUndefined();
});

test('other hosts change it in place, and its routes stay', async () => {
  const slot = await route(await ensure(shop.slotSpec('s6')), [to(a), to(b, 0)], '1');
  const next = shop.slotSpec('s6', { hosts: [hostOf('s6'), hostOf('shop')], standbyHosts: [hostOf('s6-1')] });
  const changed = await ensure(next);
  expect(changed).toMatchObject({ fingerprint: next.fingerprint, routes: slot.routes, stamp: '1' });
  expect([await answers('s6'), await answers('shop'), await answers('s6-1'), await answers('s6-2')]).toEqual([
    'a1',
    'a1',
    'b1',
    '404',
  ]);
  await expect(route(slot, [to(b)], '2')).rejects.toMatchObject({ code: 'conflict' });
  await remove('s6');
  expect([...(await scene.store()).keys()].filter((key) => key.includes('s6') || key.includes('shop--shop'))).toEqual(
    [],
  );
});

test('while a slot leads to an environment, as its head or a standby, it stays', async () => {
  const slot = await route(await ensure(shop.slotSpec('s7')), [to(a), to(b, 0)], '1');
  for (const id of ['a1', 'b1']) await expect(shop.remove(id)).rejects.toMatchObject({ code: 'conflict' });
  expect([await answers('s7'), await answers('s7-1')]).toEqual(['a1', 'b1']);
  const c = await shop.make(shop.spec('c1'));
  await route(slot, [to(a)], '2');
  await shop.remove('c1');
  expect(c.phase).toBe('active');
  await remove('s7');
});

test('what is somebody else’s is left alone, and names outside of the domain are refused', async () => {
  const spec = shop.slotSpec('s8');
  const taken = HOST + (spec.hosts[0] ?? '');
  await scene.write(taken, JSON.stringify({ e: a.handle.key }));
  await expect(ensure(spec)).rejects.toMatchObject({ code: 'owned-by-other' });
  expect((await scene.store()).get(taken)).toBe(JSON.stringify({ e: a.handle.key }));
  await scene.write(taken, undefined);
  await ensure(spec);
  await scene.write(TAGS + slotKey(shop.host, 's8'), '{"theirs":"yes"}');
  for (const doing of [() => ensure(spec), () => read('s8'), () => remove('s8')]) {
    await expect(doing()).rejects.toMatchObject({ code: 'owned-by-other' });
  }
  await scene.write(TAGS + slotKey(shop.host, 's8'), JSON.stringify(spec.tags));
  await remove('s8');
  await expect(ensure(shop.slotSpec('s9', { hosts: ['www.example.org'] }))).rejects.toMatchObject({
    code: 'unsupported',
  });
});
