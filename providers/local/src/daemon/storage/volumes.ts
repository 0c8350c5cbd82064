import { mkdir } from 'node:fs/promises';
import path from 'node:path';
import { ProviderError } from '@clusternator/core/provider';
import type { ContainerRuntime } from '../../containers/runtime.ts';
import type { Mount } from '../../containers/instance.ts';
import { messageOf } from '../../control/failure.ts';
import type { VolumeBody, VolumeSource, VolumeView } from '../../control/storage-protocol.ts';
import type { LocalDatabase, Scope, VolumeRecord } from '../database.ts';
import { keyOf } from '../keys.ts';
import { removeTree } from '../source-tree.ts';
import type { Job, Jobs } from './jobs.ts';

export interface VolumesOptions {
  readonly folder: string;
  readonly home: string;
  readonly database: LocalDatabase;
  readonly runtime: ContainerRuntime;
  readonly jobs: Jobs;
  /** Titles of the environments that mount it. */
  usersOf(scope: Scope, id: string): readonly string[];
  /** Snapshots that are being taken of it. */
  readersOf(scope: Scope, id: string): readonly string[];
  /** Its snapshots are on the disk: it may go. */
  snapshotsSettled(scope: Scope, id: string): Promise<void>;
  /** @throws ProviderError `not-found`, `conflict`: it can't be filled from this. */
  assertSource(scope: Scope, from: VolumeSource): void;
  /** Says so, should it be known to hold more than it may. */
  overSize(key: string, sizeGiB: number): string | undefined;
  /** Makes a volume's data out of its source. @returns What holds it: nothing, where the source had none. */
  fill(record: VolumeRecord, from: VolumeSource, job: Job): Promise<VolumeRecord['backing']>;
  readonly log: (message: string) => void;
}

/**
 * Durable data. What mounts a volume first decides where it is: in a volume of the Docker Engine when only containers use it, since they
 * write as users of their own; else in a folder, which containers see as a bind mount.
 */
export class Volumes {
  readonly #options: VolumesOptions;
  readonly #records = new Map<string, VolumeRecord>();

  constructor(options: VolumesOptions) {
    this.#options = options;
    for (const record of options.database.volumes()) this.#records.set(record.key, record);
  }

  /** Ends what was interrupted. */
  async resume(signal: AbortSignal): Promise<void> {
    for (const record of this.#records.values()) {
      if (record.phase === 'creating') this.#startFilling(record);
    }
    for (const record of this.#records.values()) {
      if (record.phase === 'destroying') await this.destroy(record, record.id, signal);
    }
  }

  /** @throws ProviderError `not-found`, `conflict` (what it is to be filled from). */
  ensure(scope: Scope, id: string, body: VolumeBody): VolumeView {
    const key = keyOf(scope, id);
    const there = this.#records.get(key);
    if (!there) this.#make({ key, ...scope, id, spec: body, phase: 'active' });
    else if (body.sizeGiB > there.spec.sizeGiB)
      this.#put({ ...there, spec: { ...there.spec, sizeGiB: body.sizeGiB, fingerprint: body.fingerprint } });
    return this.#view(this.#require(key));
  }

