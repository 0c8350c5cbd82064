import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { CreateLogStreamCommand } from '@aws-sdk/client-cloudwatch-logs';
import {
  AttachVolumeCommand,
  DescribeInstancesCommand,
  DescribeSecurityGroupsCommand,
  DescribeVolumesCommand,
  RevokeSecurityGroupIngressCommand,
} from '@aws-sdk/client-ec2';
import { PutImageTagMutabilityCommand } from '@aws-sdk/client-ecr';
import { SetSecurityGroupsCommand } from '@aws-sdk/client-elastic-load-balancing-v2';
import { CreateHostedZoneCommand } from '@aws-sdk/client-route-53';
import { CreateBucketCommand, PutObjectCommand } from '@aws-sdk/client-s3';
import type {
  Environment,
  EnvironmentSpec,
  SlotSpec,
  Snapshot,
  SnapshotSpec,
  Volume,
  VolumeSpec,
} from '@clusternator/core';
import { deriveToken, tagsFor } from '@clusternator/core/kit';
import type { Call, Identity, ResourceRef } from '@clusternator/core/provider';
import { onDisk } from './ec2/testing/machine-scene.ts';
import { keyOf } from './ecs/handle.ts';
import { database, web } from './ecs/testing/ecs-scene.ts';
import { openFoundation } from './foundation/open-foundation.ts';
import type { AwsFoundation } from './foundation/outputs.ts';
import aws from './index.ts';
import { permissions } from './permissions.ts';
import { openPermissionScene, REGION, type PermissionScene } from './testing/permission-scene.ts';

const BUCKET = 'shop-state';
const ZONE = 'one.example';
const OURS = [{ Name: 'tag:clusternator_type', Values: ['volume'] }];
const OWNER = { project: 'shop', stage: 'main' };
const configOf = (more: object = {}) => aws.config.parse({ region: REGION, bucket: BUCKET, ...more });
const printed = permissions(configOf());

/** What moto can't judge: for what reason which actions are asked for nowhere here. */
const UNJUDGED: Readonly<Record<string, string>> = {
  'AWS asks for it when things are made with tags; moto does not':
    'acm:AddTagsToCertificate ec2:CreateTags ecr:TagResource ecs:TagResource ' +
    'elasticfilesystem:TagResource iam:TagInstanceProfile iam:TagRole logs:TagResource rds:AddTagsToResource s3:TagResource ' +
    'servicediscovery:TagResource autoscaling:CreateOrUpdateTags',
  'AWS asks for it when its services act in the name of whoever calls; moto does not':
    'iam:CreateServiceLinkedRole iam:PassRole kms:DescribeKey ' +
    'route53:ListHostedZonesByName ec2:CreateNetworkInterface ec2:DeleteNetworkInterface ' +
    'ec2:DescribeNetworkInterfaces ec2:RunInstances ssm:GetParameters',
  'Docker asks for it when it pushes, which ends at a registry that takes everybody':
    'ecr:InitiateLayerUpload ecr:UploadLayerPart ecr:CompleteLayerUpload ecr:BatchCheckLayerAvailability ecr:PutImage ' +
    'ecr:BatchGetImage',
  'of tasks and machines that failed, of which moto has none':
    'ecs:ListTasks ecs:DescribeTasks logs:GetLogEvents autoscaling:DescribeScalingActivities',
  'of builds, whose project moto does not take':
    'codebuild:BatchGetBuilds codebuild:BatchGetProjects codebuild:CreateProject codebuild:DeleteProject ' +
    'codebuild:ListBuildsForProject codebuild:StartBuild codebuild:StopBuild ecr:DescribeImages',
  'of commands in tasks and on machines, of which moto has none':
    'ecs:ExecuteCommand ssm:StartSession ssm:TerminateSession',
  'a change of a zone is in force at once on moto': 'route53:GetChange',
  'a route to a gateway that is gone, which moto takes away with it': 'ec2:ReplaceRoute',
  'moto takes it for another action of the bucket': 's3:GetBucketPublicAccessBlock s3:PutBucketPublicAccessBlock',
  'moto looks at the bucket alone where versions are removed': 's3:DeleteObjectVersion',
};
let scene: PermissionScene;
let foundation: AwsFoundation;
beforeAll(async () => {
  scene = await openPermissionScene(printed);
  await scene.raw.s3.send(new CreateBucketCommand({ Bucket: BUCKET }));
  await scene.raw.route53.send(new CreateHostedZoneCommand({ Name: ZONE, CallerReference: 'story' }));
}, 120_000);
afterAll(() => scene.end());

