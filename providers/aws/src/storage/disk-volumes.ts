import {
  CreateVolumeCommand,
  DeleteVolumeCommand,
  ModifyVolumeCommand,
  paginateDescribeVolumes,
  type CreateVolumeCommandInput,
  type EC2Client,
  type Volume as EbsVolume,
} from '@aws-sdk/client-ec2';
import {
  ProviderError,
  type Call,
  type Host,
  type Identity,
  type Phase,
  type ResourceDriver,
  type ResourceRef,
  type Volume,
  type VolumeSpec,
} from '@clusternator/core/provider';
import type { AwsFoundation } from '../foundation/outputs.ts';
import { allSettled } from '../all-settled.ts';
import { paced } from '../paced.ts';
import { unlessAbsent } from './aws-error.ts';
import { fromAwsTags, NAME_TAG, toAwsTags } from './aws-tags.ts';
import { diskZone } from './disk-zones.ts';
import { allOf, eachOnce, type EbsFound } from './ebs-found.ts';
import { isEnding, machinesById } from './machines-by-id.ts';
import { nameOf } from './ownership.ts';

interface Parts {
  readonly ec2: EC2Client;
  readonly host: Host;
  readonly foundation: AwsFoundation;
}
/** A volume of ours, and which one it is. */
interface Found extends EbsFound {
  readonly volume: EbsVolume;
}
const PHASES: Readonly<Record<string, Phase>> = {
  available: 'active',
  'in-use': 'active',
  deleting: 'destroying',
  error: 'failed',
};
const GONE = ['InvalidVolume.NotFound'];

/**
 * Disks on EBS: a volume of gp3, encrypted, in the first zone of the foundation, so that a machine can mount several. EC2 gives no names: a
 * volume is found by its tags alone, so that nobody else's is ever taken for ours.
 */
export class DiskVolumes implements ResourceDriver<VolumeSpec, Volume> {
  constructor(private readonly parts: Parts) {}

  async ensure(spec: VolumeSpec, call: Call): Promise<Volume> {
    const [found] = await this.find(spec.id, call);
    if (!found) return this.show(await this.create(spec, call));
    const volume = this.show(found);
    return volume.phase === 'active' && volume.sizeGiB < spec.sizeGiB ? this.grow(volume, spec, call) : volume;
  }

  async read({ id }: ResourceRef, call: Call): Promise<Volume | undefined> {
    const [found] = await this.find(id, call);
    return found && this.show(found);
  }

  async *list(call: Call): AsyncGenerator<Volume> {
    const found = this.volumes({ Name: 'tag-key', Values: ['clusternator_project'] }, call);
    for (const one of await eachOnce(found)) yield this.show(one);
  }

  /** @throws ProviderError `conflict`: a machine that is not ending has it. */
  async destroy({ id }: ResourceRef, call: Call): Promise<void> {
    const there = (await this.find(id, call)).filter(({ volume }) => volume.State !== 'deleting');
    await allSettled(there.map(({ volume }) => this.remove(id, volume, call)));
  }

  private async remove(id: string, { VolumeId, Attachments = [] }: EbsVolume, call: Call): Promise<void> {
    const ids = Attachments.flatMap(({ InstanceId }) => InstanceId ?? []);
    if (ids.length > 0) {
      const holders = await machinesById(this.parts, ids, call);
      const holder = holders.find((one) => !isEnding(one));
      if (holder) throw isHeld(id, VolumeId, holder.InstanceId);
      return; // EC2 detaches what ends: core asks again
    }
    // A machine may have been faster: core asks again, and is told which.
    await unlessAbsent(
      paced(this.parts.host, 'ec2', call, (options) =>
        this.parts.ec2.send(new DeleteVolumeCommand({ VolumeId }), options),
      ),
      [...GONE, 'VolumeInUse'],
    );
  }

