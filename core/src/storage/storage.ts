import type { Call } from '../provider/host.ts';
import type { Resource, ResourceDriver, ResourceSpec } from '../provider/resource.ts';
import type { Secret } from '../provider/secret.ts';

/** A volume grows when `sizeGiB` does, and changes in nothing else. */
export interface VolumeSpec extends ResourceSpec {
  readonly kind: 'files' | 'disk' | 'database';
  readonly sizeGiB: number;
  /** Of a database. */
  readonly engine?: { readonly name: string; readonly version: string };
  /** Left out: empty. `at` with `storage.pointInTime`. */
  readonly from?: { readonly snapshot: Snapshot } | { readonly volume: Volume; readonly at?: Date };
}
/** Durable data. */
export interface Volume extends Resource {
  readonly kind: VolumeSpec['kind'];
  readonly sizeGiB: number;
  /** How much it holds, where that is known without reading it whole. Only from `read`. */
  readonly usedBytes?: number;
  /** How a database is reached: HOST, PORT, DATABASE, USER; secret: PASSWORD. Core gives them to services that need it, as `<VOLUME>_HOST`. */
  readonly connection?: {
    readonly env: Readonly<Record<string, string>>;
    readonly secrets: Readonly<Record<string, Secret>>;
  };
}
/** Of a whole volume. `id` is its name: of [a-z0-9-], at most 63 characters. */
export interface SnapshotSpec extends ResourceSpec {
  readonly volume: Volume;
  /** `ensure` copies all, and leaves the snapshot `creating`, with `isCopied`, until `complete`. Only where the driver has `complete`. */
  readonly hold?: true;
}
/** A volume at one moment. `volume` is that volume's id. */
export interface Snapshot extends Resource {
  readonly volume: string;
  /** Nothing that was written after it is promised to be in it. */
  readonly takenAt: Date;
  readonly bytes?: number;
  /** With `hold`: all is copied, and `complete` may come. */
  readonly isCopied?: true;
}
/** What makes a held snapshot whole. Paths are relative to the volume. */
export interface SnapshotEnd {
  /** Folders to copy again as they now are, in place of what was copied of them before. */
  readonly again: readonly string[];
  /** Small files to add or replace, by path. They are not written into the volume. */
  readonly files: Readonly<Record<string, string>>;
}
/**
 * Keeps volumes at one moment. `ensure` on a volume that services write to gives what a machine would find after a power cut: never a
 * mixture of moments, unless `hold` says that the application makes good for one. What is half made is `creating` when it is read, and
 * `destroy` removes it.
 */
export interface SnapshotDriver extends ResourceDriver<SnapshotSpec, Snapshot> {
  /**
   * There, where a snapshot is a copy that takes a while beside the writers. An online backup of the application is begun before `ensure`
   * with `hold`, ended after it, and what that end gives goes in here.
   * @throws `not-found`; `conflict` (it is not copied yet).
   */
  complete?(snapshot: Snapshot, end: SnapshotEnd, call: Call): Promise<Snapshot>;
  /**
   * With `storage.dumps`: a snapshot that is a stream of bytes, what a dump command wrote. It is `active` once it is wholly and durably
   * there; called again after an interruption it begins anew. `read`, `list`, `destroy` and `check` treat it as any other.
   * @throws `quota` (no space; nothing is left), and what `content` throws: then nothing is left either.
   */
  write?(spec: SnapshotSpec, content: AsyncIterable<Uint8Array>, call: Call): Promise<Snapshot>;
  /** With `storage.dumps`: the bytes of such a snapshot, checked against what was written before the last of them are given. @throws `damaged`. */
  open?(snapshot: Snapshot, call: Call): AsyncIterable<Uint8Array>;
  /**
   * With `storage.checksums`: reads all of it, and compares with what was written.
   * @returns How much was read. @throws `damaged`, naming the first file at fault; `not-found`.
   */
  check?(snapshot: Snapshot, call: Call): Promise<{ readonly bytes: number }>;
  /** How much of a volume differs from its snapshot, by what can be told without reading it whole. Left out: core compares sizes. */
  changes?(snapshot: Snapshot, volume: Volume, call: Call): Promise<{ readonly bytes: number }>;
}
/**
 * Keeps data. A restore and a clone are a `volumes.ensure` with `from`: always a new volume, which is `creating` until it is whole. It
 * throws `damaged` for a snapshot that is not what was written, where the driver keeps checksums, and then leaves nothing of the volume.
 *
 * Whatever copies looks for space first: `quota`, with what it needs and what there is in the message, before anything is written. When the
 * space ends half way it is `quota` too, and the source and all older snapshots are as they were. Copies tell `Call.progress` in bytes.
 */
export interface StorageDriver {
  readonly volumes: ResourceDriver<VolumeSpec, Volume>;
  /** With `storage.snapshots`. Writers do not wait for them. */
  readonly snapshots?: SnapshotDriver;
}