function specified<T extends object>(type: Identity['type'], id: string, content: T) {
  const fingerprint = deriveToken(JSON.stringify([id, content]));
  return { id, ...content, fingerprint, tags: tagsFor(OWNER, { type, id, fingerprint }) };
}

function missing(): never {
  throw new Error('what was made is not there');
}

/** Until it has settled. */
async function until<T extends { readonly phase: string }>(ask: () => Promise<T>): Promise<T> {
  for (;;) {
    const answer = await ask();
    if (answer.phase !== 'creating' && answer.phase !== 'destroying') return answer;
    await sleep(50);
  }
}

interface Removes {
  destroy(ref: ResourceRef, call: Call): Promise<void>;
  read(ref: ResourceRef, call: Call): Promise<unknown>;
}
async function untilGone(driver: Removes, id: string, call: Call): Promise<void> {
  do await driver.destroy({ id }, call);
  while (await driver.read({ id }, call));
}

async function drivers() {
  const to = { config: configOf(), host: scene.host, foundation };
  const { environments, slots, storage, images, dns, state } = aws.drivers;
  if (!environments || !slots || !storage || !images || !dns || !state) throw new Error('a driver is missing');
  return {
    environments: await environments(to),
    slots: await slots(to),
    images: await images(to),
    storage: () => storage(to), // asks who it is
    dns: await dns({ ...to, foundation: undefined }),
    state: await state({ ...to, foundation: undefined }),
  };
}

async function makeFoundation(more: object, domain?: string): Promise<void> {
  const spec = specified('foundation', 'ground', domain === undefined ? {} : { domain });
  await scene.play({
    verb: 'foundation create',
    async play(call) {
      // As another process, each time.
      const driver = openFoundation({ config: configOf(more), host: scene.host, foundation: undefined });
      const { outputs } = await until(() => driver.ensure(spec, call));
      if (outputs) foundation = outputs;
    },
  });
}

/** What others did to it, which the next `foundation create` mends. */
async function damage(): Promise<void> {
  const { raw } = scene;
  await raw.s3.send(new PutObjectCommand({ Bucket: foundation.bucket, Key: 'tree', Body: 'tree' }));
  const { app, db } = foundation.securityGroups;
  const { SecurityGroups = [] } = await raw.ec2.send(new DescribeSecurityGroupsCommand({ GroupIds: [app] }));
  const IpPermissions = SecurityGroups[0]?.IpPermissions;
  await raw.ec2.send(new RevokeSecurityGroupIngressCommand({ GroupId: app, IpPermissions }));
  const LoadBalancerArn = foundation.loadBalancer.arn;
  await raw.elb.send(new SetSecurityGroupsCommand({ LoadBalancerArn, SecurityGroups: [db] }));
  const repositoryName = foundation.repository.split('/').at(-1);
  await raw.ecr.send(new PutImageTagMutabilityCommand({ repositoryName, imageTagMutability: 'MUTABLE' }));
}

async function environmentsAndSlots(): Promise<void> {
  const { environments, slots, images } = await drivers();
  const spec: EnvironmentSpec = specified('environment', 'a1', {
    hosts: [`a1--shop.${ZONE}`],
    services: {
      db: database({ secrets: { PASSWORD: { name: 'PASSWORD' } } }),
      web: web({ needs: { db: 'DB_HOST' }, secrets: { KEY: { name: 'KEY' } } }),
    },
    sites: {},
  });
  let made: Environment | undefined;
  const ready = (): Environment => made ?? missing();
  const slot: SlotSpec = specified('slot', 'master', {
    hosts: [`master--shop.${ZONE}`],
    standbyHosts: [],
    parts: { web: '/' },
    tls: false,
    drain: { requestsSeconds: 1, webSocketsSeconds: 1 },
  });
  const reference = `${foundation.repository}@sha256:${'a'.repeat(64)}`;
  const play = (verb: string, work: (call: Call) => Promise<unknown>) => scene.play({ verb, play: work });
  await play('env create', async (call) => {
    await images.repository('web', call);
    made = await until(() => environments.ensure(spec, call));
  });
  const logStreamName = `${keyOf(ready().handle) ?? ''}/web/1`;
  await scene.raw.logs.send(new CreateLogStreamCommand({ logGroupName: foundation.logGroup, logStreamName }));
  await play('env show', (call) => environments.health(ready(), call));
  await play('gc', (call) => Array.fromAsync(environments.list(call)));
  await play('env logs', (call) => Array.fromAsync(environments.logs(ready(), { follow: false }, call)));
  await play('promote', async (call) => {
    await environments.scale?.(ready(), { db: { min: 2, max: 2 } }, call);
    const there = await slots.ensure(slot, call);
    await slots.route(there, [{ handle: ready().handle, percent: 100 }], 'epoch1', call);
  });
  await play('slot list', (call) => Array.fromAsync(slots.list(call)));
  await play('slot destroy', (call) => slots.destroy({ id: 'master' }, call));
  await play('env destroy', (call) => untilGone(environments, 'a1', call));
  await play('gc', (call) => images.destroy({ kind: 'image', reference }, call));
}

