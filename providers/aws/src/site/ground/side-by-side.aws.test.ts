import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { pollUntilSettled } from '@clusternator/core/kit';
import { systemClock } from '@clusternator/core';
import { foundationConfigSchema } from '../../foundation/config.ts';
import { openFoundation } from '../../foundation/open-foundation.ts';
import { openSceneOf, REGION, SERVICES, type FoundationScene } from '../../foundation/testing/foundation-scene.ts';
import { inventory } from '../../foundation/testing/inventory.ts';
import { EMULATOR, inventory as inventoryOfSites, SERVICES as SITE_SERVICES } from '../testing/ground-scene.ts';
import { openSiteFoundation } from './open-ground.ts';

const DOMAIN = 'preview.example.com';
let scene: FoundationScene;
beforeAll(async () => {
  scene = await openSceneOf(EMULATOR, [...SERVICES, ...SITE_SERVICES], openFoundation);
}, 120_000);
afterAll(() => scene.end());

test('foundations of both kinds of one stage, domain and region stand side by side, and go alone', async () => {
  const shop = scene.tenant();
  const sites = openSiteFoundation({
    config: foundationConfigSchema.parse({ region: REGION, kind: 'sites' }),
    host: shop.host,
    foundation: undefined,
  });
  const settle = (doing: string, ask: Parameters<typeof shop.call>[1]) =>
    shop.call(doing, (call) =>
      // What is asked tells its phase.
      pollUntilSettled(() => ask(call) as Promise<{ phase: 'active' }>, { clock: systemClock, call, doing }),
    );
  await shop.make(DOMAIN);
  const alone = await inventory(scene.raw);
  await settle('make', (call) => sites.ensure(shop.spec(DOMAIN), call));
  expect(await shop.read()).toMatchObject({ phase: 'active' });
  expect(await inventory(scene.raw)).toEqual({
    ...alone,
    certificate: (alone.certificate ?? 0) + 1,
    bucket: (alone.bucket ?? 0) + 1,
  });
  const at = scene.wire.mutations;
  await shop.make(DOMAIN);
  expect(scene.wire.mutations).toBe(at);
  const both = await inventoryOfSites(scene.raw);
  await shop.remove();
  expect(await inventoryOfSites(scene.raw)).toEqual({ ...both, certificate: 1, bucket: 1 });
  const read = await shop.call('read', (call) => sites.read({ id: 'ground' }, call));
  expect(read).toMatchObject({ phase: 'active' });
});
