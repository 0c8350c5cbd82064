import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { actionOf } from '../../foundation/testing/foundation-scene.ts';
import { inventory, openGroundScene, type GroundScene, type GroundTenant } from '../testing/ground-scene.ts';
import { siteOutputsSchema } from './outputs.ts';

const DOMAIN = 'preview.example.com';
let scene: GroundScene;
let shop: GroundTenant;
let nothing: Readonly<Record<string, number>>;
beforeAll(async () => {
  scene = await openGroundScene();
  shop = scene.tenant();
  nothing = await inventory(scene.raw);
}, 120_000);
afterAll(() => scene.end());

const written = (at: number): readonly string[] =>
  scene.wire.since(at).flatMap((call) => (call.mutation === undefined ? [] : [actionOf(call)]));

test('without a domain it is refused, with the way out, and nothing is made', async () => {
  await expect(shop.make()).rejects.toMatchObject({ code: 'invalid', detail: { path: 'domain' } });
  expect(await inventory(scene.raw)).toEqual(nothing);
});

test('a foundation is made whole, is what it says, and is made once', async () => {
  const made = await shop.make(DOMAIN);
  expect(made).toMatchObject({ id: 'ground', phase: 'active', fingerprint: shop.spec(DOMAIN).fingerprint });
  expect(made.tags).toEqual(shop.spec(DOMAIN).tags);
  const outputs = siteOutputsSchema.parse(made.outputs);
  expect(outputs.domain).toBe(DOMAIN);
  expect(made.records).toContainEqual({
    name: `*.${DOMAIN}`,
    type: 'CNAME',
    ttlSeconds: 300,
    values: [outputs.distribution.dnsName],
  });
  expect(await inventory(scene.raw)).toEqual({
    certificate: 1,
    distribution: 1,
    function: 1,
    'key value store': 1,
    'origin access': 1,
    bucket: 1,
  });

  const at = scene.wire.calls.length;
  expect(await shop.make(DOMAIN)).toEqual(made);
  const fresh = scene.tenant();
  expect(await fresh.make(DOMAIN)).toEqual(made);
  expect(await fresh.read()).toEqual(made);
  expect(await fresh.call('list', (call) => Array.fromAsync(fresh.driver.list(call)))).toEqual([made]);
  expect(await fresh.call('plan', (call) => fresh.driver.plan(fresh.spec(DOMAIN), call))).toEqual({ changes: [] });
  expect(written(at)).toEqual([]);
});

test('it is removed whole, and to remove what is gone succeeds', async () => {
  const fresh = scene.tenant();
  await fresh.remove();
  expect(await fresh.read()).toBeUndefined();
  expect(await inventory(scene.raw)).toEqual(nothing);
  const at = scene.wire.calls.length;
  await fresh.remove();
  expect(written(at)).toEqual([]);
});