/** Names outside of the domain: made, dropped, made again and removed with their slot. */
async function certificates(): Promise<void> {
  const { slots } = await drivers();
  const slot = (hosts: readonly string[]): SlotSpec =>
    specified('slot', 'names', {
      ...{ hosts, standbyHosts: [], parts: { web: '/' }, tls: true },
      drain: { requestsSeconds: 1, webSocketsSeconds: 1 },
    });
  const own = 'names--shop.two.example';
  const play = (verb: string, work: (call: Call) => Promise<unknown>) => scene.play({ verb, play: work });
  const name = (host: string) => play('promote', (call) => until(() => slots.ensure(slot([own, host]), call)));
  await name('www.one.test');
  await play('promote', (call) => until(() => slots.ensure(slot([own]), call)));
  await name('www.two.test');
  await play('slot destroy', (call) => slots.destroy({ id: 'names' }, call));
}

/** As machines do by their own role. */
async function attachDisks(): Promise<void> {
  const { ec2 } = scene.raw;
  const { Reservations = [] } = await ec2.send(new DescribeInstancesCommand({}));
  const [InstanceId] = Reservations.flatMap(({ Instances = [] }) => Instances.map((one) => one.InstanceId));
  const { Volumes = [] } = await ec2.send(new DescribeVolumesCommand({ Filters: OURS }));
  for (const { VolumeId } of Volumes)
    await ec2.send(new AttachVolumeCommand({ VolumeId, InstanceId, Device: '/dev/sdf' }));
}

async function machines(): Promise<void> {
  const { environments, storage } = await drivers();
  let made: Environment | undefined;
  const play = (verb: string, work: (call: Call) => Promise<unknown>) => scene.play({ verb, play: work });
  await play('env create', async (call) => {
    const { volumes } = await storage();
    const disk: VolumeSpec = specified('volume', 'held', { kind: 'disk' as const, sizeGiB: 1 });
    const volume = await until(() => volumes.ensure(disk, call));
    const services = { web: onDisk(volume, { secrets: { KEY: { name: 'KEY' } } }) };
    const hosts = [`m1--shop.${ZONE}`];
    const spec: EnvironmentSpec = specified('environment', 'm1', { hosts, services, sites: {} });
    made = await until(() => environments.ensure(spec, call));
  });
  await attachDisks();
  const scaledTo = (count: number) => async (call: Call) =>
    environments.scale?.(made ?? missing(), { web: { min: count, max: count } }, call);
  await play('env show', (call) => environments.health(made ?? missing(), call));
  await play('promote', scaledTo(1));
  await play('promote', scaledTo(0));
  await play('env show', (call) => environments.health(made ?? missing(), call));
  await play('env destroy', (call) => untilGone(environments, 'm1', call));
  await play('gc', async (call) => (await storage()).volumes.destroy({ id: 'held' }, call));
}

