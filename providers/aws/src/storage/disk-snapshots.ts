import {
  CreateSnapshotCommand,
  DeleteSnapshotCommand,
  paginateDescribeSnapshots,
  type EC2Client,
  type Snapshot as EbsSnapshot,
} from '@aws-sdk/client-ec2';
import {
  ProviderError,
  type Call,
  type Host,
  type Identity,
  type Phase,
  type ResourceRef,
  type Snapshot,
  type SnapshotDriver,
  type SnapshotSpec,
} from '@clusternator/core/provider';
import { allSettled } from '../all-settled.ts';
import { paced } from '../paced.ts';
import { unlessAbsent } from './aws-error.ts';
import { fromAwsTags, NAME_TAG, toAwsTags, VOLUME_TAG } from './aws-tags.ts';
import { allOf, eachOnce, type EbsFound } from './ebs-found.ts';
import { nameOf } from './ownership.ts';

interface Found extends EbsFound {
  readonly snapshot: EbsSnapshot;
}
const PHASES: Readonly<Record<string, Phase>> = { completed: 'active', error: 'failed' };

/**
 * Snapshots of disks on EBS: what a power cut at that moment would leave, while the machine writes on. They outlive their volume. CreateSnapshot
 * takes no token: what is there is looked for by its tags first.
 */
export class DiskSnapshots implements SnapshotDriver {
  constructor(
    private readonly client: EC2Client,
    private readonly host: Host,
  ) {}

  async ensure(spec: SnapshotSpec, call: Call): Promise<Snapshot> {
    const [found] = await this.find(spec.id, call);
    return this.show(found ?? (await this.create(spec, call)));
  }

  async read({ id }: ResourceRef, call: Call): Promise<Snapshot | undefined> {
    const [found] = await this.find(id, call);
    return found && this.show(found);
  }

  async *list(call: Call): AsyncGenerator<Snapshot> {
    const found = this.snapshots({ Name: 'tag-key', Values: ['clusternator_project'] }, call);
    for (const one of await eachOnce(found)) yield this.show(one);
  }

  async destroy({ id }: ResourceRef, call: Call): Promise<void> {
    const removing = (await this.find(id, call)).map(async ({ snapshot: { SnapshotId } }) => {
      const command = new DeleteSnapshotCommand({ SnapshotId });
      const asked = paced(this.host, 'ec2', call, (options) => this.client.send(command, options));
      await unlessAbsent(asked, ['InvalidSnapshot.NotFound']);
    });
    await allSettled(removing);
  }

  private async create({ id, fingerprint, volume, tags, native }: SnapshotSpec, call: Call): Promise<Found> {
    const { volumeId: VolumeId } = volume.handle;
    if (VolumeId === undefined) throw new ProviderError('not-found', `volume ${volume.id} has no disk on EBS`);
    const name = nameOf(this.host, 'snapshot', id);
    const Tags = toAwsTags({ ...tags, [VOLUME_TAG]: volume.id, [NAME_TAG]: name });
    const command = new CreateSnapshotCommand({
      ...this.host.merge({ VolumeId, Description: name }, native),
      VolumeId,
      TagSpecifications: [{ ResourceType: 'snapshot', Tags }],
    });
    const made = await paced(this.host, 'ec2', call, (options) => this.client.send(command, options));
    return foundOf({ ...made, Tags }, { type: 'snapshot', id, fingerprint, tags });
  }

  private find(id: string, call: Call): Promise<readonly Found[]> {
    const filter = { Name: `tag:${NAME_TAG}`, Values: [nameOf(this.host, 'snapshot', id)] };
    return allOf(id, this.snapshots(filter, call));
  }

  private async *snapshots(filter: { Name: string; Values: string[] }, call: Call): AsyncGenerator<Found> {
    await this.host.pace('ec2', call);
    const input = { OwnerIds: ['self'], Filters: [filter] };
    const pages = paginateDescribeSnapshots({ client: this.client }, input, { abortSignal: call.signal });
    for await (const { Snapshots = [] } of pages) {
      for (const snapshot of Snapshots) {
        const identity = this.host.identify(fromAwsTags(snapshot.Tags));
        if (identity?.type === 'snapshot') yield foundOf(snapshot, identity);
      }
    }
  }

  private show({ snapshot, identity: { id, fingerprint, tags } }: Found): Snapshot {
    const { SnapshotId = '', State = 'pending', StateMessage, Progress = '0%', VolumeSize = 0 } = snapshot;
    const phase = PHASES[State] ?? 'creating';
    const bytes = snapshot.FullSnapshotSizeInBytes;
    return {
      id,
      fingerprint,
      tags,
      phase,
      handle: { snapshotId: SnapshotId, sizeGiB: String(VolumeSize) },
      volume: fromAwsTags(snapshot.Tags)[VOLUME_TAG] ?? '',
      takenAt: snapshot.StartTime ?? this.host.now(),
      ...(bytes !== undefined && { bytes }),
      ...(phase !== 'active' && { message: StateMessage ?? `the snapshot is ${State}, ${Progress}` }),
    };
  }
}

function foundOf(snapshot: EbsSnapshot, identity: Identity): Found {
  return { snapshot, identity, madeAt: snapshot.StartTime };
}
