import { createReadStream, createWriteStream } from 'node:fs';
import { mkdir, rename } from 'node:fs/promises';
import path from 'node:path';
import { ProviderError } from '@clusternator/core/provider';
import type { ContainerRuntime } from '../../containers/runtime.ts';
import type { VolumeSource } from '../../control/storage-protocol.ts';
import type { Scope, SnapshotRecord, VolumeRecord } from '../database.ts';
import type { Members } from '../service.ts';
import { removeTree } from '../source-tree.ts';
import { assertSpace, bytesOf, copyContent, flush, freshFolder, gib, sharesBlocks } from './copy.ts';
import { Hold } from './hold.ts';
import type { Job } from './jobs.ts';
import { copyLive } from './live-copy.ts';
import type { Snapshots, Taken } from './snapshots.ts';
import type { Volumes } from './volumes.ts';

/** Who may write to volumes. */
export interface Users {
  /** Titles of the environments that mount it. */
  usersOf(scope: Scope, id: string): readonly string[];
  /** What runs of them now. */
  writersOf(scope: Scope, id: string): Members;
}

export interface VolumeCopiesOptions {
  readonly volumes: Volumes;
  readonly snapshots: Snapshots;
  readonly runtime: ContainerRuntime;
  readonly users: Users;
}

const ARCHIVE = 'volume.tar';
/** An archive can't be brought up to date: writers wait for all of it, or there is none. */
const ARCHIVE_SECONDS = 2;

/** Copies the data of volumes: into snapshots, out of them, and from one volume to another. */
export class VolumeCopies {
  readonly #options: VolumeCopiesOptions;

  constructor(options: VolumeCopiesOptions) {
    this.#options = options;
  }

  /** Where the data of a volume can be read and written. Undefined: it has none yet, or only the Docker Engine reaches it. */
  async folderOf(record: VolumeRecord, signal: AbortSignal): Promise<string | undefined> {
    const { runtime, volumes } = this.#options;
    if (record.backing === 'engine') return runtime.archive.folder(volumes.engineName(record), signal);
    if (record.backing !== 'folder') return undefined;
    const folder = volumes.dataFolder(record);
    await mkdir(folder, { recursive: true, mode: 0o700 });
    return folder;
  }

  async measure(record: VolumeRecord, signal: AbortSignal): Promise<number | undefined> {
    const folder = await this.folderOf(record, signal);
    if (folder !== undefined) return bytesOf(folder, signal);
    return record.backing ? undefined : 0;
  }

  /** Puts a volume's data into a folder that is there and empty. @param isHeld - Beside its writers, with no moment. */
  async take(record: VolumeRecord, target: string, isHeld: boolean, job: Job): Promise<Taken> {
    const { backing } = record;
    if (!backing) return { form: 'files', takenAt: new Date().toISOString(), bytes: 0 };
    const folder = await this.folderOf(record, job.signal);
    if (folder === undefined) {
      const takenAt = await this.#readArchive(record, path.join(target, ARCHIVE), job);
      return { form: 'archive', backing, takenAt, bytes: await bytesOf(target, job.signal) };
    }
    const { takenAt, bytes } = await this.#copyVolume(record, folder, target, isHeld, job);
    return { form: 'files', backing, takenAt, bytes };
  }

  /** Half-made data is no volume's yet: it is once all of it is there, and is what it was. */
  async fill(record: VolumeRecord, from: VolumeSource, job: Job): Promise<VolumeRecord['backing']> {
    const { runtime, snapshots, volumes } = this.#options;
    const folder = path.dirname(volumes.dataFolder(record));
    try {
      await removeTree(folder);
      if ('volume' in from) {
        const source = volumes.requireActive(record, from.volume);
        const data = await this.folderOf(source, job.signal);
        if (source.backing) await this.#fillFromVolume(record, source, data, job);
        return source.backing;
      }
      const { record: snapshot, data } = await snapshots.open(record, from.snapshot);
      if (snapshot.form === 'dump') {
        throw new ProviderError('invalid', `snapshot ${snapshot.id} is a dump, which a database has to read`, {
          effect: 'none',
        });
      }
      if (snapshot.backing) await this.#fillFromSnapshot(record, snapshot, data, job);
      return snapshot.backing;
    } catch (error) {
      await removeTree(folder).catch(() => undefined);
      const name = volumes.engineName(record);
      await runtime.removeVolume(name, new AbortController().signal).catch(() => undefined);
      throw error;
    }
  }