async function volumesAndSnapshots(): Promise<void> {
  const { storage } = await drivers();
  const play = (verb: string, work: (call: Call) => Promise<unknown>) => scene.play({ verb, play: work });
  const postgres = { kind: 'database', engine: { name: 'postgres', version: '17' } } as const;
  const volume = (id: string, more: Partial<VolumeSpec>): VolumeSpec =>
    specified('volume', id, { kind: 'files' as const, sizeGiB: 20, ...more });
  const make = async (spec: VolumeSpec, call: Call) => {
    const { volumes } = await storage();
    return until(() => volumes.ensure(spec, call));
  };
  let data: Volume | undefined;
  let disk: Volume | undefined;
  let snapshot: Snapshot | undefined;
  await play('env create', async (call) => {
    data = await make(volume('data', postgres), call);
    await make({ ...volume('data', { ...postgres, sizeGiB: 40 }) }, call);
    await make(volume('files', {}), call);
    disk = await make(volume('disk', { kind: 'disk' }), call);
    await make(volume('disk', { kind: 'disk', sizeGiB: 40 }), call);
  });
  await play('storage snapshot', async (call) => {
    const { snapshots } = await storage();
    const spec: SnapshotSpec = specified('snapshot', 'p1', { volume: data ?? missing() });
    snapshot = await until(async () => (await snapshots?.ensure(spec, call)) ?? missing());
    const ofDisk: SnapshotSpec = specified('snapshot', 'p2', { volume: disk ?? missing() });
    await until(async () => (await snapshots?.ensure(ofDisk, call)) ?? missing());
  });
  await play('storage restore', async (call) => {
    if (!snapshot || !data) throw new Error('there is nothing to restore');
    await make(volume('again', { ...postgres, from: { snapshot } }), call);
    await make(volume('past', { ...postgres, from: { volume: data } }), call);
  });
  await play('storage list', async (call) => {
    const { volumes, snapshots } = await storage();
    await Array.fromAsync(volumes.list(call));
    await Array.fromAsync(snapshots?.list(call) ?? []);
  });
  await play('gc', async (call) => {
    const { volumes, snapshots } = await storage();
    for (const id of ['again', 'past', 'data', 'files', 'disk']) await untilGone(volumes, id, call);
    for (const id of ['p1', 'p2']) if (snapshots) await untilGone(snapshots, id, call);
  });
}

async function recordsAndDocuments(): Promise<void> {
  const { dns, state } = await drivers();
  const play = (verb: string, work: (call: Call) => Promise<unknown>) => scene.play({ verb, play: work });
  const record = { name: `www.${ZONE}`, type: 'A', ttlSeconds: 60, values: ['192.0.2.1'] } as const;
  await play('promote', async (call) => {
    const [zone] = await Array.fromAsync(dns.zones(call));
    if (!zone) throw new Error('there is no zone');
    const [there] = await Array.fromAsync(dns.records(zone, { name: record.name, type: 'A' }, call));
    await dns.change(zone, [{ expected: there ?? null, next: there ? null : record }], call);
  });
  await play('gc', async (call) => {
    const there = await state.get('env/a1', call);
    const revision = there?.revision ?? (await state.put('env/a1', '{}', null, call));
    await Array.fromAsync(state.list('env/', call));
    await state.delete('env/a1', revision, call);
  });
}

/** A zone for a domain that is in none: made, found again and removed. */
async function ownZone(): Promise<void> {
  const { dns } = await drivers();
  const { tags } = specified('foundation', 'ground', {});
  const ensure = (call: Call) => dns.ownZones?.ensure('new.example', tags, call);
  await scene.play({ verb: 'foundation create', play: async (call) => ensure(call) });
  await scene.play({ verb: 'foundation create', play: async (call) => ensure(call) });
  await scene.play({
    verb: 'foundation destroy',
    async play(call) {
      for await (const zone of dns.zones(call)) if (zone.isOwn) await dns.ownZones?.remove(zone, call);
    },
  });
}

async function removeFoundation(): Promise<void> {
  await scene.play({
    verb: 'foundation destroy',
    play: (call) =>
      untilGone(openFoundation({ config: configOf(), host: scene.host, foundation: undefined }), 'ground', call),
  });
}

test('where environments have records, whoever destroys them may remove those', () => {
  const verbsOf = (loadBalancers: number) =>
    permissions(configOf({ loadBalancers })).flatMap(({ action, verbs }) =>
      action === 'route53:ChangeResourceRecordSets' ? verbs : [],
    );
  expect([verbsOf(1), verbsOf(2)].map((verbs) => verbs.includes('env destroy'))).toEqual([false, true]);
});

test('a whole story needs each action that is printed, for the commands that it is printed for, and no other', async () => {
  await makeFoundation({ network: { nat: 'none' } }, ZONE);
  await damage();
  await makeFoundation({ network: { zones: 3, nat: 'zone' }, loadBalancers: 2, logDays: 7 }, 'two.example');
  await certificates();
  await makeFoundation({ network: { nat: 'one' } });
  await recordsAndDocuments();
  await ownZone();
  await volumesAndSnapshots();
  await environmentsAndSlots();
  await machines();
  await removeFoundation();
  const judged = new Set(printed.map(({ action }) => action));
  for (const action of Object.values(UNJUDGED).join(' ').split(' ')) judged.delete(action);
  expect([...scene.needed].sort()).toEqual([...judged].sort());
}, 600_000);
