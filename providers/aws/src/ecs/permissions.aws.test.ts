import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { CreateLogStreamCommand } from '@aws-sdk/client-cloudwatch-logs';
import type { WireCall } from '@clusternator/conformance';
import { keyOf } from './handle.ts';
import { environmentPermissions } from './permissions.ts';
import { actionOf, database, openScene, web, type EcsScene, type Tenant } from './testing/ecs-scene.ts';

let scene: EcsScene;
let shop: Tenant;
beforeAll(async () => {
  scene = await openScene('moto');
  shop = await scene.tenant();
}, 120_000);
afterAll(() => scene.end());

const SERVICES: readonly (readonly [RegExp, string])[] = [
  [/^AmazonEC2ContainerService/, 'ecs'],
  [/^Route53AutoNaming/, 'servicediscovery'],
  [/^secretsmanager/, 'secretsmanager'],
  [/^Logs/, 'logs'],
];
/** What AWS asks for beside the calls themselves. */
const IMPLIED = [
  'ecs:TagResource',
  'elasticloadbalancing:AddTags',
  'iam:PassRole',
  'secretsmanager:TagResource',
  'servicediscovery:TagResource',
];
/** Asked of a service that failed alone, which moto has none of: see the test of logs. */
const OF_FAILURES = ['ecs:ListTasks', 'ecs:DescribeTasks', 'logs:GetLogEvents'];
/** Beside what a task is found by. moto has none of it: see the test of commands. */
const OF_COMMANDS = ['ecs:ExecuteCommand'];

function permissionOf(call: WireCall): string {
  const target = call.headers['x-amz-target'];
  const service = SERVICES.find(([pattern]) => target !== undefined && pattern.test(target))?.[1];
  return `${service ?? 'elasticloadbalancing'}:${actionOf(call)}`;
}

test('what is declared is what is used, once AWS’s own conditions are counted', async () => {
  const spec = shop.spec('a1', {
    db: database({ secrets: { PASSWORD: { name: 'PASSWORD' } } }),
    web: web({ needs: { db: 'DB_HOST' }, secrets: { KEY: { name: 'KEY' } } }),
  });
  // Killed on its way, so that the next one looks for what there is.
  for (const action of ['RegisterTaskDefinition', 'CreateRule']) {
    const lift = scene.wire.impose({
      when: (call) => actionOf(call) === action,
      fault: { kind: 'reset', after: true },
      times: 1,
    });
    await expect(shop.make(spec)).rejects.toThrow('ECONNRESET');
    lift();
  }
  const again = await scene.tenant();
  await again.call('another try', (call) => again.environments.ensure(spec, call));
  const made = await again.make(spec);
  await again.call(
    'scale',
    (call) => again.environments.scale?.(made, { db: { min: 2, max: 2 } }, call) ?? Promise.resolve(),
  );
  await again.call('health', (call) => again.environments.health(made, call));
  const logStreamName = `${keyOf(made.handle) ?? ''}/web/1`;
  await scene.raw.logs.send(new CreateLogStreamCommand({ logGroupName: scene.foundation.logGroup, logStreamName }));
  await again.call('logs', (call) => Array.fromAsync(again.environments.logs(made, { follow: false }, call)));
  await again.call('list', (call) => Array.fromAsync(again.environments.list(call)));
  await again.remove('a1');
  const used = new Set([...scene.wire.calls.map(permissionOf), ...IMPLIED, ...OF_FAILURES, ...OF_COMMANDS]);
  const declared = new Set(environmentPermissions({ region: 'eu-west-1' }).map(({ action }) => action));
  expect([...used].sort()).toEqual([...declared].sort());
});

test('no resource is wider than its service lets it be', () => {
  for (const { action, resource } of environmentPermissions({ region: 'eu-west-1' })) {
    if (resource === '*') expect(action).toMatch(/:(?:Describe|List|Deregister)/);
    else expect(resource).toMatch(/^arn:aws:(?:iam::|[a-z]+:eu-west-1:)\*:/);
  }
});
