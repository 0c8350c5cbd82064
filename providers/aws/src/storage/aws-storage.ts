import {
  ProviderError,
  type Call,
  type ResourceDriver,
  type ResourceRef,
  type SnapshotDriver,
  type StorageDriver,
  type Volume,
  type VolumeSpec,
} from '@clusternator/core/provider';

type Volumes = ResourceDriver<VolumeSpec, Volume>;

/** Volumes of two kinds, each in a service of its own. */
export class AwsStorage implements StorageDriver {
  readonly volumes: Volumes;

  constructor(
    kinds: { readonly files: Volumes; readonly database: Volumes },
    readonly snapshots: SnapshotDriver,
  ) {
    this.volumes = new VolumesOfAnyKind(kinds);
  }
}

class VolumesOfAnyKind implements Volumes {
  constructor(private readonly kinds: { readonly files: Volumes; readonly database: Volumes }) {}

  async ensure(spec: VolumeSpec, call: Call): Promise<Volume> {
    const { files, database } = this.kinds;
    if (spec.kind === 'disk') throw noDisks(spec);
    const [its, other] = spec.kind === 'files' ? [files, database] : [database, files];
    // Of the other kind it is another spec's, and comes back untouched.
    return (await other.read(spec, call)) ?? (await its.ensure(spec, call));
  }

  async read(ref: ResourceRef, call: Call): Promise<Volume | undefined> {
    const [first, second] = this.likely(ref);
    return (await first.read(ref, call)) ?? (await second.read(ref, call));
  }

  async *list(call: Call): AsyncGenerator<Volume> {
    yield* this.kinds.database.list(call);
    yield* this.kinds.files.list(call);
  }

  async destroy(ref: ResourceRef, call: Call): Promise<void> {
    for (const kind of this.likely(ref)) await kind.destroy(ref, call);
  }

  /** The kind that its handle tells of first. */
  private likely({ handle }: ResourceRef): readonly [Volumes, Volumes] {
    const { files, database } = this.kinds;
    return handle?.fileSystemId === undefined ? [database, files] : [files, database];
  }
}

function noDisks({ id }: VolumeSpec): ProviderError {
  return new ProviderError('unsupported', `volume ${id}: tasks on Fargate have no disks that outlive them`, {
    path: 'kind',
    hint: 'take `kind: files`, which several instances can mount, or `kind: database`',
  });
}
