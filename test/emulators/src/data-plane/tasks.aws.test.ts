import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { CloudWatchLogsClient, CreateLogGroupCommand, FilterLogEventsCommand } from '@aws-sdk/client-cloudwatch-logs';
import { UpdateServiceCommand, type ContainerDefinition } from '@aws-sdk/client-ecs';
import {
  CreatePrivateDnsNamespaceCommand,
  CreateServiceCommand,
  ListNamespacesCommand,
  ServiceDiscoveryClient,
} from '@aws-sdk/client-servicediscovery';
import { eventually } from '../traffic.ts';
import { Account } from './testing/account.ts';

/** What an emulator says of services makes no difference to these. */
let account: Account;

beforeAll(async () => {
  account = await Account.open('ministack');
});

afterAll(async () => account.end());

test('containers of a task start in order, and share its network and its volumes', async () => {
  const group = await account.group('many');
  await account.rule('many', group);
  const shell = (script: string) => ['/bin/busybox', 'sh', '-c', script];
  const mountPoints = [{ sourceVolume: 'shared', containerPath: '/shared' }];
  const plain = { image: account.image, memory: 64, mountPoints };
  const before: ContainerDefinition = {
    ...plain,
    name: 'before',
    essential: false,
    command: shell('echo first >/shared/index.html'),
  };
  const behind: ContainerDefinition = {
    ...plain,
    name: 'behind',
    command: shell('echo behind >/index.html; exec /bin/busybox httpd -f -p 9000 -h /'),
    linuxParameters: { initProcessEnabled: true },
  };
  const script =
    'B=/bin/busybox; $B wget -qO- http://127.0.0.1:9000/ >>/shared/index.html; $B touch /shared/ready; exec $B httpd -f -p 8080 -h /shared';
  const dependsOn: ContainerDefinition['dependsOn'] = [
    { containerName: 'before', condition: 'SUCCESS' },
    { containerName: 'behind', condition: 'START' },
  ];
  await account.service('many', group, { command: shell(script), mountPoints, dependsOn }, {}, [before, behind]);
  await account.eventuallyRolledOut('many');
  expect(await account.ask('many')).toBe('first\nbehind');
});

test('a task finds another by its name in Cloud Map, and what it says is in its log', async () => {
  const discovery = new ServiceDiscoveryClient(account.at);
  const logs = new CloudWatchLogsClient(account.at);
  await discovery.send(new CreatePrivateDnsNamespaceCommand({ Name: 'inside', Vpc: account.vpc }));
  const { Namespaces = [] } = await discovery.send(new ListNamespacesCommand({}));
  const { Service } = await discovery.send(
    new CreateServiceCommand({
      Name: 'db',
      NamespaceId: Namespaces[0]?.Id,
      DnsConfig: { DnsRecords: [{ Type: 'A', TTL: 10 }] },
    }),
  );
  await logs.send(new CreateLogGroupCommand({ logGroupName: 'said' }));
  const group = await account.group('db');
  await account.rule('db', group);
  await account.service('db', group, {}, { serviceRegistries: [{ registryArn: Service?.Arn }] });
  await account.eventuallyRolledOut('db');
  const options = { 'awslogs-group': 'said', 'awslogs-region': 'us-east-1', 'awslogs-stream-prefix': 'asks' };
  const command = ['/bin/busybox', 'wget', '-qO-', 'http://db.inside:8080/'];
  await account.run('asks', { command, logConfiguration: { logDriver: 'awslogs', options } });
  const events = await eventually(async () => {
    const found = await logs.send(
      new FilterLogEventsCommand({ logGroupName: 'said', logStreamNamePrefix: 'asks/app/' }),
    );
    return found.events?.length ? found.events : undefined;
  });
  expect(events.map(({ message }) => message)).toEqual(['db']);
});

test('a new release takes over with no request lost, and one that breaks is rolled back', async () => {
  const group = await account.group('rolls');
  await account.rule('rolls', group);
  const deploymentConfiguration = { deploymentCircuitBreaker: { enable: true, rollback: true } };
  await account.service('rolls', group, {}, { desiredCount: 2, deploymentConfiguration });
  const first = await account.eventuallyRolledOut('rolls');
  const next = await account.define('rolls', { environment: [{ name: 'TEXT', value: 'next' }] });
  const update = { cluster: 'main', service: 'rolls' };
  const tally = await account.load('rolls', async () => {
    await account.ecs.send(new UpdateServiceCommand({ ...update, taskDefinition: next }));
    await eventually(async () => {
      const { deployments = [] } = await account.described('rolls');
      return deployments.length === 1 && deployments[0]?.taskDefinition === next ? true : undefined;
    });
  });
  expect(Object.keys(tally).sort()).toEqual(['next', 'rolls']);
  expect((await account.described('rolls')).taskDefinition).not.toBe(first.taskDefinition);

  const broken = await account.define('rolls', { command: ['/bin/busybox', 'false'] });
  await account.ecs.send(new UpdateServiceCommand({ ...update, taskDefinition: broken }));
  const back = await eventually(async () => {
    const service = await account.described('rolls');
    return service.events?.some(({ message }) => message?.includes('rolling back')) ? service : undefined;
  });
  expect(back).toMatchObject({ taskDefinition: next, deployments: [{ rolloutState: 'COMPLETED' }, {}] });
  expect(await account.ask('rolls')).toBe('next');
});
