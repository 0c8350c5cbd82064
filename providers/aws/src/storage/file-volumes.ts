import {
  CreateFileSystemCommand,
  DeleteFileSystemCommand,
  DescribeFileSystemsCommand,
  paginateDescribeFileSystems,
  TagResourceCommand,
  type EFSClient,
  type FileSystemDescription,
} from '@aws-sdk/client-efs';
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
import { isNamed, unlessAbsent } from './aws-error.ts';
import { fromAwsTags, SIZE_TAG, toAwsTags } from './aws-tags.ts';
import { PartsOfFileSystem, type FileSystemParts } from './file-system-parts.ts';
import { nameOf, ours, withNative } from './ownership.ts';

interface Parts {
  readonly efs: EFSClient;
  readonly host: Host;
  readonly foundation: AwsFoundation;
}
const GOING = new Set(['deleting', 'deleted']);

/**
 * Shared files on EFS: a file system, then its access point and a mount target a zone, which the app's security group lets its own members
 * reach. A file system has no size: the one asked for is kept as a tag.
 */
export class FileVolumes implements ResourceDriver<VolumeSpec, Volume> {
  private readonly parts: PartsOfFileSystem;
  private readonly efs: EFSClient;
  private readonly host: Host;

  constructor({ efs, host, foundation }: Parts) {
    this.efs = efs;
    this.host = host;
    this.parts = new PartsOfFileSystem(efs, foundation);
  }

  async ensure(spec: VolumeSpec, call: Call): Promise<Volume> {
    const name = nameOf(this.host, 'volume', spec.id);
    const found = (await this.find(name, call)) ?? (await this.create(name, spec, call));
    const identity = this.owned(found, spec.id);
    const { FileSystemId = '' } = found;
    const have = await this.parts.read(FileSystemId, call);
    const grown = await this.grown(found, spec, call);
    if (found.LifeCycleState !== 'available' || this.parts.isWhole(have)) return this.show(grown, identity, have);
    if (have.accessPoints.length === 0) await this.parts.createAccessPoint(FileSystemId, name, spec, call);
    await this.parts.createTargets(FileSystemId, have, call);
    return this.show(grown, identity, await this.parts.read(FileSystemId, call));
  }

  async read({ id }: ResourceRef, call: Call): Promise<Volume | undefined> {
    const name = nameOf(this.host, 'volume', id);
    const found = await this.find(name, call);
    if (!found) return undefined;
    const identity = this.owned(found, id);
    const volume = this.show(found, identity, await this.parts.read(found.FileSystemId ?? '', call));
    const usedBytes = found.SizeInBytes?.Value;
    return usedBytes === undefined ? volume : { ...volume, usedBytes };
  }

  async *list(call: Call): AsyncGenerator<Volume> {
    for await (const page of paginateDescribeFileSystems({ client: this.efs }, {}, { abortSignal: call.signal })) {
      for (const found of page.FileSystems ?? []) {
        const identity = this.host.identify(fromAwsTags(found.Tags));
        if (identity?.type !== 'volume') continue;
        yield this.show(found, identity, await this.parts.read(found.FileSystemId ?? '', call));
      }
    }
  }

  async destroy({ id }: ResourceRef, call: Call): Promise<void> {
    const name = nameOf(this.host, 'volume', id);
    const found = await this.find(name, call);
    if (!found) return;
    this.owned(found, id);
    const { FileSystemId = '', LifeCycleState = '' } = found;
    if (GOING.has(LifeCycleState)) return;
    const have = await this.parts.read(FileSystemId, call);
    await this.parts.destroy(have, call);
    const command = new DeleteFileSystemCommand({ FileSystemId });
    // Not while it has mount targets, or is being made: core asks again.
    const now = ['FileSystemNotFound', 'FileSystemInUse', 'IncorrectFileSystemLifeCycleState'];
    await unlessAbsent(this.efs.send(command, { abortSignal: call.signal }), now);
  }

  private async create(name: string, spec: VolumeSpec, call: Call): Promise<FileSystemDescription> {
    if (spec.from !== undefined) throw noCopy(spec);
    const request = {
      CreationToken: name,
      Encrypted: true,
      PerformanceMode: 'generalPurpose' as const,
      ThroughputMode: 'elastic' as const,
      // What is backed up is Clusternator's to say: it would cost, and outlive the volume.
      Backup: false,
      Tags: toAwsTags({ ...spec.tags, [SIZE_TAG]: String(spec.sizeGiB) }),
    };
    const command = new CreateFileSystemCommand(withNative(this.host, request, spec.native));
    try {
      return await this.efs.send(command, { abortSignal: call.signal });
    } catch (error) {
      const meanwhile = isNamed(error, ['FileSystemAlreadyExists']) ? await this.find(name, call) : undefined;
      if (meanwhile) return meanwhile;
      throw error;
    }
  }

  private async grown(
    found: FileSystemDescription,
    { sizeGiB }: VolumeSpec,
    call: Call,
  ): Promise<FileSystemDescription> {
    if (sizeOf(found) >= sizeGiB) return found;
    const Tags = toAwsTags({ [SIZE_TAG]: String(sizeGiB) });
    const command = new TagResourceCommand({ ResourceId: found.FileSystemId, Tags });
    await this.efs.send(command, { abortSignal: call.signal });
    return { ...found, Tags: [...(found.Tags ?? []), ...Tags] };
  }

  /** By its token, which stays its own while it is there. */
  private async find(CreationToken: string, call: Call): Promise<FileSystemDescription | undefined> {
    const command = new DescribeFileSystemsCommand({ CreationToken });
    const asked = this.efs.send(command, { abortSignal: call.signal });
    return (await unlessAbsent(asked, ['FileSystemNotFound']))?.FileSystems?.[0];
  }

  private owned({ FileSystemId = '', Tags }: FileSystemDescription, id: string): Identity {
    return ours(this.host, { type: 'volume', id, what: `the file system ${FileSystemId}`, tags: Tags });
  }

  private show(
    found: FileSystemDescription,
    { id, fingerprint, tags }: Identity,
    { accessPoints, targets }: FileSystemParts,
  ): Volume {
    const { FileSystemId = '', LifeCycleState = '' } = found;
    const [accessPoint] = accessPoints;
    const phase = this.phaseOf(LifeCycleState, { accessPoints, targets });
    const handle = {
      fileSystemId: FileSystemId,
      ...(accessPoint?.AccessPointId !== undefined && { accessPointId: accessPoint.AccessPointId }),
    };
    const base = { id, fingerprint, tags, kind: 'files', sizeGiB: sizeOf(found), phase, handle } as const;
    if (phase === 'active') return base;
    const there = `${String(targets.length)} mount targets, ${String(accessPoints.length)} access points`;
    return { ...base, message: `the file system is ${LifeCycleState}, with ${there}` };
  }

  private phaseOf(state: string, parts: FileSystemParts): Phase {
    if (GOING.has(state)) return 'destroying';
    if (state === 'error' || parts.targets.some(({ LifeCycleState }) => LifeCycleState === 'error')) return 'failed';
    const isThere = state === 'available' || state === 'updating';
    return isThere && this.parts.isWhole(parts) ? 'active' : 'creating';
  }
}

function sizeOf({ Tags }: FileSystemDescription): number {
  return Number(fromAwsTags(Tags)[SIZE_TAG] ?? 0);
}

function noCopy({ id }: VolumeSpec): ProviderError {
  return new ProviderError(
    'unsupported',
    `volume ${id} can't be made from another: EFS has neither clones nor snapshots`,
    {
      path: 'from',
    },
  );
}
