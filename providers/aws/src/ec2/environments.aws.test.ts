import { gunzipSync } from 'node:zlib';
import { afterAll, beforeAll, expect, test } from '@jest/globals';
import {
  CreateAutoScalingGroupCommand,
  DeleteAutoScalingGroupCommand,
  DescribeAutoScalingGroupsCommand,
  UpdateAutoScalingGroupCommand,
} from '@aws-sdk/client-auto-scaling';
import { CreateLogStreamCommand, PutLogEventsCommand } from '@aws-sdk/client-cloudwatch-logs';
import {
  CreateLaunchTemplateCommand,
  CreateLaunchTemplateVersionCommand,
  DeleteLaunchTemplateCommand,
  DescribeLaunchTemplatesCommand,
  DescribeLaunchTemplateVersionsCommand,
} from '@aws-sdk/client-ec2';
import {
  CreateRuleCommand,
  CreateTargetGroupCommand,
  DeleteRuleCommand,
  DeleteTargetGroupCommand,
  DescribeTargetGroupsCommand,
} from '@aws-sdk/client-elastic-load-balancing-v2';
import { GetObjectCommand } from '@aws-sdk/client-s3';
import type { Environment } from '@clusternator/core';
import { keyOf, targetOf } from '../ecs/handle.ts';
import { serviceName } from '../ecs/names.ts';
import { actionOf, web, type EcsScene, type Tenant } from '../ecs/testing/ecs-scene.ts';
import { lastLines } from './last-lines.ts';
import { awsMachines } from './machine-environments.ts';
import { machineKey } from './names.ts';
import { command, machineThings, openMachineScene } from './testing/machine-scene.ts';

let scene: EcsScene;
let shop: Tenant;
// MiniStack has no Auto Scaling groups that keep machines.
beforeAll(async () => {
  scene = await openMachineScene('moto', { machine: { packages: ['nodejs22'] } });
  shop = await scene.tenant();
}, 120_000);
afterAll(() => scene.end());

const read = (id: string, by = shop): Promise<Environment | undefined> =>
  by.call('read', (call) => by.environments.read({ id }, call));
const list = (by: Tenant): Promise<readonly Environment[]> =>
  by.call('list', (call) => Array.fromAsync(by.environments.list(call)));
const destroy = (id: string, by = shop): Promise<void> =>
  by.call('destroy', (call) => by.environments.destroy({ id }, call));

/** As the account keeps it. */
async function templateOf(environment: Environment | undefined) {
  const [group] = (environment && awsMachines.of(environment)?.groups) ?? [];
  const { LaunchTemplateId, Version } = group?.LaunchTemplate ?? {};
  const asked = new DescribeLaunchTemplateVersionsCommand({ LaunchTemplateId, Versions: [Version ?? ''] });
  const data = (await scene.raw.ec2.send(asked)).LaunchTemplateVersions?.[0]?.LaunchTemplateData;
  return { data, begins: Buffer.from(data?.UserData ?? '', 'base64').toString() };
}

test('an environment is made in nine calls, changed by none, and removed with all that it had', async () => {
  const spec = shop.spec('a1', { web: command() });
  const before = await machineThings(scene);
  const start = scene.wire.calls.length;
  const made = await shop.make(spec);
  expect(scene.wire.since(start).map(actionOf).sort()).toEqual([
    'CreateAutoScalingGroup',
    'CreateLaunchTemplate',
    'CreateRule',
    'CreateTargetGroup',
    'DescribeAutoScalingGroups',
    'DescribeAutoScalingGroups',
    'DescribeTargetGroups',
    'DescribeTargetHealth',
    'PutObject',
  ]);
  expect(made).toMatchObject({
    id: 'a1',
    fingerprint: spec.fingerprint,
    tags: spec.tags,
    phase: 'active',
    url: 'http://a1--shop.example.com',
    parts: { web: { phase: 'active', digest: `sha256:${'b'.repeat(64)}` } },
  });
  expect(await read('a1')).toEqual(made);

  const mutations = scene.wire.mutations;
  await shop.make(spec);
  await (await scene.tenant()).make(spec);
  expect(scene.wire.mutations).toBe(mutations);

  const end = scene.wire.calls.length;
  await shop.remove('a1');
  const removing = scene.wire.since(end).map(actionOf);
  expect(removing.indexOf('DeleteRule')).toBeLessThan(removing.indexOf('DeleteAutoScalingGroup'));
  expect(removing.indexOf('DeleteAutoScalingGroup')).toBeLessThan(removing.indexOf('DeleteTargetGroup'));
  expect(await machineThings(scene)).toEqual(before);
  const gone = scene.wire.mutations;
  await destroy('a1');
  expect(scene.wire.mutations).toBe(gone);
});

