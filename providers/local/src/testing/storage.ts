import { mkdirSync, readdirSync } from 'node:fs';
import path from 'node:path';
import type { Snapshot, Volume, VolumeSpec } from '@clusternator/core/provider';
import { LocalStorage } from '../storage.ts';
import { Scene } from './environments.ts';
import { testCall, testHost } from './specs.ts';

/** A daemon, and the volumes in it. */
export class StorageScene extends Scene {
  readonly storage: LocalStorage;

  constructor(env: Readonly<Record<string, string | undefined>> = {}) {
    super({}, env);
    this.storage = new LocalStorage(testHost(this.specs, this.daemon.env), this.daemon.client);
  }

  spec(id: string, more: Partial<VolumeSpec> = {}): VolumeSpec {
    return { id, fingerprint: `fingerprint-${id}`, tags: { clusternator_id: id }, kind: 'files', sizeGiB: 1, ...more };
  }

  volume(id: string, more: Partial<VolumeSpec> = {}): Promise<Volume> {
    return this.storage.volumes.ensure(this.spec(id, more), testCall());
  }

  snapshot(id: string, volume: Volume): Promise<Snapshot> {
    const spec = { id, fingerprint: `fingerprint-${id}`, tags: { clusternator_id: id }, volume };
    return this.storage.snapshots.ensure(spec, testCall());
  }

  /** A volume that a process has mounted, and the folder that its data is in. */
  async mounted(
    id: string,
    program = 'setInterval(() => {}, 1000)',
    more: Partial<VolumeSpec> = {},
  ): Promise<{ volume: Volume; folder: string }> {
    const volume = await this.volume(id, more);
    const worker = this.specs.service({ program, mounts: { '/data': { volume, readOnly: false } } });
    const environment = await this.ensure(this.specs.environment('aaaaaaaa0000-1', { worker }));
    if (environment.phase !== 'active') throw new Error(environment.message);
    return { volume, folder: this.folderOf(volume) };
  }

  /** Of a volume that a process mounts, or that was made from one. */
  folderOf({ handle }: Pick<Volume, 'handle'>): string {
    const folder = path.join(this.daemon.client.paths.volumes, handle.volume ?? '', 'data');
    mkdirSync(folder, { recursive: true });
    return folder;
  }

  /** Where a snapshot's data is. */
  dataOf({ handle }: Pick<Snapshot, 'handle'>): string {
    return path.join(this.daemon.client.paths.snapshots, handle.snapshot ?? '', 'data');
  }

  /** All that is kept for volumes and snapshots, by name. */
  kept(): readonly string[] {
    const { snapshots, volumes } = this.daemon.client.paths;
    return [...namesIn(volumes), ...namesIn(snapshots)].sort();
  }
}

function namesIn(folder: string): readonly string[] {
  try {
    return readdirSync(folder);
  } catch {
    return [];
  }
}
