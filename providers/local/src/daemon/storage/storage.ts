import { ProviderError } from '@clusternator/core/provider';
import type { ContainerRuntime } from '../../containers/runtime.ts';
import { messageOf } from '../../control/failure.ts';
import type { LocalPaths } from '../../control/paths.ts';
import type { VolumeSource } from '../../control/storage-protocol.ts';
import type { LocalDatabase, Scope } from '../database.ts';
import { Jobs } from './jobs.ts';
import { Snapshots } from './snapshots.ts';
import { Sizes } from './sizes.ts';
import { VolumeCopies, type Users } from './volume-copies.ts';
import { Volumes } from './volumes.ts';

export interface StorageOptions {
  readonly paths: LocalPaths;
  readonly database: LocalDatabase;
  readonly runtime: ContainerRuntime;
  readonly users: Users;
  readonly log: (message: string) => void;
}

/** Volumes, their snapshots, and the work between them. */
export class Storage {
  readonly volumes: Volumes;
  readonly snapshots: Snapshots;
  readonly sizes: Sizes;
  readonly #jobs = new Jobs();
  readonly #log: (message: string) => void;

  constructor({ paths, database, runtime, users, log }: StorageOptions) {
    const jobs = this.#jobs;
    this.#log = log;
    const snapshots: Snapshots = new Snapshots({
      folder: paths.snapshots,
      database,
      jobs,
      log,
      assertVolume: (scope, id) => void volumes.requireActive(scope, id),
      readersOf: (key) => volumes.beingFilledFrom('snapshot', key),
      copyVolume: (scope, id, target, isHeld, job) =>
        copies.take(volumes.requireActive(scope, id), target, isHeld, job),
      volumeFolder: async (scope, id, signal) => {
        const folder = await copies.folderOf(volumes.requireActive(scope, id), signal);
        if (folder !== undefined) return folder;
        throw new ProviderError('unsupported', `only the Docker Engine reaches what volume ${id} holds`);
      },
    });
    const volumes: Volumes = new Volumes({
      folder: paths.volumes,
      home: paths.home,
      database,
      runtime,
      jobs,
      usersOf: (scope, id) => users.usersOf(scope, id),
      overSize: (key, sizeGiB) => sizes.overSize(key, sizeGiB),
      log,
      readersOf: (scope, id) => snapshots.ofVolumeBeingTaken(scope, id),
      snapshotsSettled: (scope, id) => snapshots.settled(scope, id),
      assertSource: (scope, from) => {
        this.#assertSource(scope, from);
      },
      fill: (record, from, job) => copies.fill(record, from, job),
    });
    const copies = new VolumeCopies({ volumes, snapshots, runtime, users });
    const sizes = new Sizes({
      volumes: () => volumes.active(),
      measure: (record, signal) => copies.measure(record, signal),
      log,
    });
    this.sizes = sizes;
    this.volumes = volumes;
    this.snapshots = snapshots;
  }

  /** Goes on with what a daemon that died was at; the rest of the daemon does not wait for it. */
  resume(signal: AbortSignal): void {
    void this.sizes.watch(signal);
    Promise.all([this.snapshots.resume(), this.volumes.resume(signal)]).catch((error: unknown) => {
      this.#log(`what a daemon left of its storage can't be removed: ${messageOf(error)}`);
    });
  }

  /** What goes on is begun anew by the next daemon. */
  close(): Promise<void> {
    return this.#jobs.close();
  }

  #assertSource(scope: Scope, from: VolumeSource): void {
    if ('volume' in from) this.volumes.requireActive(scope, from.volume);
    else if (!this.snapshots.list(scope).some(({ id }) => id === from.snapshot)) {
      throw new ProviderError('not-found', `there is no snapshot ${from.snapshot} of ${scope.project}/${scope.stage}`);
    }
  }
}
