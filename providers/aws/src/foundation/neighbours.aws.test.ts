import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { CreateLogGroupCommand, DeleteLogGroupCommand } from '@aws-sdk/client-cloudwatch-logs';
import {
  CreateSecurityGroupCommand,
  CreateSubnetCommand,
  CreateVpcCommand,
  DescribeSubnetsCommand,
} from '@aws-sdk/client-ec2';
import { CreateRepositoryCommand, DeleteRepositoryCommand } from '@aws-sdk/client-ecr';
import { CreateClusterCommand, DeleteClusterCommand } from '@aws-sdk/client-ecs';
import { CreateRoleCommand, DeleteRoleCommand } from '@aws-sdk/client-iam';
import { CreateBucketCommand, DeleteBucketCommand } from '@aws-sdk/client-s3';
import { openScene, REGION, type FoundationScene, type Tenant } from './testing/foundation-scene.ts';
import { inventory } from './testing/inventory.ts';

let scene: FoundationScene;
beforeAll(async () => {
  scene = await openScene('moto');
}, 120_000);
afterAll(() => scene.end());

test('two stages and another project of one account do not touch each other', async () => {
  const others = [scene.tenant(), scene.tenant({}, { project: 'blog' })];
  const nothing = await inventory(scene.raw);
  const made = await Promise.all(others.map((one) => one.make()));
  const before = await inventory(scene.raw);
  const staging = scene.tenant({}, { stage: 'staging' });
  const its = await staging.make();
  const ids = [...made, its].map(({ outputs }) => [
    outputs?.vpc,
    outputs?.cluster,
    outputs?.bucket,
    outputs?.repository,
  ]);
  expect(new Set(ids.flat()).size).toBe(12);
  await staging.remove();
  expect(await inventory(scene.raw)).toEqual(before);
  const { mutations } = scene.wire;
  expect(await Promise.all(others.map((one) => one.read()))).toEqual(made);
  expect(await Promise.all(others.map((one) => one.make()))).toEqual(made);
  expect(scene.wire.mutations).toBe(mutations);
  await Promise.all(others.map((one) => one.remove()));
  expect(await inventory(scene.raw)).toEqual(nothing);
});

describe('what is not ours and has a name of ours is left alone', () => {
  // moto gives a new log group the tags of one that had its name: of this project there never was one.
  const theirs = (): Tenant => scene.tenant({}, { project: 'planted' });
  const name = (kind: string): string => theirs().host.name(['clusternator', kind], { maxLength: 63 });
  const inRegion = (kind: string): string => theirs().host.name(['clusternator', REGION, kind], { maxLength: 63 });
  const bucket = (): string => theirs().host.name(['clusternator', '123456789012', REGION], { maxLength: 63 });
  const plants: readonly (readonly [string, () => Promise<unknown>, () => Promise<unknown>])[] = [
    [
      'an ECS cluster',
      () => scene.raw.ecs.send(new CreateClusterCommand({ clusterName: name('cluster') })),
      () => scene.raw.ecs.send(new DeleteClusterCommand({ cluster: name('cluster') })),
    ],
    [
      'a log group',
      () => scene.raw.logs.send(new CreateLogGroupCommand({ logGroupName: name('logs') })),
      () => scene.raw.logs.send(new DeleteLogGroupCommand({ logGroupName: name('logs') })),
    ],
    [
      'a repository',
      () => scene.raw.ecr.send(new CreateRepositoryCommand({ repositoryName: name('images') })),
      () => scene.raw.ecr.send(new DeleteRepositoryCommand({ repositoryName: name('images') })),
    ],
    [
      'a role',
      () =>
        scene.raw.iam.send(
          new CreateRoleCommand({
            RoleName: inRegion('task'),
            AssumeRolePolicyDocument: '{"Version":"2012-10-17","Statement":[]}',
          }),
        ),
      () => scene.raw.iam.send(new DeleteRoleCommand({ RoleName: inRegion('task') })),
    ],
    [
      'a bucket',
      () => scene.raw.s3.send(new CreateBucketCommand({ Bucket: bucket() })),
      () => scene.raw.s3.send(new DeleteBucketCommand({ Bucket: bucket() })),
    ],
  ];

  test.each(plants)('%s', async (_, plant, uproot) => {
    await plant();
    const { mutations } = scene.wire;
    const is = await inventory(scene.raw);
    const shop = theirs();
    await expect(shop.make()).rejects.toMatchObject({ code: 'owned-by-other' });
    await expect(shop.read()).rejects.toMatchObject({ code: 'owned-by-other' });
    await expect(shop.remove()).rejects.toMatchObject({ code: 'owned-by-other' });
    expect(scene.wire.mutations).toBe(mutations);
    expect(await inventory(scene.raw)).toEqual(is);
    await uproot();
  });
});

