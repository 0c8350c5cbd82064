import { readFileSync } from 'node:fs';
import { ProviderError } from '@clusternator/core/provider';
import { messageOf } from '../../control/failure.ts';
import type { SnapshotRecord } from '../database.ts';
import { bootId } from '../process-table.ts';
import { flush } from './copy.ts';
import type { Job, Jobs } from './jobs.ts';
import type { SnapshotFolders } from './snapshot-folders.ts';
import { inThread } from './tree-thread.ts';

export interface SealingOptions {
  readonly jobs: Jobs;
  readonly folders: SnapshotFolders;
  readonly record: (key: string) => SnapshotRecord;
  readonly put: (record: SnapshotRecord) => void;
  readonly log: (message: string) => void;
}

/** The checksums of snapshots: made once a snapshot is there and on the disk, and compared before it is used. */
export class Sealing {
  readonly #options: SealingOptions;

  constructor(options: SealingOptions) {
    this.#options = options;
  }

  start(key: string): void {
    const { folders, jobs, log, put } = this.#options;
    jobs.run(nameOf(key), async ({ signal }) => {
      const record = this.#options.record(key);
      const folder = folders.dataOf(key);
      try {
        await flush(folder, signal);
        const { seal } = await inThread({ kind: 'seal', folder, list: folders.listOf(key) }, signal);
        if (seal !== undefined) put({ ...record, seal });
      } catch (error) {
        if (signal.aborted) return;
        log(`snapshot ${key} has no checksums: ${messageOf(error)}`);
        put({ ...record, phase: 'failed', message: `its checksums could not be made: ${messageOf(error)}` });
      }
    });
  }

  /** What a daemon that ended has begun. What was in the memory of a machine that went down is not trusted. */
  resume(record: SnapshotRecord): void {
    if (record.boot === bootId()) {
      this.start(record.key);
      return;
    }
    const message = 'the machine was restarted before all of it was on the disk: take another';
    this.#options.put({ ...record, phase: 'failed', message });
  }

  async ended(key: string): Promise<void> {
    const never = new AbortController().signal;
    while (this.#options.jobs.isRunning(nameOf(key))) await this.#options.jobs.ended(nameOf(key), 60, never);
  }

  stop(key: string): Promise<void> {
    return this.#options.jobs.stop(nameOf(key));
  }

  /**
   * Whether a copy is what was taken. @param copy - Of its data, or the data itself.
   * @returns What was read. @throws ProviderError `damaged`, which names the first file that is not as it was.
   */
  async verify(record: SnapshotRecord, copy: string, job: Job): Promise<number> {
    const { signal } = job;
    const onBytes = (done: number): void => {
      job.tell({
        message: `checking what snapshot ${record.id} holds`,
        done,
        total: Math.max(record.bytes ?? 0, done),
      });
    };
    const { bytes, seal } = await inThread({ kind: 'seal', folder: copy, list: undefined }, signal, onBytes);
    if (seal === record.seal) return bytes;
    const task = { kind: 'damaged', folder: copy, list: this.#options.folders.listOf(record.key) } as const;
    const { damaged } = await inThread(task, signal).catch(() => ({ damaged: undefined }));
    throw damagedError(record, damaged ?? 'its list of checksums was changed');
  }

  /** @throws ProviderError `damaged`. */
  checksumOfDump(record: SnapshotRecord): string {
    try {
      const line: unknown = JSON.parse(readFileSync(this.#options.folders.listOf(record.key), 'utf8'));
      const checksum: unknown = Array.isArray(line) ? line[4] : undefined;
      if (typeof checksum === 'string') return checksum;
    } catch {
      // told below
    }
    throw damagedError(record, 'its list of checksums was changed');
  }
}

function damagedError({ id }: SnapshotRecord, what: string): ProviderError {
  return new ProviderError('damaged', `snapshot ${id} is damaged: ${what}`, {
    effect: 'none',
    retry: 'never',
    hint: 'use another snapshot; this one is left as it is, to be looked at',
  });
}

function nameOf(key: string): string {
  return `${key} checksums`;
}
