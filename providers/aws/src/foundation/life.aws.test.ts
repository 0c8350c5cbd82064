import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import type { EmulatorName } from '@clusternator/emulators/emulator';
import { outputsSchema } from './outputs.ts';
import { actionOf, openScene, type FoundationScene, type Tenant } from './testing/foundation-scene.ts';
import { inventory, taggedThings } from './testing/inventory.ts';

const DOMAIN = 'preview.example.com';
/** What is told of for an hour once it is gone, which the inventory counts by its state. */
const KEPT = /:natgateway\/|:cluster\//;

describe.each<EmulatorName>(['moto', 'ministack'])('on %s', (emulator) => {
  let scene: FoundationScene;
  let shop: Tenant;
  let nothing: Readonly<Record<string, number>>;
  beforeAll(async () => {
    scene = await openScene(emulator);
    shop = scene.tenant();
    nothing = await inventory(scene.raw);
  }, 120_000);
  afterAll(() => scene.end());

  const written = (at: number): readonly string[] =>
    scene.wire.since(at).flatMap((call) => (call.mutation === undefined ? [] : [actionOf(call)]));

  test('a foundation is made whole, is what it says, and is made once', async () => {
    const first = await shop.call('begin', (call) => shop.driver.ensure(shop.spec(DOMAIN), call));
    const made = await shop.make(DOMAIN);
    expect(made).toMatchObject({ id: 'ground', phase: 'active', fingerprint: shop.spec(DOMAIN).fingerprint });
    expect(made.tags).toEqual(shop.spec(DOMAIN).tags);
    expect(first.records).toEqual(made.records);
    expect(made.records).toEqual([
      {
        name: expect.stringMatching(/\.preview\.example\.com$/),
        type: 'CNAME',
        ttlSeconds: 300,
        values: [expect.stringMatching(/[a-z]$/)],
      },
      {
        name: `*.${DOMAIN}`,
        type: 'CNAME',
        ttlSeconds: 300,
        values: [made.outputs?.loadBalancer.dnsName.toLowerCase()],
      },
    ]);
    const outputs = outputsSchema.parse(made.outputs);
    expect(outputs.domain).toBe(DOMAIN);
    expect(outputs.subnets).toEqual({
      public: [expect.any(String), expect.any(String)],
      app: outputs.tasks.subnets,
      db: [expect.any(String), expect.any(String)],
    });
    expect(outputs.loadBalancer).toMatchObject({
      http: expect.stringContaining('listener'),
      https: expect.stringContaining('listener'),
    });

    const at = scene.wire.calls.length;
    expect(await shop.make(DOMAIN)).toEqual(made);
    const fresh = scene.tenant();
    expect(await fresh.make(DOMAIN)).toEqual(made);
    expect(await fresh.read()).toEqual(made);
    expect(await fresh.call('list', (call) => Array.fromAsync(fresh.driver.list(call)))).toEqual([made]);
    expect(await fresh.call('plan', (call) => fresh.driver.plan(fresh.spec(DOMAIN), call))).toEqual({
      changes: [],
    });
    expect(written(at)).toEqual([]);
  });

  test('one that is in another account or region is told so: neither gone, nor removed, nor made again', async () => {
    const fresh = scene.tenant();
    const { handle } = await fresh.make(DOMAIN);
    const at = scene.wire.calls.length;
    const others = [
      { ...handle, account: '999999999999' },
      { ...handle, region: 'eu-west-1' },
    ];
    for (const other of others) {
      const ref = { id: 'ground', handle: other };
      await expect(fresh.call('read', (call) => fresh.driver.read(ref, call))).rejects.toMatchObject({
        code: 'denied',
      });
      await expect(fresh.call('end', (call) => fresh.driver.destroy(ref, call))).rejects.toMatchObject({
        code: 'denied',
      });
    }
    expect(written(at)).toEqual([]);
  });

  test('it is removed whole, and to remove what is gone succeeds', async () => {
    const fresh = scene.tenant();
    await fresh.remove();
    expect(await fresh.read()).toBeUndefined();
    expect(await inventory(scene.raw)).toEqual(nothing);
    expect((await taggedThings(scene.url)).filter((arn) => !KEPT.test(arn))).toEqual([]);
    const at = scene.wire.calls.length;
    await fresh.remove();
    expect(written(at)).toEqual([]);
  });

  test('a plan tells what will be made, and what is written is within its floor', async () => {
    const fresh = scene.tenant();
    const plan = await fresh.call('plan', (call) => fresh.driver.plan(fresh.spec(DOMAIN), call));
    expect(new Set(plan.changes.map(({ action }) => action))).toEqual(new Set(['create']));
    const at = scene.wire.calls.length;
    await fresh.make(DOMAIN);
    const settings = 9;
    expect(written(at)).toHaveLength(plan.changes.length + settings);
    expect(written(at).length).toBeLessThanOrEqual(52);
  });
});