test('a machine has a token for its metadata, an encrypted disk, tags, no key, and begins with the source of the commit', async () => {
  const secret = { name: 'API_KEY', reference: 'arn:aws:secretsmanager:us-east-1:123456789012:secret:key-AbCdEf' };
  const spec = shop.spec('b1', {
    web: command({
      env: { QUOTED: "it's 100% $HOME" },
      secrets: { API_KEY: secret, OWN: { name: 'OWN' } },
      memoryMiB: 3000,
      native: { launchTemplate: { EbsOptimized: true } },
    }),
  });
  const made = await shop.make(spec);
  const { data, begins } = await templateOf(made);
  expect(data).toMatchObject({
    ImageId: 'resolve:ssm:/aws/service/ami-amazon-linux-latest/al2023-ami-kernel-default-x86_64',
    InstanceType: 't3.medium',
    IamInstanceProfile: { Arn: scene.foundation.roles.instanceProfile },
    MetadataOptions: { HttpTokens: 'required', HttpEndpoint: 'enabled' },
    BlockDeviceMappings: [{ DeviceName: '/dev/xvda', Ebs: { Encrypted: true, VolumeType: 'gp3' } }],
    NetworkInterfaces: [{ Groups: [scene.foundation.securityGroups.app], AssociatePublicIpAddress: true }],
    EbsOptimized: true,
  });
  expect(data?.KeyName).toBeUndefined();
  for (const { Tags = [] } of data?.TagSpecifications ?? [])
    expect(Object.fromEntries(Tags.map(({ Key = '', Value }) => [Key, Value]))).toMatchObject(spec.tags);
  expect(data?.TagSpecifications?.map(({ ResourceType }) => ResourceType)).toEqual(
    expect.arrayContaining(['instance', 'volume', 'network-interface']),
  );

  expect(begins).toContain("dnf --assumeyes install 'nodejs22'");
  expect(begins).not.toContain('the value of');
  const settings = /service\.json <<'END'\n(.*)\nEND/.exec(begins)?.[1] ?? '';
  const key = keyOf(made.handle) ?? '';
  expect(JSON.parse(Buffer.from(settings, 'base64').toString())).toMatchObject({
    command: ['node', 'server.mjs'],
    install: ['npm', 'ci'],
    env: { HOST: '0.0.0.0', QUOTED: "it's 100% $HOME" },
    secrets: { API_KEY: secret.reference, OWN: expect.stringMatching(/^arn:.*:OWN::$/) },
    logGroup: 'shop',
    stream: `${key}/web/`,
  });
  const [, at = '', sha256 = ''] = /s3:\/\/[^/]+\/(sources\/\S+\/([0-9a-f]{64})\.tar\.gz)/.exec(begins) ?? [];
  expect(begins).toContain(`${sha256}  /opt/clusternator/source.tar.gz`);
  const object = await scene.raw.s3.send(new GetObjectCommand({ Bucket: scene.foundation.bucket, Key: at }));
  const tar = gunzipSync((await object.Body?.transformToByteArray()) ?? new Uint8Array());
  expect(tar.toString()).toContain('export const part = 1;');
  await shop.remove('b1');
});

