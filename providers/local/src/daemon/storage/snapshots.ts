import { rename } from 'node:fs/promises';
import path from 'node:path';
import { ProviderError } from '@clusternator/core/provider';
import { messageOf } from '../../control/failure.ts';
import type { SnapshotBody, SnapshotView } from '../../control/storage-protocol.ts';
import type { LocalDatabase, Scope, SnapshotRecord } from '../database.ts';
import { keyOf } from '../keys.ts';
import { bootId } from '../process-table.ts';
import { removeTree } from '../source-tree.ts';
import { flush, freshFolder } from './copy.ts';
import type { Job, Jobs } from './jobs.ts';
import { inThread } from './tree-thread.ts';

/** What a copy of a volume's data gave. */
export type Taken = Pick<SnapshotRecord, 'backing' | 'form' | 'takenAt' | 'bytes'>;

export interface SnapshotsOptions {
  readonly folder: string;
  readonly database: LocalDatabase;
  readonly jobs: Jobs;
  /** Puts a volume's data into an empty folder. @throws ProviderError. */
  copyVolume(scope: Scope, id: string, target: string, job: Job): Promise<Taken>;
  /** @throws ProviderError `not-found`, `conflict`: there is nothing to take one of. */
  assertVolume(scope: Scope, id: string): void;
  /** Volumes that are being filled from it. */
  readersOf(key: string): readonly string[];
  readonly log: (message: string) => void;
}

const MAKING = '.making';

/**
 * Snapshots of volumes, each a folder of its own that nothing writes to. One is made under another name, and there once it has its own.
 * Its checksums are made after, in the background: until they are, and all of it is on the disk, nothing older of the same volume goes.
 */
export class Snapshots {
  readonly #options: SnapshotsOptions;
  readonly #records = new Map<string, SnapshotRecord>();

  constructor(options: SnapshotsOptions) {
    this.#options = options;
    for (const record of options.database.snapshots()) this.#records.set(record.key, record);
  }

  /** Ends what was interrupted: one that was being taken is gone, since its moment is over. */
  async resume(): Promise<void> {
    for (const record of this.#records.values()) {
      if (record.phase === 'creating') this.#forget(record.key);
      else if (record.phase === 'active' && record.seal === undefined) this.#sealOrGiveUp(record);
    }
    await this.#removeStrays();
    for (const record of this.#records.values()) {
      if (record.phase === 'destroying') await this.destroy(record, record.id);
    }
  }

  ensure(scope: Scope, id: string, body: SnapshotBody): SnapshotView {
    const key = keyOf(scope, id);
    const there = this.#records.get(key);
    const isToMake = !there || (there.phase === 'failed' && there.seal === undefined && there.bytes === undefined);
    if (isToMake) {
      this.#options.assertVolume(scope, body.volume);
      const begun = { form: 'files', takenAt: new Date().toISOString(), boot: bootId() } as const;
      this.#put({ key, project: scope.project, stage: scope.stage, id, spec: body, phase: 'creating', ...begun });
      this.#options.jobs.run(key, (job) => this.#take(key, job));
    }
    return this.#view(this.#require(key));
  }

  /** @throws ProviderError `not-found`. */
  async require(scope: Scope, id: string, waitSeconds: number, signal: AbortSignal): Promise<SnapshotView> {
    const key = keyOf(scope, id);
    const { phase } = this.#require(key);
    if (phase === 'creating') await this.#options.jobs.ended(key, waitSeconds, signal);
    return this.#view(this.#require(key));
  }

