import { ProviderError } from '@clusternator/core/provider';
import { messageOf } from '../../control/failure.ts';
import type { SnapshotBody, SnapshotEndBody, SnapshotView } from '../../control/storage-protocol.ts';
import type { LocalDatabase, Scope, SnapshotRecord } from '../database.ts';
import { keyOf } from '../keys.ts';
import { bootId } from '../process-table.ts';
import type { Job, Jobs } from './jobs.ts';
import { SnapshotFolders } from './snapshot-folders.ts';
import { Sealing } from './sealing.ts';

/** What a copy of a volume's data gave. */
export type Taken = Pick<SnapshotRecord, 'backing' | 'form' | 'takenAt' | 'bytes'>;

export interface SnapshotsOptions {
  readonly folder: string;
  readonly database: LocalDatabase;
  readonly jobs: Jobs;
  /** Puts a volume's data into an empty folder. @param isHeld - Moments may mix: the application makes good for it. @throws ProviderError. */
  copyVolume(scope: Scope, id: string, target: string, isHeld: boolean, job: Job): Promise<Taken>;
  /** @throws ProviderError `not-found`, `conflict`: there is nothing to take one of. @returns Where its data is, if in a folder. */
  assertVolume(scope: Scope, id: string): void;
  /** @throws ProviderError `not-found`, `unsupported`. */
  volumeFolder(scope: Scope, id: string, signal: AbortSignal): Promise<string>;
  /** Volumes that are being filled from it. */
  readersOf(key: string): readonly string[];
  readonly log: (message: string) => void;
}

/**
 * Snapshots of volumes, each a folder of its own that nothing writes to. One is made under another name, and there once it has its own.
 * Its checksums are made after, in the background: until they are, and all of it is on the disk, nothing older of the same volume goes.
 */
export class Snapshots {
  readonly #options: SnapshotsOptions;
  readonly #records = new Map<string, SnapshotRecord>();
  readonly #folders: SnapshotFolders;
  readonly #sealing: Sealing;

