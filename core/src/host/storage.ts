import type { PromotionResult } from './slots.ts';

/** One volume, as commands show it. All plain data. */
export interface VolumeView {
  readonly id: string;
  /** As the config calls it. */
  readonly name: string;
  readonly scope: 'env' | 'slot' | 'project';
  readonly slot?: string;
  readonly environment?: string;
  readonly state: 'creating' | 'ready' | 'destroying';
  readonly kind: 'files' | 'disk' | 'database';
  readonly sizeGiB: number;
  /** Only from `show`, where the provider knows. */
  readonly usedBytes?: number;
  /** False: another volume is used in its place, or it was restored and never swapped in. */
  readonly isInUse: boolean;
  /** Environments that mount it. */
  readonly users: readonly string[];
  readonly origin?: string;
  readonly onDestroy: 'delete' | 'snapshot' | 'retain';
  readonly retained?: { readonly at: string; readonly why: string };
  readonly backup?: {
    readonly everySeconds: number;
    readonly quiesce: string;
    readonly lastAt?: string;
    readonly error?: string;
  };
  /** It is, or was made from, the data of a slot as it is. */
  readonly holdsSlotData: boolean;
  readonly createdAt: string;
  readonly operation?: string;
}
/** One snapshot, as commands show it. */
export interface SnapshotView {
  readonly id: string;
  readonly volume: string;
  readonly name: string;
  readonly slot?: string;
  readonly environment?: string;
  readonly state: 'creating' | 'ready' | 'destroying';
  readonly kind: 'manual' | 'backup' | 'seed' | 'destroy' | 'migration' | 'restore' | 'clone';
  readonly content: 'volume' | 'dump';
  readonly quiesce: string;
  readonly takenAt?: string;
  readonly bytes?: number;
  readonly missed?: number;
  readonly retained?: { readonly at: string; readonly why: string };
  readonly verified?: { readonly at: string; readonly isGood: boolean; readonly message?: string };
  readonly holdsSlotData: boolean;
  readonly operation?: string;
}
/** What one backup came to. */
export interface BackupRun {
  readonly volume: string;
  readonly state: 'taken' | 'failed' | 'skipped' | 'planned';
  readonly snapshot?: string;
  readonly operation?: string;
  readonly bytes?: number;
  /** Runs of the schedule that did not take place, and that this one catches up. */
  readonly missed: number;
  readonly expired: readonly string[];
  readonly message?: string;
}
/** Whether a promise is kept. */
export interface BackupReport {
  readonly volume: string;
  readonly everySeconds: number;
  readonly count: number;
  readonly bytes: number;
  /** The newest good one. Left out: there is none. */
  readonly newest?: { readonly snapshot: string; readonly takenAt: string; readonly ageSeconds: number };
  /** The newest that a verification called good. */
  readonly verified?: { readonly snapshot: string; readonly at: string };
  readonly bad: readonly string[];
  /** False: the newest good one is older than promised. */
  readonly isKept: boolean;
  readonly error?: string;
}
/** What a check of a snapshot found. */
export interface Verification {
  readonly snapshot: string;
  readonly isGood: boolean;
  readonly message: string;
}
/** What a restore would undo. */
export interface Loss {
  readonly volume: string;
  readonly snapshot: string;
  readonly takenAt: string;
  readonly seconds: number;
  /** How much differs from the snapshot, where it can be told. */
  readonly bytes?: number;
}
/** A volume to make of a snapshot. */
export interface RestoreRequest {
  readonly snapshot: string;
  /** Id of the new volume. */
  readonly as?: string;
  /** Uses the new volume in place of the one in use, which is kept. */
  readonly swap?: boolean;
  /** Of a slot: the environment that it moves to on the new volume, such as a standby. Left out: its head's commit. */
  readonly environment?: string;
  readonly by?: string;
  readonly reason?: string;
}
/** What a restore has come to. */
export interface RestoreResult {
  readonly operation: string;
  readonly volume: VolumeView;
  /** Of what was in use, from before the swap. */
  readonly kept?: SnapshotView;
  readonly swapped?: SwapResult;
}
/** What a swap of volumes has come to. */
export interface SwapResult {
  readonly place: string;
  /** The volume that is kept. */
  readonly from: string;
  readonly to: string;
  /** Environments that go on with the former volume until they are made anew. */
  readonly behind: readonly string[];
  /** The slot's new environment on it. */
  readonly promotion?: PromotionResult;
}
/** What `--dry-run` tells. Nothing is changed. */
export interface StoragePlan {
  readonly changes: readonly { readonly action: 'create' | 'change' | 'destroy'; readonly what: string }[];
  readonly loss?: Loss;
  readonly interruptsSeconds: number;
}

/** The volumes and snapshots of a project. An id may be any unique prefix. */
export interface Storages {
  volumes(options?: { readonly all?: boolean }): Promise<readonly VolumeView[]>;
  volume(id: string): Promise<VolumeView & { readonly snapshots: readonly SnapshotView[] }>;
  snapshots(volume?: string): Promise<readonly SnapshotView[]>;
  /** @throws `unhealthy` (5), `quota` (11), `already-exists` (7), `unsupported` (7), `not-found` (3). */
  snapshot(request: {
    readonly volume: string;
    readonly name?: string;
    readonly quiesce?: string;
  }): Promise<{ readonly operation: string; readonly snapshot: SnapshotView }>;
  /** Always into a new volume. @throws `damaged` (5): nothing is left of it; `quota` (11). */
  restore(request: RestoreRequest): Promise<RestoreResult>;
  planRestore(request: RestoreRequest): Promise<StoragePlan>;
  clone(request: { readonly volume: string; readonly as?: string }): Promise<RestoreResult>;
  /** Uses a volume in place of the one in use, which is kept. @throws `refused` (7), `conflict` (4). */
  swap(request: {
    readonly volume: string;
    readonly environment?: string;
    readonly by?: string;
    readonly reason?: string;
  }): Promise<SwapResult>;
  /** Of a volume or a snapshot: whether anything automatic may destroy it. */
  retain(id: string, request: { readonly keep: boolean; readonly why?: string }): Promise<VolumeView | SnapshotView>;
  /** Of a volume or a snapshot. @throws `refused` (7): it is in use, or the last good backup. */
  destroy(
    id: string,
    options?: { readonly force?: boolean },
  ): Promise<{ readonly operation: string; readonly id: string }>;
  /** What is meant by an id. @throws `not-found`, `invalid`. */
  find(
    id: string,
  ): Promise<
    | { readonly type: 'volume'; readonly volume: VolumeView }
    | { readonly type: 'snapshot'; readonly snapshot: SnapshotView }
  >;
  backups(volume?: string): Promise<readonly SnapshotView[]>;
  /** Those that are due, or those of the named volumes now. */
  runBackups(request: {
    readonly due: boolean;
    readonly volumes?: readonly string[];
    readonly dryRun?: boolean;
  }): Promise<readonly BackupRun[]>;
  /** A snapshot, or the newest backup of a volume; left out: the newest of each volume. */
  verifyBackups(id?: string): Promise<readonly Verification[]>;
  reportBackups(): Promise<readonly BackupReport[]>;
}