test('its target group takes machines, and its health is theirs', async () => {
  const made = await shop.make(shop.spec('c1', { web: command({ instances: { min: 2, max: 2 } }) }));
  const arn = targetOf(made.handle, 'web') ?? '';
  const { TargetGroups } = await scene.raw.elb.send(new DescribeTargetGroupsCommand({ TargetGroupArns: [arn] }));
  expect(TargetGroups).toMatchObject([{ TargetType: 'instance', Port: 8080, HealthCheckPath: '/ready' }]);
  const health = () => shop.call('health', (call) => shop.environments.health(made, call));
  expect((await health()).parts.web).toEqual({ healthy: true, instances: 2 });
  const scale = (instances: number) =>
    shop.call(
      'scale',
      (call) => shop.environments.scale?.(made, { web: { min: instances, max: instances } }, call) ?? Promise.resolve(),
    );
  await scale(0);
  expect((await read('c1'))?.parts.web).toMatchObject({ phase: 'stopped' });
  expect((await health()).healthy).toBe(false);
  await scale(1);
  expect((await read('c1'))?.parts.web).toMatchObject({ phase: 'active' });
  await shop.remove('c1');
  await expect(health()).rejects.toMatchObject({ code: 'not-found' });
});

test('a group that was changed by hand no longer tells that it runs the commit', async () => {
  const made = await shop.make(shop.spec('d1', { web: command() }));
  const [group] = awsMachines.of(made)?.groups ?? [];
  const { LaunchTemplateId } = group?.LaunchTemplate ?? {};
  const { raw } = scene;
  await raw.ec2.send(
    new CreateLaunchTemplateVersionCommand({
      LaunchTemplateId,
      SourceVersion: '1',
      LaunchTemplateData: { UserData: 'IyEvYmluL3No' },
    }),
  );
  const LaunchTemplate = { LaunchTemplateId, Version: '2' };
  await raw.scaling.send(
    new UpdateAutoScalingGroupCommand({ AutoScalingGroupName: group?.AutoScalingGroupName, LaunchTemplate }),
  );
  expect((await read('d1'))?.parts.web?.digest).toBeUndefined();
  await shop.remove('d1');
});

test('a machine that was given up has the last word', async () => {
  const { raw, foundation } = scene;
  const names = { logGroupName: foundation.logGroup, logStreamName: 'clusternator-vm-z1/web/i-0123456789abcdef0' };
  await raw.logs.send(new CreateLogStreamCommand(names));
  const logEvents = ['installing', 'no such package'].map((message) => ({ timestamp: Date.now(), message }));
  await raw.logs.send(new PutLogEventsCommand({ ...names, logEvents }));
  const words = await shop.call('last lines', (call) =>
    lastLines(
      { logs: raw.logs, foundation },
      {
        key: 'clusternator-vm-z1',
        service: 'web',
        instances: ['i-9'],
        activities: [{ Description: 'Terminating EC2 instance: i-0123456789abcdef0' }],
      },
      call,
    ),
  );
  expect(words).toEqual(['installing', 'no such package']);
});

test('two projects, two stages and two kinds see their own alone', async () => {
  const [blog, staging] = [await scene.tenant({ project: 'blog' }), await scene.tenant({ stage: 'staging' })];
  const made = [];
  for (const by of [shop, blog, staging]) made.push(await by.make(by.spec('same', { web: command() })));
  expect(new Set(made.map(({ handle }) => keyOf(handle))).size).toBe(3);
  await shop.make(shop.spec('boxed', { web: web() }));
  expect((await list(shop)).map(({ id }) => id).sort()).toEqual(['boxed', 'same']);
  for (const by of [blog, staging]) expect((await list(by)).map(({ id }) => id)).toEqual(['same']);
  await shop.remove('same');
  await shop.remove('boxed');
  expect(await list(shop)).toEqual([]);
  expect((await read('same', blog))?.phase).toBe('active');
  await blog.remove('same');
  await staging.remove('same');
});

test('another spec of the same id is returned untouched', async () => {
  const made = await shop.make(shop.spec('e1', { web: command() }));
  const before = scene.wire.mutations;
  const other = await shop.make(shop.spec('e1', { web: command({ port: 9090 }) }));
  expect([other.fingerprint, scene.wire.mutations]).toEqual([made.fingerprint, before]);
  await shop.remove('e1');
});

