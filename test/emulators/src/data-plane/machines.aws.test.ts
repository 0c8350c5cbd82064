import { execFileSync } from 'node:child_process';
import { afterAll, beforeAll, expect, test } from '@jest/globals';
import {
  AutoScalingClient,
  CreateAutoScalingGroupCommand,
  DeleteAutoScalingGroupCommand,
  UpdateAutoScalingGroupCommand,
} from '@aws-sdk/client-auto-scaling';
import { CreateLaunchTemplateCommand, EC2Client } from '@aws-sdk/client-ec2';
import { eventually } from '../traffic.ts';
import { Account } from './testing/account.ts';

/** Answers with the machine's id, and with the service's user and variables. */
const USER_DATA = `#!/bin/bash
set -e
useradd --system --user-group web
mkdir /w
cat /var/lib/cloud/data/instance-id >/w/index.html
echo ok >/w/ready
cat >/etc/systemd/system/web.service <<'END'
[Service]
User=web
ExecStartPre=/bin/sh -c 'echo "$(id -un) $AWS_ACCESS_KEY_ID" >/tmp/self'
ExecStart=/usr/bin/python3 -m http.server 8080 --directory /w
Restart=always
IPAddressDeny=169.254.169.254/32
END
ln -s /tmp/self /w/self
systemctl daemon-reload
systemctl enable --now web.service
aws autoscaling describe-auto-scaling-groups --query 'AutoScalingGroups[].AutoScalingGroupName' --output text >/w/groups
`;

let account: Account;
let scaling: AutoScalingClient;
// MiniStack's groups keep no machines.
beforeAll(async () => {
  account = await Account.open('moto');
  scaling = new AutoScalingClient(account.at);
}, 120_000);
afterAll(async () => {
  scaling.destroy();
  await account.end();
});

const group = (name: string, arn: string) => ({
  AutoScalingGroupName: name,
  LaunchTemplate: { LaunchTemplateName: 'web', Version: '1' },
  MinSize: 1,
  MaxSize: 2,
  DesiredCapacity: 1,
  HealthCheckType: 'ELB',
  VPCZoneIdentifier: account.network.awsvpcConfiguration?.subnets?.join(','),
  TargetGroupARNs: [arn],
});
const answers = (name: string, fits: (text: string) => boolean): Promise<string> =>
  eventually(async () => {
    const text = await account.ask(name);
    return fits(text) ? text : undefined;
  });

test('instances of a group run their user data, get requests, are replaced when they end, and end with their group', async () => {
  const ec2 = new EC2Client(account.at);
  const UserData = Buffer.from(USER_DATA).toString('base64');
  const LaunchTemplateData = { ImageId: 'ami-12345678', InstanceType: 't3.micro' as const, UserData };
  await ec2.send(new CreateLaunchTemplateCommand({ LaunchTemplateName: 'web', LaunchTemplateData }));
  ec2.destroy();
  const arn = await account.group('web', 'instance');
  await account.rule('web', arn);
  await scaling.send(new CreateAutoScalingGroupCommand(group('web', arn)));
  const first = await answers('web', (text) => text.startsWith('i-'));
  expect(await account.ask('web', '/self')).toBe('web');
  expect(await eventually(async () => (await account.ask('web', '/groups')) || undefined)).toMatch(/^(?:web|404)$/);

  await expect(scaling.send(new CreateAutoScalingGroupCommand(group('web', arn)))).rejects.toMatchObject({
    name: expect.stringMatching(/^AlreadyExists/),
  });
  const [machine] = account.plane.machines();
  expect(machine).toMatchObject({ id: first, group: 'web' });
  execFileSync('docker', ['kill', machine?.container ?? '']);
  const second = await answers('web', (text) => text.startsWith('i-') && text !== first);

  await scaling.send(new UpdateAutoScalingGroupCommand({ AutoScalingGroupName: 'web', DesiredCapacity: 2 }));
  await answers('web', (text) => text.startsWith('i-') && text !== second);
  expect(await account.states(arn)).toEqual(['healthy', 'healthy']);
  await scaling.send(new DeleteAutoScalingGroupCommand({ AutoScalingGroupName: 'web', ForceDelete: true }));
  expect(account.plane.machines()).toEqual([]);
  expect(await account.ask('web')).toBe('503');
}, 240_000);
