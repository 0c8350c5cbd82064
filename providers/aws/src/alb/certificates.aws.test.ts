import { afterAll, beforeAll, expect, test } from '@jest/globals';
import type { Slot, SlotSpec } from '@clusternator/core';
import { actionOf, type Tenant } from '../ecs/testing/ecs-scene.ts';
import { DOMAIN, nameSlot, openHttpsScene, type HttpsScene } from './testing/https-scene.ts';

const OUTSIDE = 'www.shop.test';

let scene: HttpsScene;
let shop: Tenant;
beforeAll(async () => {
  scene = await openHttpsScene(1);
  shop = await scene.tenant();
}, 120_000);
afterAll(() => scene.end());

const ensure = (spec: SlotSpec, by = shop): Promise<Slot> => by.call('ensure', (call) => by.slots.ensure(spec, call));
const name = (spec: SlotSpec, by = shop): Promise<Slot> => nameSlot(by, spec);
const read = (id: string): Promise<Slot | undefined> => shop.call('read', (call) => shop.slots.read({ id }, call));
const remove = (id: string, by = shop): Promise<void> => by.call('remove', (call) => by.slots.destroy({ id }, call));

test('names below the domain ask for no certificate, nor for whether there is one', async () => {
  const start = scene.wire.calls.length;
  expect((await ensure(shop.slotSpec('plain', { hosts: [`plain.${DOMAIN}`, DOMAIN] }))).phase).toBe('active');
  await remove('plain');
  expect(
    scene.wire
      .since(start)
      .map(actionOf)
      .filter((action) => action.includes('Certificate')),
  ).toEqual([]);
});

test('another name has a certificate of its own: asked for, waited for, served, and gone with the slot', async () => {
  const spec = shop.slotSpec('s1', { hosts: [`s1.${DOMAIN}`, OUTSIDE] });
  const first = await ensure(spec);
  expect(first).toMatchObject({ phase: 'creating', message: expect.stringContaining(OUTSIDE) });
  expect((await read('s1'))?.phase).toBe('creating');
  // What serves the name until then goes on: only what the certificate waits for is asked of the DNS.
  expect(first.records?.map(({ name, type }) => [type, name.endsWith(OUTSIDE), name === OUTSIDE])).toEqual([
    ['CNAME', true, false],
  ]);
  const made = await name(spec);
  expect(made.records?.map(({ name: one }) => one)).toEqual([first.records?.[0]?.name, OUTSIDE]);
  expect([await scene.certificates(), await scene.served()]).toEqual([[OUTSIDE], 1]);
  const { records: _, ...rest } = made;
  expect(await read('s1')).toEqual(rest);
  expect(made.tags).toEqual(spec.tags);
  const before = scene.wire.mutations;
  await ensure(spec, await scene.tenant());
  expect(scene.wire.mutations).toBe(before);
  await remove('s1');
  expect([await scene.certificates(), await scene.served(), await read('s1')]).toEqual([[], 0, undefined]);
});

test('a name that is dropped takes its certificate with it, and no other', async () => {
  const other = await scene.tenant({ project: 'other' });
  await name(other.slotSpec('s2', { hosts: ['www.other.test'] }), other);
  await name(shop.slotSpec('s2', { hosts: ['one.shop.test', `deep.s2.${DOMAIN}`] }));
  expect(await scene.certificates()).toHaveLength(3);
  await name(shop.slotSpec('s2', { hosts: ['two.shop.test', `deep.s2.${DOMAIN}`] }));
  expect(await scene.certificates()).toEqual([`deep.s2.${DOMAIN}`, 'two.shop.test', 'www.other.test']);
  await name(shop.slotSpec('s2', { hosts: [`s2.${DOMAIN}`] }));
  expect([await scene.certificates(), await scene.served()]).toEqual([['www.other.test'], 1]);
  await remove('s2');
  expect(await scene.certificates()).toEqual(['www.other.test']);
  await remove('s2', other);
  expect([await scene.certificates(), await scene.served()]).toEqual([[], 0]);
});

test('a certificate that the load balancer still holds is waited for, and goes', async () => {
  const inUse = {
    status: 400,
    headers: { 'content-type': 'application/x-amz-json-1.1' },
    body: JSON.stringify({ __type: 'ResourceInUseException', message: 'in use' }),
  };
  const hold = (times: number): (() => void) =>
    scene.wire.impose({
      when: (call) => actionOf(call) === 'DeleteCertificate',
      fault: { kind: 'refuse', refusal: inUse, after: false },
      times,
    });
  await name(shop.slotSpec('s5', { hosts: ['www.held.test'] }));
  for (const hosts of [['next.held.test'], [`s5.${DOMAIN}`]]) {
    const lift = hold(1);
    expect(await ensure(shop.slotSpec('s5', { hosts }))).toMatchObject({
      phase: 'creating',
      message: expect.stringContaining('still holds'),
    });
    lift();
    expect((await read('s5'))?.phase).toBe('creating');
    await name(shop.slotSpec('s5', { hosts }));
    expect(await scene.certificates()).toEqual(hosts.filter((host) => !host.endsWith(DOMAIN)));
  }
  await name(shop.slotSpec('s5', { hosts: ['last.held.test'] }));
  const lift = hold(1);
  await expect(remove('s5')).rejects.toMatchObject({ code: 'unavailable' });
  lift();
  await remove('s5');
  expect([await scene.certificates(), await read('s5')]).toEqual([[], undefined]);
});

test('a load balancer that has no room for another certificate is told as such, and what was made goes with the slot', async () => {
  await scene.fill(24);
  const spec = shop.slotSpec('s4', { hosts: ['www.full.test'] });
  await expect(name(spec)).rejects.toMatchObject({ code: 'quota', detail: { hint: expect.stringContaining('25') } });
  await remove('s4');
  expect([await scene.certificates(), await read('s4')]).toEqual([[], undefined]);
});

test('a slot that lives behind the second load balancer has its certificates and names there', async () => {
  const two = await openHttpsScene(2, 2);
  try {
    const [shop, turned] = [await two.tenant(), await two.turned()];
    await turned.make(turned.spec('a1', undefined, { slot: 'far' }));
    const near = await nameSlot(shop, shop.slotSpec('near', { hosts: ['near.example.org'] }));
    const far = await nameSlot(shop, shop.slotSpec('far', { hosts: [`far.${DOMAIN}`, 'far.example.org'] }));
    expect([near.phase, far.phase, await two.served(), await two.served('second')]).toEqual(['active', 'active', 1, 1]);
    const [second = ''] =
      (await shop.call('read', (call) => shop.environments.read({ id: 'a1' }, call)))?.records?.[0]?.values ?? [];
    const leading = (far.records ?? []).filter(({ values: [value] }) => value === second).map(({ name }) => name);
    expect(leading).toEqual(expect.arrayContaining([`far.${DOMAIN}`, 'far.example.org']));
    expect(near.records?.flatMap(({ values }) => values)).not.toContain(second);
    for (const { id } of [near, far]) await shop.call('end', (call) => shop.slots.destroy({ id }, call));
    expect([await two.certificates(), await two.served(), await two.served('second')]).toEqual([[], 0, 0]);
  } finally {
    await two.end();
  }
}, 120_000);
