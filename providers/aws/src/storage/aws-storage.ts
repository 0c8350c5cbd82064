import {
  ProviderError,
  type Call,
  type ResourceDriver,
  type ResourceRef,
  type Snapshot,
  type SnapshotDriver,
  type SnapshotSpec,
  type StorageDriver,
  type Volume,
  type VolumeSpec,
} from '@clusternator/core/provider';

type Kind = VolumeSpec['kind'];
type Volumes = ResourceDriver<VolumeSpec, Volume>;

/** What a handle has of each kind alone, of volumes and of snapshots. */
const OF_VOLUMES: Readonly<Record<Kind, string>> = { files: 'fileSystemId', disk: 'volumeId', database: 'instance' };
const OF_SNAPSHOTS = { disk: 'snapshotId', database: 'snapshot' } as const;

/** Volumes of three kinds, each in a service of its own. */
export class AwsStorage implements StorageDriver {
  readonly volumes: Volumes;
  readonly snapshots: SnapshotDriver;

  constructor(
    kinds: Readonly<Record<Kind, Volumes>>,
    snapshots: Readonly<Record<keyof typeof OF_SNAPSHOTS, SnapshotDriver>>,
  ) {
    this.volumes = new OfAnyKind<VolumeSpec, Volume, Kind>(kinds, OF_VOLUMES, ({ kind }) => kind);
    this.snapshots = new OfAnyKind<SnapshotSpec, Snapshot, keyof typeof OF_SNAPSHOTS>(
      snapshots,
      OF_SNAPSHOTS,
      (spec) => {
        const { kind } = spec.volume;
        if (kind === 'files') throw noSnapshots(spec);
        return kind;
      },
    );
  }
}

/** One driver a kind. A handle tells the kind; without one all are asked. */
class OfAnyKind<S extends VolumeSpec | SnapshotSpec, R extends Volume | Snapshot, K extends string> {
  constructor(
    private readonly kinds: Readonly<Record<K, ResourceDriver<S, R>>>,
    private readonly keys: Readonly<Record<K, string>>,
    private readonly kindOf: (spec: S) => K,
  ) {}

  async ensure(spec: S, call: Call): Promise<R> {
    const kind = this.kindOf(spec);
    const others = this.names.filter((one) => one !== kind);
    const found = await Promise.all(others.map((one) => this.kinds[one].read({ id: spec.id }, call)));
    // Of another kind it is another spec's, and comes back untouched.
    return found.find((one) => one !== undefined) ?? (await this.kinds[kind].ensure(spec, call));
  }

  async read(ref: ResourceRef, call: Call): Promise<R | undefined> {
    for (const kind of this.kindsOf(ref)) {
      const found = await this.kinds[kind].read(ref, call);
      if (found) return found;
    }
    return undefined;
  }

  async *list(call: Call): AsyncGenerator<R> {
    for (const kind of this.names) yield* this.kinds[kind].list(call);
  }

  async destroy(ref: ResourceRef, call: Call): Promise<void> {
    for (const kind of this.kindsOf(ref)) await this.kinds[kind].destroy(ref, call);
  }

  private get names(): readonly K[] {
    return Object.keys(this.kinds) as K[]; // it is a record of them
  }

  private kindsOf({ handle = {} }: ResourceRef): readonly K[] {
    const told = this.names.filter((kind) => handle[this.keys[kind]] !== undefined);
    return told.length > 0 ? told : this.names;
  }
}

/** @see https://docs.aws.amazon.com/aws-backup/latest/devguide/restoring-efs.html */
function noSnapshots({ id, volume }: SnapshotSpec): ProviderError {
  return new ProviderError(
    'unsupported',
    `${id} can't be taken: on AWS there are snapshots of databases and disks alone`,
    {
      path: `volumes.${volume.id}`,
      hint: 'AWS Backup copies a file system while it is written to, and restores it below a folder whose name it does not tell',
    },
  );
}