  constructor(options: SnapshotsOptions) {
    const { database, folder, jobs, log } = options;
    this.#options = options;
    for (const record of database.snapshots()) this.#records.set(record.key, record);
    this.#folders = new SnapshotFolders(folder);
    this.#sealing = new Sealing({
      jobs,
      log,
      folders: this.#folders,
      record: (key) => this.#require(key),
      put: (record) => {
        this.#put(record);
      },
    });
  }

  /** Ends what was interrupted: one that was being taken is gone, since its moment is over. */
  async resume(): Promise<void> {
    for (const record of this.#records.values()) {
      if (record.phase === 'creating') this.#forget(record.key);
      else if (record.phase === 'active' && record.seal === undefined) this.#sealing.resume(record);
    }
    await this.#folders.removeStrays((key) => this.#records.has(key));
    for (const record of this.#records.values()) {
      if (record.phase === 'destroying') await this.destroy(record, record.id);
    }
  }

  ensure(scope: Scope, id: string, body: SnapshotBody): SnapshotView {
    const key = keyOf(scope, id);
    if (!this.#records.has(key)) {
      this.#begin(scope, id, body, 'files');
      this.#options.jobs.run(key, (job) => this.#take(key, job));
    }
    return this.#view(this.#require(key));
  }

  /** For what a dump is about to write; what an earlier one wrote is gone. @returns The file. @throws ProviderError `already-exists`. */
  async beginDump(scope: Scope, id: string, body: SnapshotBody): Promise<string> {
    const key = keyOf(scope, id);
    const there = this.#records.get(key);
    if (there && there.phase !== 'creating') {
      throw new ProviderError('already-exists', `there is a snapshot ${id} already`, { effect: 'none' });
    }
    await this.#options.jobs.stop(key);
    this.#begin(scope, id, body, 'dump');
    const data = await this.#folders.begin(key);
    this.#put({ ...this.#require(key), isCopied: true });
    return this.#folders.dumpIn(data);
  }

  /** @throws ProviderError `not-found`, `conflict` (it is not copied yet). */
  complete(scope: Scope, id: string, end: SnapshotEndBody): SnapshotView {
    const key = keyOf(scope, id);
    const record = this.#require(key);
    if (record.phase === 'creating') {
      if (!record.isCopied) {
        throw new ProviderError('conflict', `snapshot ${id} is not copied yet`, { effect: 'none', retry: 'safe' });
      }
      this.#options.jobs.run(key, (job) => this.#finish(key, end, job));
    }
    return this.#view(record);
  }

  /** @throws ProviderError `not-found`, and whatever taking it threw. */
  async require(scope: Scope, id: string, waitSeconds: number, signal: AbortSignal): Promise<SnapshotView> {
    const { jobs } = this.#options;
    const key = keyOf(scope, id);
    await jobs.ended(key, waitSeconds, signal);
    if (waitSeconds > 0 && !this.#records.has(key)) jobs.assertDidNotFail(key);
    return this.#view(this.#require(key));
  }

  list(scope: Scope): readonly SnapshotView[] {
    const all = [...this.#records.values()];
    return all.filter((it) => it.project === scope.project && it.stage === scope.stage).map((it) => this.#view(it));
  }

  /** Snapshots that are being taken of a volume. */
  ofVolumeBeingTaken(scope: Scope, volume: string): readonly string[] {
    return this.#ofVolume(scope, volume)
      .filter(({ phase, form }) => phase === 'creating' && form !== 'dump')
      .map(({ id }) => id);
  }

  /** All of a volume are on the disk and have their checksums, as far as they can: what they were made of may go. */
  async settled(scope: Scope, volume: string): Promise<void> {
    for (const { key } of this.#ofVolume(scope, volume)) await this.#sealing.ended(key);
  }

  /** @throws ProviderError `conflict` (a volume is being made from it). */
  async destroy(scope: Scope, id: string): Promise<void> {
    const record = this.#records.get(keyOf(scope, id));
    if (!record) return;
    const readers = this.#options.readersOf(record.key);
    if (readers.length > 0) {
      throw new ProviderError('conflict', `volume ${readers.join(', ')} is being made from snapshot ${id}`, {
        effect: 'none',
      });
    }
    this.#put({ ...record, phase: 'destroying' });
    await this.#options.jobs.stop(record.key);
    await this.#sealing.stop(record.key);
    await this.settled(scope, record.spec.volume);
    await this.#folders.remove(record.key);
    this.#forget(record.key);
  }

  /**
   * The folder of one that may be used, and what checks a copy of it.
   * @throws ProviderError `not-found`, `conflict` (it is not there yet, or failed).
   */
  async open(scope: Scope, id: string): Promise<{ readonly record: SnapshotRecord; readonly data: string }> {
    const { key } = this.#require(keyOf(scope, id));
    await this.#sealing.ended(key);
    const record = this.#require(key);
    if (record.phase !== 'active' || record.seal === undefined) {
      const why = record.message ?? `it is ${record.phase}`;
      throw new ProviderError('conflict', `snapshot ${id} can't be used: ${why}`, { effect: 'none' });
    }
    return { record, data: this.#folders.dataOf(key) };
  }

  /** Where a dump is, and its checksum. @throws as `open`; ProviderError `invalid` (it is no dump), `damaged`. */
  async openDump(scope: Scope, id: string): Promise<{ readonly file: string; readonly sha256: string }> {
    const { record, data } = await this.open(scope, id);
    if (record.form !== 'dump') throw new ProviderError('invalid', `snapshot ${id} is no dump`);
    return { file: this.#folders.dumpIn(data), sha256: this.#sealing.checksumOfDump(record) };
  }

  /** Reads all of it. @throws as `open`; ProviderError `damaged`. */
  async check(scope: Scope, id: string, signal: AbortSignal): Promise<number> {
    const { record, data } = await this.open(scope, id);
    const tell = (): void => undefined;
    return this.#sealing.verify(record, data, { signal, tell });
  }

  /** @throws as `open`; ProviderError `damaged`, which names the first file of a copy that is not as it was. */
  async verify(record: SnapshotRecord, copy: string, job: Job): Promise<void> {
    await this.#sealing.verify(record, copy, job);
  }

  async changes(scope: Scope, id: string, volume: string, signal: AbortSignal): Promise<number> {
    const { record, data } = await this.open(scope, id);
    if (record.form !== 'files') throw new ProviderError('unsupported', `snapshot ${id} is not kept as files`);
    const folder = await this.#options.volumeFolder(scope, volume, signal);
    return this.#folders.changedBytes(folder, data, signal);
  }

  #begin(scope: Scope, id: string, spec: SnapshotBody, form: SnapshotRecord['form']): void {
    this.#options.assertVolume(scope, spec.volume);
    const { project, stage } = scope;
    const begun = { form, takenAt: new Date().toISOString(), boot: bootId() } as const;
    this.#put({ key: keyOf(scope, id), project, stage, id, spec, phase: 'creating', ...begun });
  }

  async #take(key: string, job: Job): Promise<void> {
    const record = this.#require(key);
    const isHeld = record.spec.hold === true;
    try {
      const target = await this.#folders.begin(key);
      const taken = await this.#options.copyVolume(record, record.spec.volume, target, isHeld, job);
      job.signal.throwIfAborted();
      if (isHeld) this.#put({ ...record, ...taken, isCopied: true });
      else await this.#settle({ ...record, ...taken });
    } catch (error) {
      await this.#fail(key, job, error);
    }
  }

  async #finish(key: string, end: SnapshotEndBody, job: Job): Promise<void> {
    const { isCopied: _, ...record } = this.#require(key);
    try {
      if (record.form === 'files') {
        const source = await this.#options.volumeFolder(record, record.spec.volume, job.signal);
        await this.#folders.complete(key, source, end, job.signal);
      }
      const bytes = await this.#folders.settleBytes(key, job.signal);
      await this.#settle({ ...record, bytes });
    } catch (error) {
      await this.#fail(key, job, error);
    }
  }

  async #settle(record: SnapshotRecord): Promise<void> {
    await this.#folders.settle(record.key);
    this.#put({ ...record, phase: 'active' });
    this.#sealing.start(record.key);
  }

  /** Nothing of it is left. @throws What it failed with. */
  async #fail(key: string, job: Job, error: unknown): Promise<void> {
    await this.#folders.remove(key).catch(() => undefined);
    if (job.signal.aborted) return;
    this.#options.log(`snapshot ${key} failed: ${messageOf(error)}`);
    this.#forget(key);
    throw error;
  }

  #ofVolume(scope: Scope, volume: string): readonly SnapshotRecord[] {
    const all = [...this.#records.values()];
    return all.filter((it) => it.project === scope.project && it.stage === scope.stage && it.spec.volume === volume);
  }

  #view({ key, id, spec, phase, message, takenAt, bytes, isCopied }: SnapshotRecord): SnapshotView {
    const progress = this.#options.jobs.progress(key);
    return {
      id,
      fingerprint: spec.fingerprint,
      tags: spec.tags,
      phase,
      handle: { snapshot: key },
      volume: spec.volume,
      takenAt,
      ...(bytes !== undefined && { bytes }),
      ...(message !== undefined && { message }),
      ...(isCopied && { isCopied }),
      ...(progress && { progress }),
    };
  }

  #put(record: SnapshotRecord): void {
    this.#options.database.putSnapshot(record);
    this.#records.set(record.key, record);
  }

  #forget(key: string): void {
    this.#options.database.removeSnapshot(key);
    this.#records.delete(key);
  }

  #require(key: string): SnapshotRecord {
    const record = this.#records.get(key);
    if (!record) throw new ProviderError('not-found', `there is no snapshot ${key}`);
    return record;
  }
}