test.each(['group', 'launch template', 'target group'] as const)(
  'a %s of its name that is not ours is neither used nor removed',
  async (kind) => {
    const id = `f-${kind.replace(' ', '')}`;
    const name = serviceName(machineKey(shop.host, id), 0);
    const { raw, foundation } = scene;
    const LaunchTemplateData = { ImageId: 'ami-12345678', InstanceType: 't3.micro' as const };
    const templateName = kind === 'launch template' ? name : 'theirs';
    await raw.ec2.send(new CreateLaunchTemplateCommand({ LaunchTemplateName: templateName, LaunchTemplateData }));
    if (kind === 'group') {
      const LaunchTemplate = { LaunchTemplateName: templateName, Version: '1' };
      const size = { MinSize: 0, MaxSize: 0, VPCZoneIdentifier: foundation.subnets.app[0] };
      await raw.scaling.send(
        new CreateAutoScalingGroupCommand({ AutoScalingGroupName: name, LaunchTemplate, ...size }),
      );
    }
    const planted = {
      Name: name,
      Protocol: 'HTTP' as const,
      Port: 1,
      VpcId: foundation.vpc,
      TargetType: 'ip' as const,
    };
    const theirs =
      kind === 'target group' ? await raw.elb.send(new CreateTargetGroupCommand(planted)) : { TargetGroups: [] };
    await expect(shop.make(shop.spec(id, { web: command() }))).rejects.toMatchObject({ code: 'owned-by-other' });
    await expect(destroy(id)).rejects.toMatchObject({ code: 'owned-by-other' });
    const { LaunchTemplates = [] } = await raw.ec2.send(new DescribeLaunchTemplatesCommand({}));
    expect(LaunchTemplates.map(({ LaunchTemplateName }) => LaunchTemplateName)).toContain(templateName);
    const { AutoScalingGroups = [] } = await raw.scaling.send(new DescribeAutoScalingGroupsCommand({}));
    expect(AutoScalingGroups).toHaveLength(kind === 'group' ? 1 : 0);

    if (kind === 'group') await raw.scaling.send(new DeleteAutoScalingGroupCommand({ AutoScalingGroupName: name }));
    await raw.ec2.send(new DeleteLaunchTemplateCommand({ LaunchTemplateName: templateName }));
    for (const { TargetGroupArn } of theirs.TargetGroups ?? [])
      await raw.elb.send(new DeleteTargetGroupCommand({ TargetGroupArn }));
    await shop.remove(id);
  },
);

test('where a rule of somebody else leads, nothing is removed', async () => {
  const made = await shop.make(shop.spec('g1', { web: command() }));
  const { Rules } = await scene.raw.elb.send(
    new CreateRuleCommand({
      ListenerArn: scene.foundation.loadBalancer.http,
      Priority: 7,
      Conditions: [{ Field: 'host-header', Values: ['theirs.example.com'] }],
      Actions: [{ Type: 'forward', TargetGroupArn: targetOf(made.handle, 'web') }],
    }),
  );
  const before = scene.wire.mutations;
  await expect(destroy('g1')).rejects.toMatchObject({ code: 'conflict' });
  expect(scene.wire.mutations).toBe(before);
  await scene.raw.elb.send(new DeleteRuleCommand({ RuleArn: Rules?.[0]?.RuleArn }));
  await shop.remove('g1');
});

test('what machines can not do is refused before anything is made, with the way out', async () => {
  const { route: _, ...worker } = command();
  const refused = async (services: Parameters<Tenant['spec']>[1]): Promise<unknown> =>
    shop.make(shop.spec('h1', services)).then(
      () => undefined,
      (error: unknown) => error,
    );
  const before = scene.wire.mutations;
  expect(await refused({ worker })).toMatchObject({ code: 'unsupported', detail: { path: 'services.worker' } });
  expect(await refused({ web: command({ needs: { api: 'API' } }), api: command() })).toMatchObject({
    code: 'unsupported',
    detail: { path: 'services.web.needs' },
  });
  expect(await refused({ web: command(), box: web({ route: '/box' }) })).toMatchObject({
    code: 'unsupported',
    detail: { path: 'services.web' },
  });
  expect(await refused({ web: command({ env: { LONG: 'x'.repeat(20_000) } }) })).toMatchObject({
    code: 'invalid',
    detail: { path: 'services.web.env' },
  });
  expect(await refused({ web: command({ memoryMiB: 10_000_000 }) })).toMatchObject({ code: 'invalid' });
  expect(scene.wire.mutations).toBe(before);
});
