import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { DescribeLaunchTemplateVersionsCommand, DescribeSubnetsCommand } from '@aws-sdk/client-ec2';
import type { Environment } from '@clusternator/core';
import { actionOf, type EcsScene, type Tenant } from '../ecs/testing/ecs-scene.ts';
import { awsMachines } from './machine-environments.ts';
import { command, onDisk, openMachineScene } from './testing/machine-scene.ts';

let scene: EcsScene;
let shop: Tenant;
beforeAll(async () => {
  scene = await openMachineScene('moto');
  shop = await scene.tenant();
}, 120_000);
afterAll(() => scene.end());

/** What a machine of it begins with, as the account keeps it. */
async function beginningOf(environment: Environment): Promise<string> {
  const [group] = awsMachines.of(environment)?.groups ?? [];
  const { LaunchTemplateId, Version = '' } = group?.LaunchTemplate ?? {};
  const asked = new DescribeLaunchTemplateVersionsCommand({ LaunchTemplateId, Versions: [Version] });
  const { LaunchTemplateVersions } = await scene.raw.ec2.send(asked);
  return Buffer.from(LaunchTemplateVersions?.[0]?.LaunchTemplateData?.UserData ?? '', 'base64').toString();
}

test('a machine with a disk is in the zone of the disk, ends before it is replaced, and mounts it before its service starts', async () => {
  const { raw, foundation } = scene;
  const { Subnets = [] } = await raw.ec2.send(new DescribeSubnetsCommand({ SubnetIds: [...foundation.tasks.subnets] }));
  const zone = Subnets.map(({ AvailabilityZone = '' }) => AvailabilityZone).sort()[1] ?? '';
  const volume = {
    ...{ id: 'data', kind: 'disk' as const, sizeGiB: 1, phase: 'active' as const },
    handle: { volumeId: 'vol-0123456789abcdef0', zone },
  };
  const start = scene.wire.calls.length;
  const made = await shop.make(shop.spec('b2', { web: onDisk(volume) }));
  expect(scene.wire.since(start).map(actionOf)).toContain('DescribeSubnets');
  const [group] = awsMachines.of(made)?.groups ?? [];
  const own = Subnets.find(({ AvailabilityZone }) => AvailabilityZone === zone)?.SubnetId;
  expect(group).toMatchObject({ VPCZoneIdentifier: own, MaxSize: 1 });
  const asked = scene.wire.since(start).find((call) => actionOf(call) === 'CreateAutoScalingGroup');
  const form = new URLSearchParams(asked?.body.toString());
  expect(form.get('InstanceMaintenancePolicy.MinHealthyPercentage')).toBe('0');
  expect(form.get('InstanceMaintenancePolicy.MaxHealthyPercentage')).toBe('100');
  const begins = await beginningOf(made);
  expect(Buffer.byteLength(begins)).toBeLessThan(11_500);
  const settings = /service\.json <<'END'\n(.*)\nEND/.exec(begins)?.[1] ?? '';
  expect(JSON.parse(Buffer.from(settings, 'base64').toString())).toMatchObject({
    disks: [{ volume: 'vol-0123456789abcdef0', path: 'data', readOnly: false }],
  });
  expect(begins).toContain('Requires=clusternator-disks.service\nAfter=clusternator-disks.service');
  const order = ['tar -xzf', '--now clusternator-disks.service', '--now clusternator-values.service'];
  const places = order.map((text) => begins.indexOf(text));
  expect(places).toEqual([...places].sort((a, b) => a - b));
  await shop.remove('b2');

  const plain = await shop.make(shop.spec('b3', { web: command() }));
  expect(await beginningOf(plain)).not.toContain('disks');
  await shop.remove('b3');
});
