import {
  CreateAccessPointCommand,
  CreateMountTargetCommand,
  DeleteAccessPointCommand,
  DeleteMountTargetCommand,
  paginateDescribeAccessPoints,
  paginateDescribeMountTargets,
  type AccessPointDescription,
  type EFSClient,
  type MountTargetDescription,
} from '@aws-sdk/client-efs';
import type { Call, VolumeSpec } from '@clusternator/core/provider';
import type { AwsFoundation } from '../foundation/outputs.ts';
import { unlessAbsent } from './aws-error.ts';
import { toAwsTags } from './aws-tags.ts';

/** Below it is what is mounted. As with a volume of Docker, files belong to whoever writes them. */
const ROOT = {
  Path: '/volume',
  CreationInfo: { OwnerUid: 0, OwnerGid: 0, Permissions: '0777' },
};

/** What a file system is reached by. */
export interface FileSystemParts {
  readonly targets: readonly MountTargetDescription[];
  /** Of ours there is one. */
  readonly accessPoints: readonly AccessPointDescription[];
}

/** Mount targets, one a zone, and the access point of a file system. */
export class PartsOfFileSystem {
  constructor(
    private readonly client: EFSClient,
    private readonly foundation: AwsFoundation,
  ) {}

  async read(FileSystemId: string, call: Call): Promise<FileSystemParts> {
    const of = [{ client: this.client }, { FileSystemId }, { abortSignal: call.signal }] as const;
    const gone = ['FileSystemNotFound'];
    const [targets = [], accessPoints = []] = await Promise.all([
      unlessAbsent(all(paginateDescribeMountTargets(...of)), gone),
      unlessAbsent(all(paginateDescribeAccessPoints(...of)), gone),
    ]);
    return {
      targets: targets.flatMap((page) => page.MountTargets ?? []),
      accessPoints: accessPoints.flatMap((page) => page.AccessPoints ?? []),
    };
  }

  /** @param token - The same for the same volume, so that there are never two. */
  async createAccessPoint(FileSystemId: string, token: string, { tags }: VolumeSpec, call: Call): Promise<void> {
    const input = { FileSystemId, ClientToken: token, RootDirectory: ROOT, Tags: toAwsTags(tags) };
    const command = new CreateAccessPointCommand(input);
    await unlessAbsent(this.client.send(command, { abortSignal: call.signal }), ['AccessPointAlreadyExists']);
  }

  /** In each zone that has none. */
  async createTargets(FileSystemId: string, { targets }: FileSystemParts, call: Call): Promise<void> {
    const SecurityGroups = [this.foundation.securityGroups.app];
    const have = new Set(targets.map(({ SubnetId }) => SubnetId));
    for (const SubnetId of this.foundation.tasks.subnets) {
      if (have.has(SubnetId)) continue;
      const command = new CreateMountTargetCommand({ FileSystemId, SubnetId, SecurityGroups });
      // The zone got one meanwhile.
      await unlessAbsent(this.client.send(command, { abortSignal: call.signal }), ['MountTargetConflict']);
    }
  }

  /** Whether a task can mount it, wherever it runs. */
  isWhole({ targets, accessPoints }: FileSystemParts): boolean {
    const ready = new Set(targets.filter(isAvailable).map(({ SubnetId }) => SubnetId));
    return accessPoints.some(isAvailable) && this.foundation.tasks.subnets.every((subnet) => ready.has(subnet));
  }

  async destroy({ targets, accessPoints }: FileSystemParts, call: Call): Promise<void> {
    const options = { abortSignal: call.signal };
    for (const { AccessPointId, LifeCycleState } of accessPoints) {
      if (LifeCycleState === 'deleting' || LifeCycleState === 'deleted') continue;
      const command = new DeleteAccessPointCommand({ AccessPointId });
      await unlessAbsent(this.client.send(command, options), ['AccessPointNotFound']);
    }
    for (const { MountTargetId, LifeCycleState } of targets) {
      if (LifeCycleState === 'deleting' || LifeCycleState === 'deleted') continue;
      const command = new DeleteMountTargetCommand({ MountTargetId });
      await unlessAbsent(this.client.send(command, options), ['MountTargetNotFound']);
    }
  }
}

function isAvailable({ LifeCycleState }: { readonly LifeCycleState?: string | undefined }): boolean {
  return LifeCycleState === 'available';
}

async function all<T>(pages: AsyncIterable<T>): Promise<readonly T[]> {
  const found: T[] = [];
  for await (const one of pages) found.push(one);
  return found;
}