  /** @throws ProviderError `not-found`. */
  async require(scope: Scope, id: string, waitSeconds: number, signal: AbortSignal): Promise<VolumeView> {
    const key = keyOf(scope, id);
    await this.#options.jobs.ended(key, waitSeconds, signal);
    if (waitSeconds > 0 && !this.#records.has(key)) this.#options.jobs.assertDidNotFail(key);
    return this.#view(this.#require(key));
  }

  /** @throws ProviderError `not-found`, `conflict` (it is not there yet, or goes). */
  requireActive(scope: Scope, id: string): VolumeRecord {
    const record = this.#require(keyOf(scope, id));
    if (record.phase === 'active') return record;
    throw new ProviderError('conflict', `volume ${id} is ${record.phase}`, { effect: 'none' });
  }

  isDisk(scope: Scope, id: string): boolean {
    return this.#records.get(keyOf(scope, id))?.spec.kind === 'disk';
  }

  /** Those that hold data. */
  active(): readonly VolumeRecord[] {
    return [...this.#records.values()].filter(({ phase }) => phase === 'active');
  }

  list(scope: Scope): readonly VolumeView[] {
    const own = [...this.#records.values()].filter((it) => it.project === scope.project && it.stage === scope.stage);
    return own.map((record) => this.#view(record));
  }

  /** Volumes that are being filled from a snapshot or a volume. */
  beingFilledFrom(source: 'snapshot' | 'volume', sourceKey: string): readonly string[] {
    const filling = [...this.#records.values()].filter(({ phase }) => phase === 'creating');
    const isOfIt = ({ spec: { from }, ...scope }: VolumeRecord): boolean => {
      if (!from) return false;
      const id = 'snapshot' in from ? from.snapshot : from.volume;
      return source in from && keyOf(scope, id) === sourceKey;
    };
    return filling.filter(isOfIt).map(({ id }) => id);
  }

  /** @throws ProviderError `conflict` (an environment mounts it). */
  async destroy(scope: Scope, id: string, signal: AbortSignal): Promise<void> {
    const record = this.#records.get(keyOf(scope, id));
    if (!record) return;
    const users = this.#options.usersOf(scope, id);
    if (users.length > 0) {
      throw new ProviderError('conflict', `volume ${id} is used by ${users.join(', ')}`, { effect: 'none' });
    }
    const readers = [...this.#options.readersOf(scope, id), ...this.beingFilledFrom('volume', record.key)];
    if (readers.length > 0) {
      throw new ProviderError('conflict', `volume ${id} is being copied to ${readers.join(', ')}`, { effect: 'none' });
    }
    await this.#options.jobs.stop(record.key);
    this.#put({ ...record, phase: 'destroying' });
    await this.#options.snapshotsSettled(scope, id);
    if (record.backing === 'engine') await this.#options.runtime.removeVolume(this.engineName(record), signal);
    await removeTree(path.join(this.#options.folder, record.key));
    this.#options.database.removeVolume(record.key);
    this.#records.delete(record.key);
  }

  /**
   * For a process.
   * @throws ProviderError `not-found`, `unsupported` (only containers reach it).
   */
  async folderOf(scope: Scope, id: string): Promise<string> {
    const record = this.#back(scope, id, 'folder');
    if (record.backing === 'engine') {
      throw new ProviderError(
        'unsupported',
        `volume ${id} is kept by the Docker Engine, where a process can't reach it`,
        {
          hint: 'give the process a volume of its own, or run it from an image',
        },
      );
    }
    return this.#makeFolder(record);
  }

  /** For a container. @param onlyContainers - No process of its environment mounts it too. @throws ProviderError `not-found`. */
  async mountOf(scope: Scope, id: string, onlyContainers: boolean, signal: AbortSignal): Promise<MountSource> {
    const record = this.#back(scope, id, onlyContainers ? 'engine' : 'folder');
    if (record.backing === 'folder') return { kind: 'folder', source: await this.#makeFolder(record) };
    const volume = this.engineName(record);
    await this.#options.runtime.ensureVolume(volume, record.spec.tags, signal);
    return { kind: 'volume', volume };
  }

  /** Where its data is, whatever holds it. */
  dataFolder(record: VolumeRecord): string {
    return path.join(this.#options.folder, record.key, 'data');
  }

  /** Its name on the Docker Engine, should it be kept there. */
  engineName(record: VolumeRecord): string {
    return `clusternator-${this.#options.home}-${record.key}`;
  }

  #make(record: VolumeRecord): void {
    const { from } = record.spec;
    if (from) this.#options.assertSource(record, from);
    this.#put({ ...record, phase: from ? 'creating' : 'active' });
    if (from) this.#startFilling(record);
  }

  #startFilling({ key }: VolumeRecord): void {
    this.#options.jobs.run(key, async (job) => {
      const record = this.#require(key);
      const { from } = record.spec;
      try {
        const backing = from && (await this.#options.fill(record, from, job));
        this.#put({ ...record, ...(backing && { backing }), phase: 'active' });
      } catch (error) {
        if (job.signal.aborted) return;
        this.#options.log(`volume ${key} can't be made: ${messageOf(error)}`);
        this.#options.database.removeVolume(key);
        this.#records.delete(key);
        throw error;
      }
    });
  }

  #back(scope: Scope, id: string, backing: 'folder' | 'engine'): VolumeRecord {
    const record = this.requireActive(scope, id);
    if (record.backing) return record;
    this.#put({ ...record, backing });
    return this.#require(record.key);
  }

  async #makeFolder(record: VolumeRecord): Promise<string> {
    const folder = this.dataFolder(record);
    await mkdir(folder, { recursive: true, mode: 0o700 });
    return folder;
  }

  #view({ id, spec, phase, key }: VolumeRecord): VolumeView {
    const { fingerprint, tags, kind, sizeGiB } = spec;
    const message = this.#options.overSize(key, sizeGiB);
    const progress = this.#options.jobs.progress(key);
    return {
      id,
      fingerprint,
      tags,
      phase,
      handle: { volume: key },
      kind,
      sizeGiB,
      ...(message !== undefined && { message }),
      ...(progress && { progress }),
    };
  }

  #put(record: VolumeRecord): void {
    this.#options.database.putVolume(record);
    this.#records.set(record.key, record);
  }

  #require(key: string): VolumeRecord {
    const record = this.#records.get(key);
    if (!record) throw new ProviderError('not-found', `there is no volume ${key}`);
    return record;
  }
}

/** A mount, but for where in the container it is. */
export type MountSource = Mount extends infer M ? (M extends Mount ? Omit<M, 'target' | 'readOnly'> : never) : never;
