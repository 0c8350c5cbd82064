import { once } from 'node:events';
import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { DescribeTasksCommand, ExecuteCommandCommand, type Session } from '@aws-sdk/client-ecs';
import { CreateRoleCommand, IAMClient, PutRolePolicyCommand } from '@aws-sdk/client-iam';
import { eventually } from '../../traffic.ts';
import { Account, TASK_ROLE } from '../testing/account.ts';
import { hear, openSession } from '../testing/session-client.ts';
import { writeMessage } from './agent-message.ts';

const SLEEP = { command: ['/bin/busybox', 'sleep', '1000'] };
const AGREED = JSON.stringify({ ProcessedClientActions: [{ ActionType: 'SessionType', ActionStatus: 1 }] });
const CHANNELS = ['CreateControlChannel', 'CreateDataChannel', 'OpenControlChannel', 'OpenDataChannel'];

let account: Account;
let task: string;

beforeAll(async () => {
  account = await Account.open('ministack');
  task = await account.run('runs', SLEEP, { enableExecuteCommand: true });
  await running(task);
});
afterAll(async () => account.end());

async function running(arn: string): Promise<void> {
  await eventually(async () => {
    const { tasks = [] } = await account.ecs.send(new DescribeTasksCommand({ cluster: 'main', tasks: [arn] }));
    return tasks[0]?.lastStatus === 'RUNNING' ? true : undefined;
  });
}

async function execute(arn: string, interactive = true): Promise<Session> {
  const command = '/bin/busybox sh -c \'read line; echo "got $line"\'';
  const { session = {} } = await account.ecs.send(
    new ExecuteCommandCommand({ cluster: 'main', task: arn, container: 'app', command, interactive }),
  );
  return session;
}

const open = ({ streamUrl = '' }: Session, token: string) => openSession(streamUrl, token);

test('what was not asked for is refused: another task, another mode, an agent without rights', async () => {
  const without = await account.run('without', SLEEP);
  await running(without);
  await expect(execute(without)).rejects.toThrow('was not enabled');
  await expect(execute(task, false)).rejects.toThrow('Interactive');
  await expect(execute(task)).rejects.toMatchObject({ name: 'TargetNotConnectedException' });
});

test('a command runs in the container, by a token that is taken once', async () => {
  const iam = new IAMClient(account.at);
  await iam.send(new CreateRoleCommand({ RoleName: TASK_ROLE, AssumeRolePolicyDocument: '{}' }));
  const Statement = [{ Effect: 'Allow', Action: CHANNELS.map((one) => `ssmmessages:${one}`), Resource: '*' }];
  const PolicyDocument = JSON.stringify({ Version: '2012-10-17', Statement });
  await iam.send(new PutRolePolicyCommand({ RoleName: TASK_ROLE, PolicyName: 'exec', PolicyDocument }));
  iam.destroy();
  const able = await account.run('able', SLEEP, { enableExecuteCommand: true });
  await running(able);

  const session = await execute(able);
  const [wrong] = await once(await open(session, 'another'), 'close');
  expect(wrong).toBe(1008);

  const socket = await open(session, session.tokenValue ?? '');
  const [second] = await once(await open(session, session.tokenValue ?? ''), 'close');
  expect(second).toBe(1008);

  const closed = once(socket, 'close');
  const heard = hear(socket);
  await eventually(async () => Promise.resolve(heard.length > 0 ? true : undefined));
  socket.send(writeMessage('input_stream_data', 0, 6, Buffer.from(AGREED)));
  socket.send(writeMessage('input_stream_data', 1, 3, Buffer.from('{"cols":80,"rows":24}')));
  await eventually(async () => Promise.resolve(heard.some(({ payloadType }) => payloadType === 7) ? true : undefined));
  let sequence = 2;
  await eventually(async () => {
    socket.send(writeMessage('input_stream_data', sequence++, 1, Buffer.from('hello\n')));
    return Promise.resolve(heard.some(({ payload }) => payload.includes('got hello')) ? true : undefined);
  });
  await closed;
  expect(heard.map(({ type }) => type)).toContain('channel_closed');
});
