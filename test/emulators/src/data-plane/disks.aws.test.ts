import { execFileSync } from 'node:child_process';
import { afterAll, beforeAll, expect, test } from '@jest/globals';
import {
  AutoScalingClient,
  CreateAutoScalingGroupCommand,
  DeleteAutoScalingGroupCommand,
  UpdateAutoScalingGroupCommand,
} from '@aws-sdk/client-auto-scaling';
import {
  AttachVolumeCommand,
  CreateLaunchTemplateCommand,
  CreateSnapshotCommand,
  CreateVolumeCommand,
  DeleteVolumeCommand,
  DescribeVolumesCommand,
  EC2Client,
} from '@aws-sdk/client-ec2';
import { eventually } from '../traffic.ts';
import { Account } from './testing/account.ts';

/** Puts its id on a disk that it formats where there is nothing, and serves it. What it says in the end is on the disk too. */
const userData = (volume: string): string => `#!/bin/bash
set -e
me=$(cat /var/lib/cloud/data/instance-id)
device=/dev/disk/by-id/nvme-Amazon_Elastic_Block_Store_${volume.replace('-', '')}
until aws ec2 attach-volume --volume-id ${volume} --instance-id $me --device /dev/sdf; do sleep 1; done
blkid -p $device || mkfs.ext4 -q $device
mkdir /w
mount $device /w
echo ok >/w/ready
echo $me >>/w/index.html
cat >/etc/systemd/system/disk.service <<'END'
[Service]
Type=oneshot
ExecStart=/bin/true
ExecStop=/bin/sh -c 'echo ended >>/w/index.html'
END
cat >/etc/systemd/system/web.service <<'END'
[Service]
ExecStart=/usr/bin/python3 -m http.server 8080 --directory /w
END
systemctl enable --now disk.service web.service
`;

let account: Account;
let scaling: AutoScalingClient;
let ec2: EC2Client;
beforeAll(async () => {
  account = await Account.open('moto');
  scaling = new AutoScalingClient(account.at);
  ec2 = new EC2Client(account.at);
}, 120_000);
afterAll(async () => {
  scaling.destroy();
  ec2.destroy();
  await account.end();
});

async function start(name: string, volume: string): Promise<void> {
  const UserData = Buffer.from(userData(volume)).toString('base64');
  const LaunchTemplateData = { ImageId: 'ami-12345678', InstanceType: 't3.micro' as const, UserData };
  await ec2.send(new CreateLaunchTemplateCommand({ LaunchTemplateName: name, LaunchTemplateData }));
  const arn = await account.group(name, 'instance');
  await account.rule(name, arn);
  const [subnet] = account.network.awsvpcConfiguration?.subnets ?? [];
  await scaling.send(
    new CreateAutoScalingGroupCommand({
      AutoScalingGroupName: name,
      LaunchTemplate: { LaunchTemplateName: name, Version: '1' },
      ...{ MinSize: 0, MaxSize: 1, DesiredCapacity: 1, HealthCheckType: 'ELB' },
      VPCZoneIdentifier: subnet,
      TargetGroupARNs: [arn],
    }),
  );
}
const made = async (zone: string, SnapshotId?: string): Promise<string> => {
  const request = {
    AvailabilityZone: `${account.at.region}${zone}`,
    Size: 1,
    ...(SnapshotId !== undefined && { SnapshotId }),
  };
  return (await ec2.send(new CreateVolumeCommand(request))).VolumeId ?? '';
};
const stateOf = async (id: string) =>
  (await ec2.send(new DescribeVolumesCommand({ VolumeIds: [id] }))).Volumes?.[0]?.State;
const linesOf = (name: string, fits: (lines: readonly string[]) => boolean): Promise<readonly string[]> =>
  eventually(async () => {
    const lines = (await account.ask(name)).trim().split('\n');
    return lines[0]?.startsWith('i-') && fits(lines) ? lines : undefined;
  });

test('a disk is at one machine, in one zone, keeps what was written, and a snapshot keeps what was there', async () => {
  const [disk, elsewhere] = [await made('a'), await made('b')];
  await start('web', disk);
  const [first = ''] = await linesOf('web', () => true);
  const [machine] = account.plane.machines();
  const attach = (VolumeId: string) =>
    ec2.send(new AttachVolumeCommand({ VolumeId, InstanceId: first, Device: '/dev/sdg' }));
  await expect(attach(disk)).rejects.toMatchObject({ name: 'VolumeInUse' });
  await expect(attach(elsewhere)).rejects.toMatchObject({ name: 'InvalidVolume.ZoneMismatch' });

  const { SnapshotId } = await ec2.send(new CreateSnapshotCommand({ VolumeId: disk }));
  execFileSync('docker', ['kill', machine?.container ?? '']);
  const [, second = ''] = await linesOf('web', ({ length }) => length === 2);
  expect(second).not.toBe(first);

  await scaling.send(new UpdateAutoScalingGroupCommand({ AutoScalingGroupName: 'web', DesiredCapacity: 0 }));
  expect(await stateOf(disk)).toBe('in-use'); // its machine is ending
  await eventually(async () => ((await stateOf(disk)) === 'available' ? true : undefined));
  await scaling.send(new UpdateAutoScalingGroupCommand({ AutoScalingGroupName: 'web', DesiredCapacity: 1 }));
  const lines = await linesOf('web', ({ length }) => length === 4);
  expect(lines.slice(0, 3)).toEqual([first, second, 'ended']);

  const restored = await made('a', SnapshotId);
  await start('again', restored);
  expect((await linesOf('again', ({ length }) => length === 2))[0]).toBe(first);
  for (const name of ['web', 'again'])
    await scaling.send(new DeleteAutoScalingGroupCommand({ AutoScalingGroupName: name, ForceDelete: true }));
  for (const VolumeId of [disk, restored, elsewhere]) {
    expect(await stateOf(VolumeId)).toBe('available');
    await ec2.send(new DeleteVolumeCommand({ VolumeId }));
  }
  const devices = execFileSync('losetup', ['--list', '--noheadings', '--output', 'BACK-FILE']).toString();
  for (const id of [disk, restored]) expect(devices).not.toContain(id);
}, 240_000);