  private async create(spec: VolumeSpec, call: Call): Promise<Found> {
    const { ec2, host } = this.parts;
    const name = nameOf(host, 'volume', spec.id);
    const source = sourceOf(spec);
    const AvailabilityZone = await diskZone(this.parts, call);
    const request: CreateVolumeCommandInput = {
      AvailabilityZone,
      VolumeType: 'gp3',
      Encrypted: true,
      Size: Math.max(spec.sizeGiB, source?.sizeGiB ?? 0),
      ...(source && { SnapshotId: source.snapshotId }),
    };
    const command = new CreateVolumeCommand({
      ...host.merge(request, spec.native),
      ClientToken: call.token(`volume ${name}`),
      TagSpecifications: [{ ResourceType: 'volume', Tags: toAwsTags({ ...spec.tags, [NAME_TAG]: name }) }],
    });
    const volume = await paced(host, 'ec2', call, (options) => ec2.send(command, options));
    const { id, fingerprint, tags } = spec;
    return foundOf(volume, { type: 'volume', id, fingerprint, tags });
  }

  /** Until it has grown it is `creating` for whoever asked for more, and serves all the while. Its machine then sees to the file system. */
  private async grow(volume: Volume, { sizeGiB }: VolumeSpec, call: Call): Promise<Volume> {
    const command = new ModifyVolumeCommand({ VolumeId: volume.handle.volumeId, Size: sizeGiB });
    const asked = paced(this.parts.host, 'ec2', call, (options) => this.parts.ec2.send(command, options));
    await unlessAbsent(asked, ['IncorrectModificationState']); // it grows already
    return { ...volume, phase: 'creating', message: `the volume grows to ${String(sizeGiB)} GiB` };
  }

  private find(id: string, call: Call): Promise<readonly Found[]> {
    const filter = { Name: `tag:${NAME_TAG}`, Values: [nameOf(this.parts.host, 'volume', id)] };
    return allOf(id, this.volumes(filter, call));
  }

  private async *volumes(filter: { Name: string; Values: string[] }, call: Call): AsyncGenerator<Found> {
    const { ec2: client, host } = this.parts;
    await host.pace('ec2', call);
    const pages = paginateDescribeVolumes({ client }, { Filters: [filter] }, { abortSignal: call.signal });
    for await (const { Volumes = [] } of pages) {
      for (const volume of Volumes) {
        const identity = host.identify(fromAwsTags(volume.Tags));
        if (identity?.type === 'volume' && volume.State !== 'deleted') yield foundOf(volume, identity);
      }
    }
  }

  private show({ volume, identity: { id, fingerprint, tags } }: Found): Volume {
    const { VolumeId = '', AvailabilityZone = '', State = 'creating', Size: sizeGiB = 0 } = volume;
    const phase = PHASES[State] ?? 'creating';
    const handle = { volumeId: VolumeId, zone: AvailabilityZone };
    const base = { id, fingerprint, tags, kind: 'disk', sizeGiB, phase, handle } as const;
    return phase === 'active' ? base : { ...base, message: `the volume ${VolumeId} is ${State}` };
  }
}

function foundOf(volume: EbsVolume, identity: Identity): Found {
  return { volume, identity, madeAt: volume.CreateTime, isGoing: volume.State === 'deleting' };
}

/** @throws ProviderError `unsupported`: of something else than a snapshot of a disk. */
function sourceOf({ id, from }: VolumeSpec): { readonly snapshotId: string; readonly sizeGiB: number } | undefined {
  if (from === undefined) return undefined;
  const { snapshotId, sizeGiB } = 'snapshot' in from ? from.snapshot.handle : {};
  if (snapshotId !== undefined) return { snapshotId, sizeGiB: Number(sizeGiB ?? 0) };
  throw new ProviderError('unsupported', `volume ${id}: a disk is made from a snapshot of a disk alone`, {
    path: 'from',
  });
}

function isHeld(id: string, VolumeId = '', machine = ''): ProviderError {
  return new ProviderError('conflict', `volume ${id} (${VolumeId}) is attached to the machine ${machine}`, {
    effect: 'none',
    hint: 'destroy the environment that mounts it, or detach it',
  });
}
