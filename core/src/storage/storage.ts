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
  /** How a database is reached: HOST, PORT, DATABASE, USER; secret: PASSWORD. Core gives them to services that need it, as `<VOLUME>_HOST`. */
  readonly connection?: {
    readonly env: Readonly<Record<string, string>>;
    readonly secrets: Readonly<Record<string, Secret>>;
  };
}
/** Of a whole volume. `id` is its name. */
export interface SnapshotSpec extends ResourceSpec {
  readonly volume: Volume;
}
/** A volume at one moment. `volume` is that volume's id. */
export interface Snapshot extends Resource {
  readonly volume: string;
  readonly takenAt: Date;
  readonly bytes?: number;
}
/** Keeps data. A restore and a clone are a `volumes.ensure` with `from`: always a new volume. */
export interface StorageDriver {
  readonly volumes: ResourceDriver<VolumeSpec, Volume>;
  /** With `storage.snapshots`. Writers do not wait for them. */
  readonly snapshots?: ResourceDriver<SnapshotSpec, Snapshot>;
}
