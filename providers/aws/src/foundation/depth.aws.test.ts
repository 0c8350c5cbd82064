import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { emulatorInWaves, type Waves } from '../testing/waves.ts';
import { openFoundation } from './open-foundation.ts';
import { sceneAt, type FoundationScene } from './testing/foundation-scene.ts';

const DOMAIN = 'preview.example.com';
let waves: Waves;
let scene: FoundationScene;
beforeAll(async () => {
  waves = await emulatorInWaves('moto');
  scene = await sceneAt(waves, openFoundation);
}, 120_000);
afterAll(() => scene.end());

test('a foundation is made in six steps, and what AWS takes its time for is asked for alone', async () => {
  const shop = scene.tenant();
  waves.steps();
  await shop.make(DOMAIN);
  const steps = waves.steps();
  const [look = [], ofAccount, ...others] = steps;
  expect([look.length, ofAccount]).toEqual([20, ['GET /…/?tagging=']]);
  const making = others.slice(0, 4);
  expect(making.map((calls) => calls.find((call) => /Create(?:Vpc|LoadBalancer|Subnet|Listener)$/.test(call)))).toEqual(
    ['CreateVpc', 'CreateSubnet', 'CreateLoadBalancer', 'CreateListener'],
  );
  // All but the listener that waits for the certificate, and three reads on the way. Tags of a new bucket are put by what stands in for S3.
  const own = making.flat().filter((call) => call !== 'PUT /…/?tagging=');
  expect(own).toHaveLength(51 + 3);
  expect(steps.at(-1)).toEqual(['CreateListener']);
  const asking = steps.slice(6, -1).flat();
  expect(new Set(asking)).toEqual(
    new Set(['DescribeCertificate', 'DescribeListeners', 'DescribeLoadBalancers', 'DescribeTags']),
  );
});

test('one that is as asked for is looked at in three steps, and removed in three after that', async () => {
  const fresh = scene.tenant();
  waves.steps();
  await fresh.make(DOMAIN);
  // Which bucket it is follows from the account.
  const looks = waves.steps();
  expect([looks.length, looks.flat().length]).toEqual([3, 35]);
  const { account, region } = (await fresh.make(DOMAIN)).handle;
  waves.steps();
  const ref = { id: 'ground', handle: { account: account ?? '', region: region ?? '' } };
  await fresh.call('end', (call) => fresh.driver.destroy(ref, call));
  expect(waves.steps()).toHaveLength(6);
  await fresh.remove();
});

test('a second load balancer takes no step more, and two reads of what it consists of', async () => {
  const shop = scene.tenant({ loadBalancers: 2 });
  await shop.make(DOMAIN);
  const fresh = scene.tenant({ loadBalancers: 2 });
  waves.steps();
  await fresh.make(DOMAIN);
  const looks = waves.steps();
  expect([looks.length, looks.flat().length]).toEqual([3, 36]);
  await fresh.remove();
});
