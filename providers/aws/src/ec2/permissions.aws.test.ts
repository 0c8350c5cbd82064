import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { AttachVolumeCommand, CreateVolumeCommand, DescribeInstancesCommand } from '@aws-sdk/client-ec2';
import type { WireCall } from '@clusternator/conformance';
import { tagsFor } from '@clusternator/core/kit';
import { actionOf, type EcsScene, type Tenant } from '../ecs/testing/ecs-scene.ts';
import { environmentPermissions } from '../ecs/permissions.ts';
import { openMachines } from './open-machines.ts';
import { machinePermissions } from './permissions.ts';
import { onDisk, openMachineScene } from './testing/machine-scene.ts';

let scene: EcsScene;
let shop: Tenant;
beforeAll(async () => {
  scene = await openMachineScene('moto', {}, openMachines);
  shop = await scene.tenant();
}, 120_000);
afterAll(() => scene.end());

/** By the version of their interface, which those that post forms tell. */
const FORMS: Readonly<Record<string, string>> = {
  '2011-01-01': 'autoscaling',
  '2015-12-01': 'elasticloadbalancing',
  '2016-11-15': 'ec2',
};
/** S3 names some rights in other words than its actions. */
const S3: Readonly<Record<string, readonly string[]>> = {
  DeleteObjects: ['s3:DeleteObject', 's3:DeleteObjectVersion'],
  HeadObject: ['s3:GetObject'],
  ListObjectVersions: ['s3:ListBucketVersions'],
};
/** What AWS asks for beside the calls themselves, of whoever makes a group. */
const IMPLIED = [
  'autoscaling:CreateOrUpdateTags',
  'ec2:CreateTags',
  'ec2:RunInstances',
  'iam:CreateServiceLinkedRole',
  'ssm:GetParameters',
];
/** Asked where machines are missing alone, which moto never lets. */
const OF_FAILURES = ['autoscaling:DescribeScalingActivities'];
/** moto starts none: see the test of commands. */
const OF_COMMANDS = ['ssm:StartSession', 'ssm:TerminateSession'];

function permissionsOf(call: WireCall): readonly string[] {
  const action = actionOf(call);
  const target = call.headers['x-amz-target'];
  if (target !== undefined) return [`${target.startsWith('secretsmanager') ? 'secretsmanager' : 'logs'}:${action}`];
  const service = FORMS[new URLSearchParams(call.body.toString()).get('Version') ?? ''];
  return service === undefined ? (S3[action] ?? [`s3:${action}`]) : [`${service}:${action}`];
}

test('what is declared is what is used beside what containers use, once AWS’s own conditions are counted', async () => {
  const { ec2 } = scene.raw;
  const zone = { AvailabilityZone: 'us-east-1a', Size: 1 };
  const { VolumeId = '' } = await ec2.send(new CreateVolumeCommand(zone));
  const handle = { volumeId: VolumeId, zone: 'us-east-1a' };
  const volume = { id: 'data', kind: 'disk', sizeGiB: 1, phase: 'active', handle } as const;
  const spec = shop.spec('a1', { web: onDisk(volume, { secrets: { KEY: { name: 'KEY' } } }) });
  // Killed on its way, so that the next one looks for what there is.
  for (const action of ['CreateTargetGroup', 'CreateLaunchTemplate']) {
    const lift = scene.wire.impose({
      when: (call) => actionOf(call) === action,
      fault: { kind: 'reset', after: true },
      times: 1,
    });
    await expect(shop.make(spec)).rejects.toThrow('ECONNRESET');
    lift();
  }
  const again = await scene.tenant();
  const half = await again.call('read', (call) => again.environments.read({ id: 'a1' }, call));
  expect(half?.phase).toBe('creating');
  const made = await again.make(spec);
  await again.call(
    'scale',
    (call) => again.environments.scale?.(made, { web: { min: 2, max: 2 } }, call) ?? Promise.resolve(),
  );
  const { Reservations = [] } = await ec2.send(new DescribeInstancesCommand({}));
  const [InstanceId] = Reservations.flatMap(({ Instances = [] }) => Instances.map((one) => one.InstanceId));
  await ec2.send(new AttachVolumeCommand({ VolumeId, InstanceId, Device: '/dev/sdf' }));
  await again.call(
    'scale',
    (call) => again.environments.scale?.(made, { web: { min: 1, max: 1 } }, call) ?? Promise.resolve(),
  );
  await again.call('health', (call) => again.environments.health(made, call));
  await again.call('list', (call) => Array.fromAsync(again.environments.list(call)));
  await again.remove('a1');
  const ofContainers = new Set(environmentPermissions({ region: 'eu-west-1' }).map(({ action }) => action));
  const used = new Set([...scene.wire.calls.flatMap(permissionsOf), ...IMPLIED, ...OF_FAILURES, ...OF_COMMANDS]);
  const more = [...used].filter((action) => !ofContainers.has(action));
  const declared = new Set(machinePermissions({ region: 'eu-west-1' }).map(({ action }) => action));
  expect(more.sort()).toEqual([...declared].sort());
});

test('a session is started on machines of environments alone', () => {
  const starts = machinePermissions({ region: 'eu-west-1' }).filter(({ action }) => action === 'ssm:StartSession');
  const onMachines = starts.filter(({ resource }) => resource.includes(':instance/'));
  expect(onMachines).toMatchObject([
    { condition: { StringEquals: { 'ssm:resourceTag/clusternator_type': 'environment' } } },
  ]);
  expect(
    tagsFor({ project: 'shop', stage: 'main' }, { type: 'environment', id: 'a1', fingerprint: 'f' }),
  ).toMatchObject({
    clusternator_type: 'environment',
  });
});

test('no resource is wider than its service lets it be', () => {
  for (const { action, resource } of machinePermissions({ region: 'eu-west-1' })) {
    if (resource === '*') expect(action).toMatch(/:Describe/);
    else expect(resource).toMatch(/^arn:aws:(?:iam::\*:|s3:::clusternator-|[a-z0-9]+:eu-west-1:\*?:)/);
  }
});
