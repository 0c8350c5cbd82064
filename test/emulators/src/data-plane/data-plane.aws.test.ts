import { execFile } from 'node:child_process';
import { createServer, type RequestListener, type Server } from 'node:http';
import { once } from 'node:events';
import type { AddressInfo } from 'node:net';
import { promisify } from 'node:util';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { ListTasksCommand, DescribeTasksCommand, UpdateServiceCommand } from '@aws-sdk/client-ecs';
import { DeregisterTargetsCommand, RegisterTargetsCommand } from '@aws-sdk/client-elastic-load-balancing-v2';
import { CreateSecretCommand, SecretsManagerClient } from '@aws-sdk/client-secrets-manager';
import { PutParameterCommand, SSMClient } from '@aws-sdk/client-ssm';
import { WebSocket, WebSocketServer } from 'ws';
import { eventually, type Tally } from '../traffic.ts';
import { Account, ZONE } from './testing/account.ts';

const run = promisify(execFile);

const LABEL = 'label=aws-data-plane.id';

describe.each(['moto', 'ministack'] as const)('the data plane over %s', (emulator) => {
  let account: Account;
  const servers: Server[] = [];

  beforeAll(async () => {
    account = await Account.open(emulator);
  });

  afterAll(async () => {
    const { registry } = account.plane;
    await account.end();
    for (const server of servers) server.close().closeAllConnections();
    expect(await containersOf(account)).toEqual([]);
    const { stdout } = await run('docker', ['images', '--digests', '--format', '{{.Repository}}']);
    expect(stdout).not.toContain(registry);
  });

  /** A target that is no task: MiniStack tells targets apart by their address alone. */
  async function serve(address: string, listener: RequestListener): Promise<Server> {
    const server = createServer(listener).listen(0, address);
    await once(server, 'listening');
    servers.push(server);
    return server;
  }

  async function register(group: string, ...registered: readonly Server[]): Promise<void> {
    const Targets = registered.map((server) => targetOf(server));
    await account.balancing.send(new RegisterTargetsCommand({ TargetGroupArn: group, Targets }));
  }

  test('runs a service, with its secrets, and answers at its host by HTTP, HTTPS and DNS', async () => {
    const secrets = new SecretsManagerClient(account.at);
    const { ARN = '' } = await secrets.send(
      new CreateSecretCommand({ Name: 'keys', SecretString: JSON.stringify({ first: 'one secret' }) }),
    );
    await new SSMClient(account.at).send(
      new PutParameterCommand({ Name: '/app/second', Value: 'another', Type: 'SecureString' }),
    );
    const group = await account.group('whole');
    await expect(account.service('whole', group)).rejects.toThrow('does not have an associated load balancer');
    await account.rule('whole', group);
    await account.service('whole', group, {
      command: [
        '/bin/busybox',
        'sh',
        '-c',
        'mkdir -p /w; echo "$FIRST, $SECOND" >/w/index.html; cp /w/index.html /w/ready; exec /bin/busybox httpd -f -p 8080 -h /w',
      ],
      secrets: [
        { name: 'FIRST', valueFrom: `${ARN}:first::` },
        { name: 'SECOND', valueFrom: '/app/second' },
      ],
      healthCheck: { command: ['CMD', '/bin/busybox', 'test', '-e', '/w/ready'], interval: 5 },
    });
    expect(await account.described('whole')).toMatchObject({ status: 'ACTIVE', desiredCount: 1, runningCount: 0 });
    const service = await account.eventuallyRolledOut('whole');
    expect(service).toMatchObject({ runningCount: 1, pendingCount: 0, deployments: [{ failedTasks: 0 }] });
    expect(service.events?.[0]?.message).toBe('(service whole) has reached a steady state.');
    expect(await account.states(group)).toEqual(['healthy']);

    const { taskArns } = await account.ecs.send(new ListTasksCommand({ cluster: 'main', serviceName: 'whole' }));
    const { tasks = [] } = await account.ecs.send(new DescribeTasksCommand({ cluster: 'main', tasks: taskArns }));
    expect(tasks).toMatchObject([{ lastStatus: 'RUNNING', healthStatus: 'HEALTHY', group: 'service:whole' }]);

    const curl = async (url: string) =>
      (await run('curl', ['-sS', '-x', account.plane.proxyUrl, '--cacert', account.plane.caFile, url])).stdout.trim();
    expect(await curl(`http://whole.${ZONE}/`)).toBe('one secret, another');
    expect(await curl(`http://${account.name}/`)).toBe('nobody at HTTP');
    expect(await curl(`https://whole.${ZONE}/`)).toBe('nobody at HTTPS');
    const dig = async (...words: string[]) =>
      (await run('dig', ['@127.0.0.1', '-p', String(account.plane.dnsPort), '+short', ...words])).stdout.trim();
    expect(await dig(`whole.${ZONE}`)).toBe('127.0.0.1');
    expect(await dig('+tcp', account.name)).toBe('127.0.0.1');
    expect(await dig(`whole.elsewhere.example`)).toBe('');
  });

  test('replaces a task whose container was killed', async () => {
    const group = await account.group('killed');
    await account.rule('killed', group);
    await account.service('killed', group);
    await account.eventuallyRolledOut('killed');
    const before = tasksOf(account, 'killed');
    await run('docker', ['kill', ...before.flatMap(({ containers }) => containers)]);
    const after = await eventually(async () => {
      const running = tasksOf(account, 'killed').filter(
        ({ status, arn }) => status === 'RUNNING' && arn !== before[0]?.arn,
      );
      return running.length === 1 && (await account.states(group)).includes('healthy') ? running : undefined;
    });
    expect(after[0]?.address).not.toBe(before[0]?.address);
    expect(await account.ask('killed')).toBe('killed');
    const { tasks } = await account.ecs.send(
      new DescribeTasksCommand({ cluster: 'main', tasks: [before[0]?.arn ?? ''] }),
    );
    expect(tasks).toMatchObject([
      { lastStatus: 'STOPPED', stoppedReason: 'Essential container in task exited', containers: [{ exitCode: 137 }] },
    ]);
  });

  test('a rule sends traffic by its weights, a flip of it loses none, and an old service deleted too early loses some', async () => {
    const [blue, green] = [await account.group('blue'), await account.group('green')];
    const rule = await account.rule('flip', blue);
    await account.weigh(rule, { [blue]: 100, [green]: 0 });
    await Promise.all([account.service('blue', blue), account.service('green', green)]);
    await Promise.all([account.eventuallyRolledOut('blue'), account.eventuallyRolledOut('green')]);

    const flipped = await account.load('flip', async () => {
      await answersOf(account, 'flip', 'blue', 20);
      await account.weigh(rule, { [blue]: 0, [green]: 100 });
      await answersOf(account, 'flip', 'green', 20);
    });
    expect(Object.keys(flipped).sort()).toEqual(['blue', 'green']);

    await account.weigh(rule, { [blue]: 50, [green]: 50 });
    await eventually(async () => ((await account.ask('flip')) === 'blue' ? true : undefined));
    const split: Record<string, number> = {};
    for (let times = 0; times < 60; times += 1) {
      const answer = await account.ask('flip');
      split[answer] = (split[answer] ?? 0) + 1;
    }
    expect(Object.keys(split).sort()).toEqual(['blue', 'green']);
    expect(split.blue).toBeGreaterThan(10);
    expect(split.green).toBeGreaterThan(10);

    await account.weigh(rule, { [blue]: 0, [green]: 100 });
    await answersOf(account, 'flip', 'green', 20);
    const wrongOrder = await account.load('flip', async () => {
      await account.deleteService('green');
      await eventually(async () => ((await account.ask('flip')) === '503' ? true : undefined));
      await account.weigh(rule, { [blue]: 100, [green]: 0 });
      await answersOf(account, 'flip', 'blue', 20);
    });
    expect(lostOf(wrongOrder)).toBeGreaterThan(0);
    expect(await eventually(async () => gone(await account.described('green').then(({ status }) => status)))).toBe(
      true,
    );
  });

  test('a deleted service is said to drain, with its tags, until its tasks are stopped, and is not made again before', async () => {
    const deaf = { command: ['/bin/busybox', 'sh', '-c', "trap '' TERM; while true; do /bin/busybox sleep 1; done"] };
    const tags = [{ key: 'whose', value: 'ours' }];
    await account.service('deaf', '', deaf, { loadBalancers: [], tags });
    await account.eventuallyRolledOut('deaf');
    await account.deleteService('deaf');
    expect(await account.described('deaf')).toMatchObject({
      status: 'DRAINING',
      desiredCount: 0,
      tags,
    });
    await expect(account.service('deaf', '', deaf, { loadBalancers: [] })).rejects.toThrow('still Draining');
    await eventually(async () => gone((await account.described('deaf')).status));
    expect(tasksOf(account, 'deaf').map(({ status }) => status)).toEqual(['STOPPED']);
  });

  test('scales, and a release that cannot start fails while the old one serves on', async () => {
    const group = await account.group('sick');
    await account.rule('sick', group);
    const breaker = { deploymentCircuitBreaker: { enable: true, rollback: false } };
    await account.service('sick', group, {}, { deploymentConfiguration: breaker, desiredCount: 2 });
    expect(await account.eventuallyRolledOut('sick')).toMatchObject({ runningCount: 2 });
    const definition = await account.define('sick', { image: `${account.image.slice(0, -64)}${'0'.repeat(64)}` });
    const update = { cluster: 'main', service: 'sick' };
    await account.ecs.send(new UpdateServiceCommand({ ...update, taskDefinition: definition, desiredCount: 1 }));
    const failed = await account.eventuallyRolledOut('sick', 'FAILED');
    expect(failed.deployments?.[0]).toMatchObject({ status: 'PRIMARY', failedTasks: 3, runningCount: 0 });
    expect(failed.events?.map(({ message }) => message).join('\n')).toContain('CannotPullContainerError');
    expect(await account.ask('sick')).toBe('sick');
  });

  test('a target that is not healthy gets no traffic, and gets it back', async () => {
    let status = 200;
    const good = await serve('127.0.0.1', (_, response) => response.end('good'));
    const ill = await serve('127.0.0.2', ({ url }, response) => {
      response.writeHead(url === '/ready' ? status : 200).end('ill');
    });
    const group = await account.group('health');
    await register(group, good, ill);
    await eventually(async () => (String(await account.states(group)) === 'unused,unused' ? true : undefined));
    await account.rule('health', group);
    await eventually(async () => (String(await account.states(group)) === 'healthy,healthy' ? true : undefined));
    expect(await answersTo(account, 'health', 10)).toEqual(['good', 'ill']);
    status = 500;
    await eventually(async () => (String(await account.states(group)) === 'healthy,unhealthy' ? true : undefined));
    expect(await answersTo(account, 'health', 10)).toEqual(['good']);
    status = 200;
    await eventually(async () => (String(await account.states(group)) === 'healthy,healthy' ? true : undefined));
    expect(await answersTo(account, 'health', 10)).toEqual(['good', 'ill']);
  });

  test('streams, speaks WebSocket, and lets a deregistered target finish what it has', async () => {
    const open: (() => void)[] = [];
    const old = await serve('127.0.0.1', ({ url }, response) => {
      if (url !== '/slow') {
        response.end('old');
        return;
      }
      response.write('begun, ');
      open.push(() => response.end('ended'));
    });
    new WebSocketServer({ server: old }).on('connection', (socket) =>
      socket.on('message', (text: Buffer) => socket.send(`echo ${text.toString()}`)),
    );
    const group = await account.group('drain');
    await account.rule('drain', group);
    await register(group, old);
    await eventually(async () => ((await account.ask('drain')) === 'old' ? true : undefined));

    const at = await account.plane.addressOf(`drain.${ZONE}`);
    const socket = new WebSocket(`ws://${String(at)}/`, { headers: { host: `drain.${ZONE}` } });
    await once(socket, 'open');
    socket.send('hello');
    const [echo] = (await once(socket, 'message')) as [Buffer]; // of a text
    expect(echo.toString()).toBe('echo hello');

    const slow = account.ask('drain', '/slow');
    await eventually(async () => (open.length > 0 ? true : undefined));
    const Targets = [targetOf(old)];
    await account.balancing.send(new DeregisterTargetsCommand({ TargetGroupArn: group, Targets }));
    await eventually(async () => ((await account.ask('drain')) === '503' ? true : undefined));
    expect(await account.states(group)).toEqual(['draining']);
    open[0]?.();
    expect(await slow).toBe('begun, ended');
    await once(socket, 'close');
    await eventually(async () => ((await account.states(group)).length === 0 ? true : undefined));
    expect(await account.states(group)).toEqual([]);
  });

  test('runs a task once, and tells how it ended', async () => {
    const arns = [await account.run('once', { command: ['/bin/busybox', 'sh', '-c', 'exit 3'] })];
    const ended = await eventually(async () => {
      const { tasks = [] } = await account.ecs.send(new DescribeTasksCommand({ cluster: 'main', tasks: arns }));
      return tasks.every(({ lastStatus }) => lastStatus === 'STOPPED') ? tasks : undefined;
    });
    expect(ended).toMatchObject([{ stopCode: 'EssentialContainerExited', containers: [{ exitCode: 3 }] }]);
  });
});

