import { once } from 'node:events';
import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { AutoScalingClient, CreateAutoScalingGroupCommand } from '@aws-sdk/client-auto-scaling';
import { CreateLaunchTemplateCommand, EC2Client } from '@aws-sdk/client-ec2';
import {
  AddRoleToInstanceProfileCommand,
  CreateInstanceProfileCommand,
  CreateRoleCommand,
  IAMClient,
  PutRolePolicyCommand,
} from '@aws-sdk/client-iam';
import {
  SSMClient,
  StartSessionCommand,
  TerminateSessionCommand,
  type StartSessionResponse,
} from '@aws-sdk/client-ssm';
import { eventually } from '../../traffic.ts';
import { Account } from '../testing/account.ts';
import { hear, openSession } from '../testing/session-client.ts';
import { writeMessage } from './agent-message.ts';

const NAME = 'machine';
const AGENT = [
  'ssm:UpdateInstanceInformation',
  ...['CreateControlChannel', 'CreateDataChannel', 'OpenControlChannel', 'OpenDataChannel'].map(
    (one) => `ssmmessages:${one}`,
  ),
];

let account: Account;
let iam: IAMClient;
let ssm: SSMClient;
let machine: string;

// MiniStack's groups keep no machines.
beforeAll(async () => {
  account = await Account.open('moto');
  iam = new IAMClient(account.at);
  ssm = new SSMClient(account.at);
  const ec2 = new EC2Client(account.at);
  const { InstanceProfile } = await iam.send(new CreateInstanceProfileCommand({ InstanceProfileName: NAME }));
  const LaunchTemplateData = {
    ImageId: 'ami-12345678',
    InstanceType: 't3.micro' as const,
    UserData: Buffer.from('#!/bin/sh\n').toString('base64'),
    IamInstanceProfile: { Arn: InstanceProfile?.Arn },
  };
  await ec2.send(new CreateLaunchTemplateCommand({ LaunchTemplateName: NAME, LaunchTemplateData }));
  ec2.destroy();
  const scaling = new AutoScalingClient(account.at);
  await scaling.send(
    new CreateAutoScalingGroupCommand({
      AutoScalingGroupName: NAME,
      LaunchTemplate: { LaunchTemplateName: NAME, Version: '1' },
      MinSize: 1,
      MaxSize: 1,
      VPCZoneIdentifier: account.network.awsvpcConfiguration?.subnets?.join(','),
    }),
  );
  scaling.destroy();
  machine = await eventually(() => Promise.resolve(account.plane.machines().find(({ container }) => container)?.id));
}, 120_000);
afterAll(async () => {
  iam.destroy();
  ssm.destroy();
  await account.end();
});

const start = (line: string, more: object = {}): Promise<StartSessionResponse> =>
  ssm.send(
    new StartSessionCommand({
      Target: machine,
      DocumentName: 'AWS-StartInteractiveCommand',
      Parameters: { command: [line] },
      ...more,
    }),
  );

/** What a session says in all. */
async function saidBy(line: string): Promise<string> {
  const { StreamUrl = '', TokenValue = '' } = await start(line);
  const socket = await openSession(StreamUrl, TokenValue);
  const closed = once(socket, 'close');
  const heard = hear(socket);
  await closed;
  const said = heard.filter(({ type }) => type === 'output_stream_data');
  return Buffer.concat(said.map(({ payload }) => payload)).toString();
}

test('what AWS refuses is refused', async () => {
  await expect(start('true')).rejects.toMatchObject({ name: 'TargetNotConnected' });
  await iam.send(new CreateRoleCommand({ RoleName: NAME, AssumeRolePolicyDocument: '{}' }));
  await iam.send(new AddRoleToInstanceProfileCommand({ InstanceProfileName: NAME, RoleName: NAME }));
  await expect(start('true')).rejects.toMatchObject({ name: 'TargetNotConnected' });
  const Statement = [{ Effect: 'Allow', Action: AGENT, Resource: '*' }];
  const PolicyDocument = JSON.stringify({ Version: '2012-10-17', Statement });
  await iam.send(new PutRolePolicyCommand({ RoleName: NAME, PolicyName: 'agent', PolicyDocument }));
  await expect(start('true')).resolves.toMatchObject({ SessionId: expect.any(String) });
  await expect(start('true', { Target: 'i-0123456789abcdef0' })).rejects.toMatchObject({ name: 'TargetNotConnected' });
  await expect(start('true', { DocumentName: 'Another' })).rejects.toMatchObject({ name: 'InvalidDocument' });
  await expect(start('true', { Parameters: { other: ['x'] } })).rejects.toMatchObject({ name: 'InvalidParameters' });
});

test('a shell of ssm-user runs the command, who may become root, but by no other way', async () => {
  expect(await saidBy('id -un; echo $HOME; test -t 0 && echo terminal')).toBe(
    'ssm-user\r\n/home/ssm-user\r\nterminal\r\n',
  );
  expect(await saidBy('sudo -n id -un')).toBe('root\r\n');
  expect(await saidBy('sudo id -un')).toContain('not played here');
  expect(await saidBy('systemd-run --scope id -un')).toContain('Interactive authentication required');
});

test('a scope that may not reach the metadata has no credentials', async () => {
  const scope = (more: string) => `sudo -n systemd-run --scope ${more} sh -c 'id -un; env | grep -c ^AWS_'`;
  expect(await saidBy(scope('--quiet'))).not.toContain('\n0');
  expect(await saidBy(scope("--property='IPAddressDeny=169.254.169.254/32'"))).toBe('root\r\n0\r\n');
});

test('a session that is terminated ends with what it runs', async () => {
  const { SessionId, StreamUrl = '', TokenValue = '' } = await start('echo begun; exec sleep 4321');
  const socket = await openSession(StreamUrl, TokenValue);
  const closed = once(socket, 'close');
  const heard = hear(socket);
  await eventually(() => Promise.resolve(heard.some(({ payload }) => payload.includes('begun')) ? true : undefined));
  socket.send(writeMessage('input_stream_data', 0, 1, Buffer.from('typed\n')));
  await eventually(() => Promise.resolve(heard.some(({ payload }) => payload.includes('typed')) ? true : undefined));
  await ssm.send(new TerminateSessionCommand({ SessionId }));
  await closed;
  expect(await saidBy('ps ax | grep -c "[s]leep 4321"')).toBe('0\r\n');
  await expect(ssm.send(new TerminateSessionCommand({ SessionId }))).resolves.toMatchObject({ SessionId });
});
