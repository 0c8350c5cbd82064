import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { DescribeTaskDefinitionCommand, DescribeServicesCommand } from '@aws-sdk/client-ecs';
import {
  CreateRuleCommand,
  CreateTargetGroupCommand,
  DeleteRuleCommand,
  DescribeRulesCommand,
  DescribeTagsCommand,
  DescribeTargetGroupsCommand,
} from '@aws-sdk/client-elastic-load-balancing-v2';
import { ListServicesCommand } from '@aws-sdk/client-servicediscovery';
import { GetSecretValueCommand, ListSecretsCommand } from '@aws-sdk/client-secrets-manager';
import type { Environment } from '@clusternator/core';
import { hostsOf } from '../alb/conditions.ts';
import { awsEnvironment } from './environment-view.ts';
import { keyOf, targetOf } from './handle.ts';
import { environmentKey, serviceName } from './names.ts';
import { actionOf, database, openScene, web, type EcsScene, type Tenant } from './testing/ecs-scene.ts';

describe.each(['moto', 'ministack'] as const)('environments on %s', (emulator) => {
  let scene: EcsScene;
  let shop: Tenant;
  beforeAll(async () => {
    scene = await openScene(emulator);
    shop = await scene.tenant();
  }, 120_000);
  afterAll(() => scene.end());

  const read = (id: string, by = shop): Promise<Environment | undefined> =>
    by.call('read', (call) => by.environments.read({ id }, call));
  const list = (by: Tenant): Promise<readonly Environment[]> =>
    by.call('list', (call) => Array.fromAsync(by.environments.list(call)));
  const destroy = (id: string, by = shop): Promise<void> =>
    by.call('destroy', (call) => by.environments.destroy({ id }, call));
  const rules = async () => {
    const { http } = scene.foundation.loadBalancer;
    return (await scene.raw.elb.send(new DescribeRulesCommand({ ListenerArn: http }))).Rules ?? [];
  };

  test('an environment is made in seven calls, changed by none, and removed in eight and six that look for more', async () => {
    const spec = shop.spec('a1');
    const start = scene.wire.calls.length;
    const made = await shop.make(spec);
    expect(scene.wire.since(start).map(actionOf).sort()).toEqual([
      'CreateRule',
      'CreateService',
      'CreateTargetGroup',
      'DescribeServices',
      'DescribeServices',
      'DescribeTargetGroups',
      'RegisterTaskDefinition',
    ]);
    expect(made).toMatchObject({
      id: 'a1',
      fingerprint: spec.fingerprint,
      tags: spec.tags,
      phase: 'active',
      url: 'http://a1--shop.example.com',
      parts: { web: { phase: 'active' } },
    });
    expect(await read('a1')).toEqual(made);

    const before = scene.wire.mutations;
    await shop.make(spec);
    await (await scene.tenant()).make(spec);
    expect(scene.wire.mutations).toBe(before);

    const end = scene.wire.calls.length;
    await shop.remove('a1');
    expect(scene.wire.since(end).map(actionOf).sort()).toEqual(
      [
        ...['DescribeServices', 'DescribeRules', 'DeleteRule', 'ModifyTargetGroupAttributes', 'DeleteService'],
        ...['DeregisterTaskDefinition', 'DeleteTaskDefinitions', 'DeleteTargetGroup'],
        // What there might be beside what its services tell.
        ...['DescribeTargetGroups', 'ListSecrets', 'ListServices', 'ListTaskDefinitions'],
        ...['ListTaskDefinitionFamilies', 'ListTaskDefinitionFamilies'],
        // moto tells of families whatever their status.
        ...(emulator === 'moto' ? ['ListTaskDefinitions'] : []),
      ].sort(),
    );
    expect(await read('a1')).toBeUndefined();
    const gone = scene.wire.mutations;
    await destroy('a1');
    expect(scene.wire.mutations).toBe(gone);
  });

  test('what runs is what was asked for', async () => {
    const volume = {
      id: 'data',
      kind: 'files' as const,
      sizeGiB: 1,
      phase: 'active' as const,
      handle: { fileSystemId: 'fs-1', accessPointId: 'fsap-1' },
    };
    const spec = shop.spec('b1', {
      web: web({
        command: ['serve', '--all'],
        secrets: { API_KEY: { name: 'API_KEY', reference: 'arn:aws:ssm:us-east-1:123456789012:parameter/key' } },
        mounts: { '/data': { volume, readOnly: true } },
        memoryMiB: 600,
        native: { container: { ulimits: [{ name: 'nofile', softLimit: 1, hardLimit: 1 }] } },
      }),
    });
    const made = await shop.make(spec);
    const [service] = awsEnvironment.of(made)?.services ?? [];
    const { taskDefinition } = await scene.raw.ecs.send(
      new DescribeTaskDefinitionCommand({ taskDefinition: service?.taskDefinition }),
    );
    expect(taskDefinition).toMatchObject({
      cpu: '256',
      memory: '1024',
      networkMode: 'awsvpc',
      executionRoleArn: scene.foundation.roles.execution,
      taskRoleArn: scene.foundation.roles.task,
      volumes: [
        {
          name: 'volume-0',
          efsVolumeConfiguration: {
            fileSystemId: 'fs-1',
            transitEncryption: 'ENABLED',
            authorizationConfig: { accessPointId: 'fsap-1' },
          },
        },
      ],
      containerDefinitions: [
        {
          name: 'web',
          image: `registry.example/web@sha256:${'a'.repeat(64)}`,
          command: ['serve', '--all'],
          memory: 1024,
          environment: [{ name: 'LOG_LEVEL', value: 'info' }],
          secrets: [{ name: 'API_KEY', valueFrom: 'arn:aws:ssm:us-east-1:123456789012:parameter/key' }],
          portMappings: [{ containerPort: 8080, protocol: 'tcp' }],
          mountPoints: [{ sourceVolume: 'volume-0', containerPath: '/data', readOnly: true }],
          ulimits: [{ name: 'nofile', softLimit: 1, hardLimit: 1 }],
          logConfiguration: {
            logDriver: 'awslogs',
            options: { 'awslogs-group': 'shop', 'awslogs-stream-prefix': keyOf(made.handle) },
          },
        },
      ],
    });
    expect(service).toMatchObject({
      desiredCount: 1,
      launchType: 'FARGATE',
      propagateTags: 'SERVICE',
      loadBalancers: [{ containerName: 'web', containerPort: 8080, targetGroupArn: targetOf(made.handle, 'web') }],
    });
    const { TargetGroups } = await scene.raw.elb.send(
      new DescribeTargetGroupsCommand({ TargetGroupArns: [targetOf(made.handle, 'web') ?? ''] }),
    );
    expect(TargetGroups).toMatchObject([
      {
        TargetType: 'ip',
        Port: 8080,
        VpcId: scene.foundation.vpc,
        HealthCheckPath: '/ready',
        Matcher: { HttpCode: '200-299' },
      },
    ]);
    await shop.remove('b1');
  });

  test('a path below another has a rule that comes before it, each with the tags of the environment', async () => {
    const spec = shop.spec('c1', { web: web(), api: web({ route: '/api', port: 8081 }) });
    await shop.make(spec);
    const own = (await rules()).filter(({ IsDefault }) => IsDefault !== true);
    const [api, root] = [...own].sort((a, b) => Number(a.Priority) - Number(b.Priority));
    expect([api, root].map((rule) => hostsOf(rule ?? {}))).toEqual(Array(2).fill(['c1--shop.example.com']));
    expect([api, root].map((rule) => rule?.Conditions?.length)).toEqual([2, 1]);
    const arns = own.map(({ RuleArn = '' }) => RuleArn);
    const { TagDescriptions = [] } = await scene.raw.elb.send(new DescribeTagsCommand({ ResourceArns: arns }));
    for (const { Tags = [] } of TagDescriptions) {
      expect(Object.fromEntries(Tags.map(({ Key = '', Value }) => [Key, Value]))).toEqual(spec.tags);
    }
    expect(TagDescriptions).toHaveLength(2);
    await shop.remove('c1');
    expect((await rules()).filter(({ IsDefault }) => IsDefault !== true)).toEqual([]);
  });

  test('what others need is started first and found by its name; values without a reference go to a secret', async () => {
    const spec = shop.spec('d1', {
      db: database({ secrets: { PASSWORD: { name: 'PASSWORD' } } }),
      web: web({ needs: { db: 'DB_HOST' } }),
    });
    const start = scene.wire.calls.length;
    const made = await shop.make(spec);
    const creating = scene.wire.since(start).filter((call) => actionOf(call) === 'CreateService');
    // That of Cloud Map, then those of ECS.
    expect(creating.map(({ headers }) => headers['x-amz-target']?.split('_')[0])).toEqual([
      'Route53AutoNaming',
      'AmazonEC2ContainerServiceV20141113.CreateService',
      'AmazonEC2ContainerServiceV20141113.CreateService',
    ]);
    const key = keyOf(made.handle) ?? '';
    const definitionOf = async (service: string) => {
      const family = serviceName(key, service === 'db' ? 0 : 1);
      const asked = new DescribeTaskDefinitionCommand({ taskDefinition: `${family}:1` });
      return (await scene.raw.ecs.send(asked)).taskDefinition?.containerDefinitions?.[0];
    };
    expect((await definitionOf('web'))?.environment).toContainEqual({
      name: 'DB_HOST',
      value: `${key}-0.${scene.foundation.namespace.name}`,
    });
    const [secret] = (await definitionOf('db'))?.secrets ?? [];
    const [arn = ''] = secret?.valueFrom?.split(':PASSWORD::') ?? [];
    const { SecretString } = await scene.raw.secrets.send(new GetSecretValueCommand({ SecretId: arn }));
    expect(SecretString).toBe('{"PASSWORD":"the value of PASSWORD"}');
    expect(JSON.stringify(made)).not.toContain('the value of');
    await shop.remove('d1');
    const { Services } = await scene.raw.discovery.send(new ListServicesCommand({}));
    const { SecretList } = await scene.raw.secrets.send(new ListSecretsCommand({}));
    expect([Services, SecretList]).toEqual([[], []]);
  });

  test('health is what the target group says, of as many instances as there are to be', async () => {
    const made = await shop.make(shop.spec('e1', { web: web({ instances: { min: 2, max: 2 } }) }));
    const health = () => shop.call('health', (call) => shop.environments.health(made, call));
    const none = await health();
    expect(none.healthy).toBe(false);
    await scene.serve(made, 2);
    const whole = await health();
    expect([whole.healthy, whole.parts.web?.healthy]).toEqual([true, true]);
    await shop.remove('e1');
    await expect(health()).rejects.toMatchObject({ code: 'not-found' });
  });

  test('a service is scaled to none and back, and others run on', async () => {
    const made = await shop.make(shop.spec('f1', { web: web(), worker: database() }));
    const scale = (instances: number) =>
      shop.call(
        'scale',
        (call) =>
          shop.environments.scale?.(made, { worker: { min: instances, max: instances } }, call) ?? Promise.resolve(),
      );
    await scale(0);
    expect((await read('f1'))?.parts).toMatchObject({ web: { phase: 'active' }, worker: { phase: 'stopped' } });
    await scale(1);
    expect((await read('f1'))?.parts.worker).toMatchObject({ phase: 'active' });
    await shop.remove('f1');
  });

  // moto runs two tasks of whatever it is asked for.
  if (emulator === 'ministack')
    test('what is to run on the head alone begins with none, and the environment is healthy without it', async () => {
      const made = await shop.make(
        shop.spec('g1', { web: web(), worker: database({ instances: { min: 0, max: 0 } }) }),
      );
      expect([made.phase, made.parts.worker?.phase]).toEqual(['active', 'stopped']);
      await scene.serve(made);
      const health = await shop.call('health', (call) => shop.environments.health(made, call));
      expect([health.healthy, health.parts.worker]).toEqual([true, { healthy: true, instances: 0 }]);
      await shop.remove('g1');
    });

  test('two projects and two stages see their own alone', async () => {
    const [blog, staging] = [await scene.tenant({ project: 'blog' }), await scene.tenant({ stage: 'staging' })];
    const made = [];
    for (const by of [shop, blog, staging]) made.push(await by.make(by.spec('same')));
    expect(new Set(made.map(({ handle }) => keyOf(handle))).size).toBe(3);
    for (const by of [shop, blog, staging]) expect((await list(by)).map(({ id }) => id)).toEqual(['same']);
    await shop.remove('same');
    expect(await list(shop)).toEqual([]);
    expect((await read('same', blog))?.phase).toBe('active');
    await blog.remove('same');
    await staging.remove('same');
  });

  test('another spec of the same id is returned untouched', async () => {
    const made = await shop.make(shop.spec('h1'));
    const before = scene.wire.mutations;
    const other = await shop.make(shop.spec('h1', { web: web({ port: 9090 }) }));
    expect([other.fingerprint, scene.wire.mutations]).toEqual([made.fingerprint, before]);
    await shop.remove('h1');
  });

  test('a service of its name that is not ours is neither taken nor removed', async () => {
    const name = serviceName(environmentKey(shop.host, 'i1'), 0);
    const blog = await scene.tenant({ project: 'blog' });
    const { handle } = await blog.make(blog.spec('other'));
    const [theirs] = awsEnvironment.of((await read('other', blog)) ?? (undefined as never))?.services ?? [];
    const { CreateServiceCommand, DeleteServiceCommand } = await import('@aws-sdk/client-ecs');
    const { cluster } = scene.foundation;
    const planted = { cluster, serviceName: name, taskDefinition: theirs?.taskDefinition, desiredCount: 1 };
    await scene.raw.ecs.send(new CreateServiceCommand(planted));
    const before = scene.wire.mutations;
    await expect(shop.make(shop.spec('i1'))).rejects.toMatchObject({ code: 'owned-by-other' });
    await expect(read('i1')).rejects.toMatchObject({ code: 'owned-by-other' });
    await expect(destroy('i1')).rejects.toMatchObject({ code: 'owned-by-other' });
    expect(scene.wire.mutations).toBe(before);
    const { services } = await scene.raw.ecs.send(new DescribeServicesCommand({ cluster, services: [name] }));
    expect(services?.[0]?.status).toBe('ACTIVE');
    await scene.raw.ecs.send(new DeleteServiceCommand({ cluster, service: name, force: true }));
    expect(keyOf(handle)).not.toBe(undefined);
    await blog.remove('other');
  });

  test('a target group of its name that is not ours is neither used nor removed', async () => {
    const Name = serviceName(environmentKey(shop.host, 'j1'), 0);
    const request = {
      Name,
      Protocol: 'HTTP' as const,
      Port: 1,
      VpcId: scene.foundation.vpc,
      TargetType: 'ip' as const,
    };
    await scene.raw.elb.send(new CreateTargetGroupCommand(request));
    await expect(shop.make(shop.spec('j1'))).rejects.toMatchObject({ code: 'owned-by-other' });
    await expect(destroy('j1')).rejects.toMatchObject({ code: 'owned-by-other' });
    const { TargetGroups } = await scene.raw.elb.send(new DescribeTargetGroupsCommand({ Names: [Name] }));
    expect(TargetGroups).toMatchObject([{ Port: 1 }]);
  });

  test('where a rule of somebody else leads, nothing is removed', async () => {
    const made = await shop.make(shop.spec('k1'));
    const { Rules } = await scene.raw.elb.send(
      new CreateRuleCommand({
        ListenerArn: scene.foundation.loadBalancer.http,
        Priority: 7,
        Conditions: [{ Field: 'host-header', Values: ['theirs.example.com'] }],
        Actions: [{ Type: 'forward', TargetGroupArn: targetOf(made.handle, 'web') }],
      }),
    );
    const before = scene.wire.mutations;
    await expect(destroy('k1')).rejects.toMatchObject({ code: 'conflict' });
    expect(scene.wire.mutations).toBe(before);
    await scene.raw.elb.send(new DeleteRuleCommand({ RuleArn: Rules?.[0]?.RuleArn }));
    await shop.remove('k1');
  });

  test('five processes that make one environment at once make one', async () => {
    const spec = shop.spec('l1', { db: database(), web: web({ needs: { db: 'DB_HOST' } }) });
    const tenants = await Promise.all(Array.from({ length: 5 }, () => scene.tenant()));
    const made = await Promise.all(tenants.map((by) => by.make(spec)));
    expect(new Set(made.map(({ handle }) => JSON.stringify(handle))).size).toBe(1);
    const { TargetGroups } = await scene.raw.elb.send(new DescribeTargetGroupsCommand({}));
    const own = (TargetGroups ?? []).filter(({ TargetGroupName = '' }) =>
      TargetGroupName.startsWith(keyOf(made[0]?.handle) ?? ''),
    );
    expect(own).toHaveLength(1);
    // MiniStack gives a priority twice.
    if (emulator === 'moto') expect((await rules()).filter(({ IsDefault }) => IsDefault !== true)).toHaveLength(1);
    // A connection that idled while the others worked may be closed by now.
    const last = await scene.tenant();
    await last.remove('l1');
    expect(await read('l1', last)).toBeUndefined();
  });
});