  async #fillFromVolume(record: VolumeRecord, source: VolumeRecord, data: string | undefined, job: Job): Promise<void> {
    const what = `volume ${source.id}`;
    if (data === undefined) {
      const archive = path.join(path.dirname(this.#options.volumes.dataFolder(record)), ARCHIVE);
      await mkdir(path.dirname(archive), { recursive: true, mode: 0o700 });
      await this.#readArchive(source, archive, job);
      await this.#writeArchive(record, archive, job);
      await removeTree(path.dirname(archive));
      return;
    }
    assertFits(record, await bytesOf(data, job.signal), what);
    await this.#into(record, source.backing, job, async (target) => {
      await this.#copyVolume(source, data, target, false, job);
    });
  }

  async #fillFromSnapshot(record: VolumeRecord, snapshot: SnapshotRecord, data: string, job: Job): Promise<void> {
    const { snapshots } = this.#options;
    const what = `snapshot ${snapshot.id}`;
    assertFits(record, snapshot.bytes ?? 0, what);
    if (snapshot.form === 'archive') {
      await snapshots.verify(snapshot, data, job);
      await this.#writeArchive(record, path.join(data, ARCHIVE), job);
      return;
    }
    await this.#into(record, snapshot.backing, job, async (target) => {
      await this.#assertSpace(data, target, snapshot.bytes ?? 0, what);
      const onBytes = tellOf(job, what, snapshot.bytes ?? 0);
      await copyContent(data, target, { signal: job.signal, onBytes });
      await snapshots.verify(snapshot, target, job);
    });
  }

  /** A new folder of its own name at the end, or a volume of the engine, which nobody mounts before it is there. */
  async #into(
    record: VolumeRecord,
    backing: VolumeRecord['backing'],
    job: Job,
    fill: (target: string) => Promise<void>,
  ): Promise<void> {
    const { runtime, volumes } = this.#options;
    const data = volumes.dataFolder(record);
    const making = `${data}.making`;
    await freshFolder(making);
    if (backing === 'engine') {
      const name = volumes.engineName(record);
      await runtime.removeVolume(name, job.signal);
      await runtime.ensureVolume(name, record.spec.tags, job.signal);
      const folder = await runtime.archive.folder(name, job.signal);
      await fill(folder ?? making);
      if (folder === undefined) await this.#writeFolder(record, making, job);
      else await flush(folder, job.signal);
      await removeTree(path.dirname(data));
      return;
    }
    await fill(making);
    await flush(making, job.signal);
    await rename(making, data);
  }

  async #copyVolume(
    record: VolumeRecord,
    source: string,
    target: string,
    isHeld: boolean,
    job: Job,
  ): Promise<{ readonly takenAt: string; readonly bytes: number }> {
    const { runtime, users } = this.#options;
    const { signal } = job;
    const what = `volume ${record.id}`;
    const bytes = await bytesOf(source, signal);
    const isShared = await this.#assertSpace(source, target, bytes, what);
    const onBytes = tellOf(job, what, bytes);
    if (isHeld) {
      const takenAt = new Date().toISOString();
      await copyContent(source, target, { signal, onBytes, isLive: true });
      return { takenAt, bytes };
    }
    const find = (): Members => users.writersOf(record, record.id);
    const takenAt = await copyLive(source, target, {
      signal,
      sharesBlocks: isShared,
      onBytes,
      writers: () => users.usersOf(record, record.id).join(),
      hold: () => Hold.begin({ find, runtime, signal }),
    });
    return { takenAt: takenAt.toISOString(), bytes };
  }

  /** @returns Whether a copy takes no space. @throws ProviderError `quota`. */
  async #assertSpace(source: string, target: string, bytes: number, what: string): Promise<boolean> {
    const isShared = await sharesBlocks(path.dirname(source), target);
    await assertSpace(target, isShared ? 0 : bytes, `a copy of ${what}`);
    return isShared;
  }

  /** @returns The moment. */
  async #readArchive(record: VolumeRecord, file: string, job: Job): Promise<string> {
    const { runtime, users, volumes } = this.#options;
    const find = (): Members => users.writersOf(record, record.id);
    const held = await Hold.begin({ find, runtime, signal: job.signal });
    const isWaitedFor = users.usersOf(record, record.id).length > 0;
    const limit = isWaitedFor ? AbortSignal.any([job.signal, AbortSignal.timeout(ARCHIVE_SECONDS * 1000)]) : job.signal;
    try {
      const takenAt = new Date().toISOString();
      const { archive } = runtime;
      await archive.read(volumes.engineName(record), record.spec.tags, createWriteStream(file, { mode: 0o600 }), limit);
      return takenAt;
    } catch (cause) {
      if (!limit.aborted || job.signal.aborted) throw cause;
      const message = `volume ${record.id} could not be copied in the ${String(ARCHIVE_SECONDS)} s that its writers are made to wait`;
      throw new ProviderError('timeout', message, {
        cause,
        effect: 'none',
        retry: 'never',
        hint: 'let the database make its own backup, or run the daemon as a user who may read the folders of the Docker Engine',
      });
    } finally {
      await held.end();
    }
  }

  async #writeArchive(record: VolumeRecord, file: string, job: Job): Promise<void> {
    const { runtime, volumes } = this.#options;
    const name = volumes.engineName(record);
    await runtime.removeVolume(name, job.signal);
    await runtime.ensureVolume(name, record.spec.tags, job.signal);
    await runtime.archive.write(name, record.spec.tags, createReadStream(file), job.signal);
  }

  /** What was kept as files, for an engine whose folders are another user's. */
  async #writeFolder(record: VolumeRecord, folder: string, job: Job): Promise<void> {
    const { runtime, volumes } = this.#options;
    const { streamOf } = await import('./tar.ts');
    const archive = streamOf(folder, job.signal);
    await runtime.archive.write(volumes.engineName(record), record.spec.tags, archive, job.signal, 'content');
  }
}

function tellOf(job: Job, what: string, total: number): (done: number) => void {
  const tell = (done: number): void => {
    job.tell({ message: `copying ${what}`, done: Math.min(done, total), total });
  };
  tell(0);
  return tell;
}

function assertFits({ id, spec }: VolumeRecord, bytes: number, what: string): void {
  if (bytes <= spec.sizeGiB * 2 ** 30) return;
  const message = `volume ${id} is to have ${String(spec.sizeGiB)} GiB, and ${what} holds ${gib(bytes)}`;
  throw new ProviderError('invalid', message, { path: 'sizeGiB', effect: 'none', hint: 'give it a larger size' });
}