function targetOf(server: Server): { readonly Id: string; readonly Port: number } {
  const { address, port } = server.address() as AddressInfo; // a TCP server's address is an object
  return { Id: address, Port: port };
}

function tasksOf(account: Account, service: string) {
  return account.plane.tasks().filter(({ group }) => group === `service:${service}`);
}

async function containersOf({ plane }: Account): Promise<readonly string[]> {
  const { stdout } = await run('docker', ['ps', '--all', '--quiet', '--filter', LABEL]);
  const ids = stdout.split('\n').filter((id) => id !== '');
  const own = new Set(plane.tasks().flatMap(({ containers }) => containers.map((id) => id.slice(0, 12))));
  return ids.filter((id) => own.has(id));
}

/** Until so many answers in a row are the same. */
async function answersOf(account: Account, host: string, answer: string, times: number): Promise<void> {
  let inRow = 0;
  await eventually(async () => {
    while (inRow < times && (await account.ask(host)) === answer) inRow += 1;
    if (inRow >= times) return true;
    inRow = 0;
    return undefined;
  });
}

/** The different ones among so many. */
async function answersTo(account: Account, host: string, times: number): Promise<readonly string[]> {
  const found = new Set<string>();
  for (let time = 0; time < times; time += 1) found.add(await account.ask(host));
  return [...found].sort();
}

function lostOf(tally: Tally): number {
  return Object.entries(tally).reduce((sum, [answer, times]) => sum + (/^\d+$|broken/.test(answer) ? times : 0), 0);
}

function gone(status: string | undefined): true | undefined {
  return status === undefined || status === 'INACTIVE' ? true : undefined;
}
