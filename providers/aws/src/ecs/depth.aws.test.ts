import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { emulatorInWaves, type Waves } from '../testing/waves.ts';
import { openEnvironments } from './open-environments.ts';
import { sceneAt, web, type EcsScene, type Tenant } from './testing/ecs-scene.ts';
import { withSecondBalancer } from './testing/raw-foundation.ts';

let waves: Waves;
let scene: EcsScene;
let shop: Tenant;
beforeAll(async () => {
  waves = await emulatorInWaves('moto');
  scene = await sceneAt(waves);
  shop = await scene.tenant();
}, 120_000);
afterAll(() => scene.end());

test('an environment is made in five steps, and ended in four', async () => {
  waves.steps();
  await shop.make(shop.spec('a1'));
  expect(waves.steps()).toEqual([
    ['DescribeServices', 'DescribeTargetGroups'],
    ['CreateTargetGroup', 'RegisterTaskDefinition'],
    ['CreateRule'],
    ['CreateService'],
    ['DescribeServices'],
  ]);
  await shop.remove('a1');
  const families = ['ListTaskDefinitionFamilies', 'ListTaskDefinitionFamilies'];
  expect(waves.steps()).toEqual([
    ['DescribeRules', 'DescribeServices'],
    // What there is beside what its services tell is looked for meanwhile.
    ...[
      ['DeleteRule', 'DescribeTargetGroups', 'ListSecrets', 'ListServices', ...families, 'ModifyTargetGroupAttributes'],
    ],
    ['DeleteService', 'DeregisterTaskDefinition', 'ListTaskDefinitions', 'ListTaskDefinitions'],
    ['DeleteTargetGroup', 'DeleteTaskDefinitions'],
  ]);
});

test('of more services none takes a step more, and each look at tasks that are ending takes one', async () => {
  await shop.make(shop.spec('b1', { web: web(), api: web({ route: '/api', port: 8081 }) }));
  waves.steps();
  // As ECS answers while there are tasks.
  const lift = waves.rewrite('DeleteService', (text) => text.replace('"status": "INACTIVE"', '"status": "DRAINING"'));
  await shop.remove('b1');
  lift();
  expect(waves.steps().map((calls) => [...new Set(calls)])).toEqual([
    ['DescribeRules', 'DescribeServices'],
    expect.arrayContaining(['DeleteRule', 'ModifyTargetGroupAttributes']),
    ['DeleteService', 'DeregisterTaskDefinition', 'ListTaskDefinitions'],
    ['DescribeRules', 'DescribeServices'],
    ['DeleteTargetGroup', 'DeleteTaskDefinitions'],
  ]);
});

test('with two load balancers there is no step more, unless several services are public: the first leads the way', async () => {
  const own = await emulatorInWaves('moto');
  const two = await sceneAt(own, { open: openEnvironments, config: { loadBalancers: 2 } });
  try {
    const by = await two.tenant({}, await withSecondBalancer(two.raw, two.foundation));
    own.steps();
    await by.make(by.spec('a1'));
    expect(own.steps()).toHaveLength(5);
    await by.remove('a1');
    const [looking, ...ending] = own.steps();
    expect([looking, ending.length]).toEqual([['DescribeRules', 'DescribeRules', 'DescribeServices'], 3]);
    await by.make(by.spec('b1', { web: web(), api: web({ route: '/api', port: 8081 }) }));
    const steps = own.steps();
    expect(steps.slice(1, 4)).toEqual([['CreateTargetGroup'], ['CreateRule'], ['DescribeTargetGroups']]);
    expect(steps).toHaveLength(5 + 3);
  } finally {
    await two.end();
  }
});
