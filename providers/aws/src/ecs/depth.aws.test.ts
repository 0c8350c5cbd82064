import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { emulatorInWaves, type Waves } from '../testing/waves.ts';
import { sceneAt, web, type EcsScene, type Tenant } from './testing/ecs-scene.ts';

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