describe('in a network that is there', () => {
  let vpc = '';
  const subnets = { public: [] as string[], app: [] as string[], db: [] as string[] };
  beforeAll(async () => {
    const made = await scene.raw.ec2.send(new CreateVpcCommand({ CidrBlock: '10.9.0.0/16' }));
    vpc = made.Vpc?.VpcId ?? '';
    for (const [tier, of] of Object.entries(subnets)) {
      for (const zone of ['a', 'b']) {
        const third = Object.keys(subnets).indexOf(tier) * 2 + of.length;
        const command = new CreateSubnetCommand({
          VpcId: vpc,
          CidrBlock: `10.9.${String(third)}.0/24`,
          AvailabilityZone: `${REGION}${zone}`,
        });
        of.push((await scene.raw.ec2.send(command)).Subnet?.SubnetId ?? '');
      }
    }
  });

  test('a foundation is made in it, and leaves it as it was', async () => {
    const before = await inventory(scene.raw);
    const shop = scene.tenant({ network: { vpc, subnets } });
    const { outputs } = await shop.make();
    expect(outputs).toMatchObject({ vpc, subnets, tasks: { subnets: subnets.app, publicAddress: false } });
    const made = await inventory(scene.raw);
    for (const kind of ['vpc', 'subnet', 'nat gateway', 'address', 'route table', 'route', 'association', 'endpoint']) {
      expect([kind, made[kind]]).toEqual([kind, before[kind]]);
    }
    const { mutations } = scene.wire;
    await scene.tenant({ network: { vpc, subnets } }).make();
    expect(scene.wire.mutations).toBe(mutations);
    await expect(scene.tenant().make()).rejects.toMatchObject({
      code: 'invalid',
      detail: { path: 'provider.network.vpc' },
    });
    await scene.tenant({ network: { vpc, subnets } }).remove();
    expect(await inventory(scene.raw)).toEqual(before);
  });

  test('without private subnets tasks are in the public ones', async () => {
    const shop = scene.tenant({ network: { vpc, subnets: { public: subnets.public, db: subnets.db } } });
    const { outputs } = await shop.make();
    expect(outputs?.tasks).toEqual({ subnets: subnets.public, publicAddress: true });
    await shop.remove();
  });

  test('a security group of our name in it is left alone', async () => {
    const GroupName = name('app');
    await scene.raw.ec2.send(new CreateSecurityGroupCommand({ GroupName, Description: 'theirs', VpcId: vpc }));
    const shop = scene.tenant({ network: { vpc, subnets } });
    await expect(shop.make()).rejects.toMatchObject({ code: 'owned-by-other' });
    await shop.remove();
  });

  test('subnets of which one is not there, or elsewhere, are refused before anything is made', async () => {
    const { mutations } = scene.wire;
    const { Subnets = [] } = await scene.raw.ec2.send(new DescribeSubnetsCommand());
    const stray = Subnets.find(({ VpcId }) => VpcId !== vpc)?.SubnetId ?? '';
    for (const id of ['subnet-0000dead', stray]) {
      const network = { vpc, subnets: { ...subnets, public: [subnets.public[0]!, id] } };
      await expect(scene.tenant({ network }).make()).rejects.toMatchObject({
        code: 'invalid',
        detail: { path: 'provider.network.subnets' },
      });
    }
    expect(scene.wire.mutations).toBe(mutations);
  });
  const name = (kind: string): string => scene.tenant().host.name(['clusternator', kind], { maxLength: 63 });
});
