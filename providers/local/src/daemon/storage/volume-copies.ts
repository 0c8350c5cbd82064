import { mkdir, rename } from 'node:fs/promises';
import path from 'node:path';
import { ProviderError } from '@clusternator/core/provider';
import type { VolumeSource } from '../../control/storage-protocol.ts';
import type { VolumeRecord } from '../database.ts';
import { removeTree } from '../source-tree.ts';
import { assertSpace, bytesOf, copyContent, flush, freshFolder, gib, sharesBlocks } from './copy.ts';
import type { Job } from './jobs.ts';
import type { Snapshots, Taken } from './snapshots.ts';
import type { Volumes } from './volumes.ts';

export interface VolumeCopiesOptions {
  readonly volumes: Volumes;
  readonly snapshots: Snapshots;
}

/** Copies the data of volumes: into snapshots, out of them, and from one volume to another. */
export class VolumeCopies {
  readonly #options: VolumeCopiesOptions;

  constructor(options: VolumeCopiesOptions) {
    this.#options = options;
  }

  /** Puts a volume's data into a folder that is there and empty. */
  async take(record: VolumeRecord, target: string, job: Job): Promise<Taken> {
    const { backing } = record;
    if (backing === 'engine') throw notYet(record.id);
    const takenAt = new Date().toISOString();
    if (!backing) return { form: 'files', takenAt, bytes: 0 };
    const bytes = await this.#copy(this.#options.volumes.dataFolder(record), target, `volume ${record.id}`, job);
    return { form: 'files', backing, takenAt, bytes };
  }

  /** Half-made data has another name: it has the volume's once all of it is there, and is what it was. */
  async fill(record: VolumeRecord, from: VolumeSource, job: Job): Promise<VolumeRecord['backing']> {
    const { snapshots, volumes } = this.#options;
    const source = 'snapshot' in from ? await snapshots.open(record, from.snapshot) : undefined;
    const volume = 'volume' in from ? volumes.requireActive(record, from.volume) : undefined;
    const backing = source ? source.record.backing : volume?.backing;
    if (!backing) return undefined;
    if (backing === 'engine') throw notYet(record.id);
    const data = volumes.dataFolder(record);
    const making = `${data}.making`;
    try {
      await removeTree(making);
      await freshFolder(making);
      const folder = source?.data ?? (volume && volumes.dataFolder(volume));
      const what = 'snapshot' in from ? `snapshot ${from.snapshot}` : `volume ${from.volume}`;
      const bytes = folder === undefined ? 0 : await this.#copy(folder, making, what, job);
      assertFits(record, bytes, what);
      if (source) await snapshots.verify(source.record, making, job);
      await flush(path.dirname(data), job.signal);
      await removeTree(data);
      await rename(making, data);
    } catch (error) {
      await removeTree(path.dirname(data)).catch(() => undefined);
      throw error;
    }
    return backing;
  }

  /** @returns The bytes that it takes. */
  async #copy(source: string, target: string, what: string, job: Job): Promise<number> {
    const { signal } = job;
    await mkdir(source, { recursive: true, mode: 0o700 });
    const total = await bytesOf(source, signal);
    const isShared = await sharesBlocks(path.dirname(source), target);
    await assertSpace(target, isShared ? 0 : total, `a copy of ${what}`);
    const tell = (done: number): void => {
      job.tell({ message: `copying ${what}`, done: Math.min(done, total), total });
    };
    tell(0);
    await copyContent(source, target, { signal, onBytes: tell });
    tell(total);
    return total;
  }
}

function assertFits({ id, spec }: VolumeRecord, bytes: number, what: string): void {
  if (bytes <= spec.sizeGiB * 2 ** 30) return;
  const message = `volume ${id} is to have ${String(spec.sizeGiB)} GiB, and ${what} holds ${gib(bytes)}`;
  throw new ProviderError('invalid', message, { path: 'sizeGiB', effect: 'none', hint: 'give it a larger size' });
}

function notYet(id: string): ProviderError {
  return new ProviderError('unsupported', `volume ${id} is kept by the Docker Engine, which has no snapshots`);
}
