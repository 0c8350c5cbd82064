import type { AutoScalingGroup } from '@aws-sdk/client-auto-scaling';
import { DescribeVolumesCommand, type EC2Client, type Instance } from '@aws-sdk/client-ec2';
import { ProviderError, type Call, type Host } from '@clusternator/core/provider';
import { paced } from '../paced.ts';
import { fromAwsTags } from '../storage/aws-tags.ts';
import { machinesBy, machinesById } from '../storage/machines-by-id.ts';
import { DISKS_TAG } from './tags.ts';

/** On each machine of a group, by Auto Scaling itself. @see https://docs.aws.amazon.com/autoscaling/ec2/userguide/ec2-auto-scaling-tagging.html */
const GROUP_TAG = 'aws:autoscaling:groupName';

/** A machine that has a disk. */
export interface Holder {
  readonly volume: string;
  readonly machine: string;
  /** Of Auto Scaling. Undefined: it is of none. */
  readonly group: string | undefined;
}

/** Asks who has the disks of a group. */
export class DiskLook {
  constructor(private readonly parts: { readonly ec2: EC2Client; readonly host: Host }) {}

  /** Machines of other groups, or of none, that have what a group mounts. */
  async heldBeside(group: AutoScalingGroup, call: Call): Promise<readonly Holder[]> {
    const holders = await this.holders(diskIds(group), call);
    return holders.filter((one) => one.group !== group.AutoScalingGroupName);
  }

  /** Whether a machine that a group no longer tells of runs on, or has one of its disks. */
  async isReleased(group: AutoScalingGroup, call: Call): Promise<boolean> {
    const name = group.AutoScalingGroupName ?? '';
    const [holders, machines] = await Promise.all([
      this.holders(diskIds(group), call),
      machinesBy({ Name: `tag:${GROUP_TAG}`, Values: [name] }, this.parts, call),
    ]);
    const runs = machines.some((one) => one.State?.Name !== 'terminated');
    return !runs && holders.every((one) => one.group !== name);
  }

  /** @throws ProviderError `conflict`: a machine of another environment has one of its disks. */
  async mustBeFree(group: AutoScalingGroup, call: Call): Promise<void> {
    const [holder] = await this.heldBeside(group, call);
    if (!holder) return;
    throw new ProviderError('conflict', heldText(holder), {
      effect: 'none',
      hint: 'scale what has it to none, and wait until it is stopped',
    });
  }

  private async holders(VolumeIds: string[], call: Call): Promise<readonly Holder[]> {
    if (VolumeIds.length === 0) return [];
    const { ec2, host } = this.parts;
    // By a filter: one that is gone is then left out, and no error.
    const command = new DescribeVolumesCommand({ Filters: [{ Name: 'volume-id', Values: VolumeIds }] });
    const { Volumes = [] } = await paced(host, 'ec2', call, (options) => ec2.send(command, options));
    const attached = Volumes.flatMap(({ VolumeId: volume = '', Attachments = [] }) =>
      Attachments.flatMap(({ InstanceId: machine }) => (machine === undefined ? [] : [{ volume, machine }])),
    );
    if (attached.length === 0) return [];
    const ids = [...new Set(attached.map(({ machine }) => machine))];
    const machines = await machinesById(this.parts, ids, call);
    return attached.map((one) => ({
      ...one,
      group: groupOf(machines.find(({ InstanceId }) => InstanceId === one.machine)),
    }));
  }
}

/** The ids of the EBS volumes that the machines of a group mount. */
export function diskIds({ Tags }: AutoScalingGroup): string[] {
  return (fromAwsTags(Tags)[DISKS_TAG] ?? '').split(' ').filter((id) => id !== '');
}

export function heldText({ volume, machine, group }: Holder): string {
  const of = group === undefined ? '' : ` of ${group}`;
  return `the disk ${volume} is attached to the machine ${machine}${of}, and to one at a time`;
}

function groupOf(machine: Instance | undefined): string | undefined {
  return machine && fromAwsTags(machine.Tags)[GROUP_TAG];
}
