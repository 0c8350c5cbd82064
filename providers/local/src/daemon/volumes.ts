import { mkdir } from 'node:fs/promises';
import path from 'node:path';
import { ProviderError } from '@clusternator/core';
import type { ContainerRuntime } from '../containers/runtime.ts';
import type { Mount } from '../containers/instance.ts';
import type { VolumeBody, VolumeView } from '../control/protocol.ts';
import type { LocalDatabase, Scope, VolumeRecord } from './database.ts';
import { keyOf } from './keys.ts';
import { removeTree } from './source-tree.ts';

export interface VolumesOptions {
  readonly folder: string;
  readonly home: string;
  readonly database: LocalDatabase;
  readonly runtime: ContainerRuntime;
  /** Titles of the environments that mount it. */
  usersOf(scope: Scope, id: string): readonly string[];
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
      if (record.phase === 'destroying') await this.destroy(record, record.id, signal);
    }
  }

  ensure(scope: Scope, id: string, body: VolumeBody): VolumeView {
    const key = keyOf(scope, id);
    const there = this.#records.get(key);
    const isGrown = there && body.sizeGiB > there.spec.sizeGiB;
    if (!there) this.#put({ key, ...scope, id, spec: body, phase: 'active' });
    else if (isGrown)
      this.#put({ ...there, spec: { ...there.spec, sizeGiB: body.sizeGiB, fingerprint: body.fingerprint } });
    return viewOf(this.#require(key));
  }

  /** @throws ProviderError `not-found`. */
  require(scope: Scope, id: string): VolumeView {
    return viewOf(this.#require(keyOf(scope, id)));
  }

  list(scope: Scope): readonly VolumeView[] {
    const own = [...this.#records.values()].filter((it) => it.project === scope.project && it.stage === scope.stage);
    return own.map(viewOf);
  }

  /** @throws ProviderError `conflict` (an environment mounts it). */
  async destroy(scope: Scope, id: string, signal: AbortSignal): Promise<void> {
    const record = this.#records.get(keyOf(scope, id));
    if (!record) return;
    const users = this.#options.usersOf(scope, id);
    if (users.length > 0) {
      throw new ProviderError('conflict', `volume ${id} is used by ${users.join(', ')}`, { effect: 'none' });
    }
    this.#put({ ...record, phase: 'destroying' });
    if (record.backing === 'engine') await this.#options.runtime.removeVolume(this.#engineName(record), signal);
    await removeTree(path.join(this.#options.folder, record.key));
    this.#options.database.removeVolume(record.key);
    this.#records.delete(record.key);
  }

  /**
   * For a process.
   * @throws ProviderError `not-found`, `unsupported` (only containers reach it).
   */
  async folderOf(scope: Scope, id: string): Promise<string> {
    const record = this.#back(keyOf(scope, id), 'folder');
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
    const record = this.#back(keyOf(scope, id), onlyContainers ? 'engine' : 'folder');
    if (record.backing === 'folder') return { kind: 'folder', source: await this.#makeFolder(record) };
    const volume = this.#engineName(record);
    await this.#options.runtime.ensureVolume(volume, record.spec.tags, signal);
    return { kind: 'volume', volume };
  }

  #back(key: string, backing: 'folder' | 'engine'): VolumeRecord {
    const record = this.#require(key);
    if (record.backing) return record;
    this.#put({ ...record, backing });
    return this.#require(key);
  }

  async #makeFolder(record: VolumeRecord): Promise<string> {
    const folder = path.join(this.#options.folder, record.key, 'data');
    await mkdir(folder, { recursive: true, mode: 0o700 });
    return folder;
  }

  #engineName(record: VolumeRecord): string {
    return `clusternator-${this.#options.home}-${record.key}`;
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

function viewOf(record: VolumeRecord): VolumeView {
  const { id, spec, phase } = record;
  const { fingerprint, tags, kind, sizeGiB } = spec;
  return { id, fingerprint, tags, phase, handle: { volume: record.key }, kind, sizeGiB };
}
