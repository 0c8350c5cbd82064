import { afterAll, beforeAll, expect, test } from '@jest/globals';
import type { WireCall } from '@clusternator/conformance';
import { DOMAIN, openSiteScene, type SiteScene, type SiteTenant } from './testing/site-scene.ts';

let scene: SiteScene;
beforeAll(async () => {
  scene = await openSiteScene();
}, 120_000);
afterAll(() => scene.end());

const SITES = { web: { 'index.html': 'front', 'app.js': 'go()' }, docs: { 'index.html': 'docs' } };
const isMutation = ({ mutation }: WireCall): boolean => mutation !== undefined;
const things = async () => ({ objects: await scene.objects(), keys: [...(await scene.store())].sort() });

/** By tenants of which each dies at the first call that changes something. @param after - Whether it was carried out. */
async function dyingAtEveryCall(
  after: boolean,
  work: (by: SiteTenant) => Promise<unknown>,
  most: number,
): Promise<number> {
  for (let deaths = 0; deaths < most; deaths++) {
    const before = scene.wire.mutations + (after ? 0 : deaths);
    const first = ({ mutation }: WireCall): boolean => mutation === before + 1;
    const lifts = [
      scene.wire.impose({ when: first, fault: { kind: 'reset', after } }),
      scene.wire.impose({
        when: (call) => isMutation(call) && (call.mutation ?? 0) > before + 1,
        fault: { kind: 'reset', after: false },
      }),
    ];
    const died = await work(await scene.tenant()).then(
      () => false,
      () => true,
    );
    for (const lift of lifts) lift();
    if (!died) return deaths;
  }
  throw new Error('it never came to an end');
}

test.each([true, false])(
  'made and removed by processes that die at every call (carried out: %s), it is whole, and then gone',
  async (after) => {
    const nothing = await things();
    const shop = await scene.tenant();
    await shop.make(shop.spec('a1', SITES));
    const whole = await things();
    await shop.remove('a1');
    expect(await things()).toEqual(nothing);

    const deaths = await dyingAtEveryCall(after, (by) => by.make(by.spec('a1', SITES)), 40);
    expect(deaths).toBeGreaterThan(after ? 4 : 2);
    expect(await things()).toEqual(whole);
    expect((await scene.ask(`a1--shop.${DOMAIN}`, '/docs/')).uri).toMatch(/index\.html$/);

    const removals = await dyingAtEveryCall(after, (by) => by.remove('a1'), 40);
    expect(removals).toBeGreaterThan(after ? 2 : 0);
    expect(await things()).toEqual(nothing);
  },
);

test('a slot’s routes are as they were or as they are to be, wherever it dies', async () => {
  const shop = await scene.tenant();
  const [a, b] = [await shop.make(shop.spec('a')), await shop.make(shop.spec('b'))];
  const slot = await shop.call('ensure', (call) => shop.slots.ensure(shop.slotSpec('main'), call));
  const first = await shop.call('route', (call) =>
    shop.slots.route(slot, [{ handle: a.handle, percent: 100 }], '1', call),
  );
  for (const after of [false, true]) {
    const lift = scene.wire.impose({ when: isMutation, fault: { kind: 'reset', after } });
    const flip = shop.call('route', (call) => shop.slots.route(first, [{ handle: b.handle, percent: 100 }], '2', call));
    await expect(flip).rejects.toThrow('ECONNRESET');
    lift();
    const now = await shop.call('read', (call) => shop.slots.read({ id: 'main' }, call));
    expect(now).toMatchObject(
      after ? { stamp: '2', routes: [{ handle: b.handle }] } : { stamp: '1', routes: [{ handle: a.handle }] },
    );
  }
});