  list(scope: Scope): readonly SnapshotView[] {
    const all = [...this.#records.values()];
    return all.filter((it) => it.project === scope.project && it.stage === scope.stage).map((it) => this.#view(it));
  }

  /** Snapshots that are being taken of a volume. */
  ofVolumeBeingTaken(scope: Scope, volume: string): readonly string[] {
    return this.#ofVolume(scope, volume)
      .filter(({ phase }) => phase === 'creating')
      .map(({ id }) => id);
  }

  /** All of a volume are on the disk and have their checksums, as far as they can: what they were made of may go. */
  async settled(scope: Scope, volume: string): Promise<void> {
    for (const { key } of this.#ofVolume(scope, volume)) await this.#sealed(key);
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
    await this.#options.jobs.stop(record.key);
    await this.#options.jobs.stop(sealing(record.key));
    this.#put({ ...record, phase: 'destroying' });
    await this.settled(scope, record.spec.volume);
    await removeTree(this.#folderOf(record.key));
    await removeTree(this.#folderOf(record.key) + MAKING);
    this.#forget(record.key);
  }

  /**
   * The folder of one that may be used, and what checks a copy of it.
   * @throws ProviderError `not-found`, `conflict` (it is not there yet, or failed).
   */
  async open(scope: Scope, id: string): Promise<{ readonly record: SnapshotRecord; readonly data: string }> {
    const { key } = this.#require(keyOf(scope, id));
    await this.#sealed(key);
    const record = this.#require(key);
    if (record.phase !== 'active' || record.seal === undefined) {
      const why = record.message ?? `it is ${record.phase}`;
      throw new ProviderError('conflict', `snapshot ${id} can't be used: ${why}`, { effect: 'none' });
    }
    return { record, data: path.join(this.#folderOf(key), 'data') };
  }

  /**
   * Whether a copy is what was taken. @param copy - Of its data, or the data itself.
   * @throws ProviderError `conflict`, which names the first file that is not.
   */
  async verify(record: SnapshotRecord, copy: string, job: Job): Promise<void> {
    const tell = (done: number): void => {
      job.tell({ message: `checking what snapshot ${record.id} holds`, done, total: record.bytes ?? done });
    };
    const { seal } = await inThread({ kind: 'seal', folder: copy, list: undefined }, job.signal, tell);
    if (seal === record.seal) return;
    const task = { kind: 'damaged', folder: copy, list: this.#listOf(record.key) } as const;
    const { damaged } = await inThread(task, job.signal).catch(() => ({ damaged: undefined }));
    const what = damaged ?? 'its list of checksums was changed';
    throw new ProviderError('conflict', `snapshot ${record.id} is damaged: ${what}`, {
      effect: 'none',
      retry: 'never',
      hint: 'use another snapshot; this one is left as it is, to be looked at',
    });
  }

  async #take(key: string, job: Job): Promise<void> {
    const record = this.#require(key);
    const folder = this.#folderOf(key);
    try {
      await removeTree(folder + MAKING);
      await freshFolder(folder + MAKING);
      const target = path.join(folder + MAKING, 'data');
      await freshFolder(target);
      const taken = await this.#options.copyVolume(record, record.spec.volume, target, job);
      job.signal.throwIfAborted();
      await removeTree(folder);
      await rename(folder + MAKING, folder);
      this.#put({ ...record, ...taken, phase: 'active' });
      this.#seal(key);
    } catch (error) {
      await removeTree(folder + MAKING).catch(() => undefined);
      if (job.signal.aborted) return;
      this.#options.log(`snapshot ${key} failed: ${messageOf(error)}`);
      this.#put({ ...record, phase: 'failed', message: messageOf(error) });
    }
  }

  #sealOrGiveUp(record: SnapshotRecord): void {
    if (record.boot === bootId()) {
      this.#seal(record.key);
      return;
    }
    const message = 'the machine was restarted before all of it was on the disk: take another';
    this.#put({ ...record, phase: 'failed', message });
  }

  #seal(key: string): void {
    this.#options.jobs.run(sealing(key), async (job) => {
      const record = this.#require(key);
      const folder = this.#folderOf(key);
      try {
        await flush(folder, job.signal);
        const data = path.join(folder, 'data');
        const { seal } = await inThread({ kind: 'seal', folder: data, list: this.#listOf(key) }, job.signal);
        if (seal !== undefined) this.#put({ ...record, seal });
      } catch (error) {
        if (job.signal.aborted) return;
        this.#options.log(`snapshot ${key} has no checksums: ${messageOf(error)}`);
        this.#put({ ...record, phase: 'failed', message: `its checksums could not be made: ${messageOf(error)}` });
      }
    });
  }

  async #sealed(key: string): Promise<void> {
    const never = new AbortController().signal;
    const isSealing = (): boolean => this.#options.jobs.isRunning(sealing(key));
    while (isSealing()) await this.#options.jobs.ended(sealing(key), 60, never);
  }

  /** Folders of snapshots that are written down nowhere, and those half made. */
  async #removeStrays(): Promise<void> {
    const { folder } = this.#options;
    const { removeStrayFolders } = await import('../leftovers.ts');
    const isKept = (key: string): boolean => this.#records.has(key) || this.#options.jobs.isRunning(plain(key));
    await removeStrayFolders(folder, isKept);
  }

  #ofVolume(scope: Scope, volume: string): readonly SnapshotRecord[] {
    const all = [...this.#records.values()];
    return all.filter((it) => it.project === scope.project && it.stage === scope.stage && it.spec.volume === volume);
  }

  #view({ key, id, spec, phase, message, takenAt, bytes }: SnapshotRecord): SnapshotView {
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
      ...(progress && { progress }),
    };
  }

  #folderOf(key: string): string {
    return path.join(this.#options.folder, key);
  }

  #listOf(key: string): string {
    return path.join(this.#folderOf(key), 'checksums');
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

function sealing(key: string): string {
  return `${key} checksums`;
}

function plain(name: string): string {
  return name.endsWith(MAKING) ? name.slice(0, -MAKING.length) : name;
}
