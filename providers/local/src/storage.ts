import {
  ProviderError,
  type Call,
  type Host,
  type Resource,
  type ResourceRef,
  type ResourceDriver,
  type Snapshot,
  type SnapshotSpec,
  type StorageDriver,
  type Volume,
  type VolumeSpec,
} from '@clusternator/core/provider';
import { z } from 'zod';
import type { DaemonClient } from './client/daemon-client.ts';
import {
  snapshotViewSchema,
  volumeViewSchema,
  type ProgressView,
  type SnapshotView,
  type VolumeSource,
  type VolumeView,
} from './control/storage-protocol.ts';

/** How long one call looks on while the daemon copies: core calls again. */
const WATCH_SECONDS = 20;

/** Volumes of this machine, and their snapshots. The daemon makes them; this only tells it, and looks on. */
export class LocalStorage implements StorageDriver {
  readonly volumes: ResourceDriver<VolumeSpec, Volume>;
  readonly snapshots: ResourceDriver<SnapshotSpec, Snapshot>;

  constructor(host: Host, daemon: DaemonClient) {
    const volumes = new Resources({ host, daemon, kind: 'volumes', schema: volumeViewSchema });
    const snapshots = new Resources({ host, daemon, kind: 'snapshots', schema: snapshotViewSchema });
    this.volumes = {
      ensure: async (spec, call) => volumeOf(await ensureVolume(volumes, spec, call)),
      read: async (ref, call) => optional(await volumes.find(ref, call), volumeOf),
      list: (call) => mapped(volumes.list(call), volumeOf),
      destroy: (ref, call) => volumes.destroy(ref, call),
    };
    this.snapshots = {
      ensure: async ({ id, fingerprint, tags, volume }, call) =>
        snapshotOf(await snapshots.ensure(id, { fingerprint, tags, volume: volume.id }, call)),
      read: async (ref, call) => optional(await snapshots.find(ref, call), snapshotOf),
      list: (call) => mapped(snapshots.list(call), snapshotOf),
      destroy: (ref, call) => snapshots.destroy(ref, call),
    };
  }
}

interface ResourcesOptions<V> {
  readonly host: Host;
  readonly daemon: DaemonClient;
  readonly kind: 'volumes' | 'snapshots';
  readonly schema: z.ZodType<V>;
}
type View = Pick<Resource, 'id' | 'phase'> & { readonly progress?: ProgressView | undefined };

/** What both kinds have in common. */
class Resources<V extends View> {
  readonly #options: ResourcesOptions<V>;

  constructor(options: ResourcesOptions<V>) {
    this.#options = options;
  }

  async ensure(id: string, body: unknown, call: Call): Promise<V> {
    const { daemon, kind, schema } = this.#options;
    let view = await daemon.call(schema, { method: 'PUT', path: this.#path(id), body, signal: call.signal });
    const until = Date.now() + WATCH_SECONDS * 1000;
    while (view.phase === 'creating' && Date.now() < until) {
      if (view.progress) call.progress({ ...view.progress, unit: 'bytes' });
      const next = await this.find({ id }, call, 0.5);
      if (!next) {
        throw new ProviderError('unavailable', `the daemon ended while it made ${id} of ${kind}, which is gone`, {
          retry: 'safe',
          effect: 'none',
        });
      }
      view = next;
    }
    return view;
  }

  async find({ id }: ResourceRef, call: Call, waitSeconds = 0): Promise<V | undefined> {
    const { daemon, schema } = this.#options;
    const path = `${this.#path(id)}?waitSeconds=${String(waitSeconds)}`;
    try {
      return await daemon.call(schema, { method: 'GET', path, signal: call.signal });
    } catch (error) {
      if (ProviderError.is(error) && error.code === 'not-found') return undefined;
      throw error;
    }
  }

  list(call: Call): Promise<readonly V[]> {
    const { daemon, schema } = this.#options;
    return daemon.call(z.array(schema), { method: 'GET', path: this.#path(), signal: call.signal });
  }

  async destroy({ id }: ResourceRef, call: Call): Promise<void> {
    const request = { method: 'DELETE', path: this.#path(id), signal: call.signal } as const;
    await this.#options.daemon.call(z.unknown(), request);
  }

  #path(id?: string): string {
    const { host, kind } = this.#options;
    const { project, stage } = host;
    const all = `/v1/projects/${encodeURIComponent(project)}/stages/${encodeURIComponent(stage)}/${kind}`;
    return id === undefined ? all : `${all}/${encodeURIComponent(id)}`;
  }
}

/** One that is there and large enough is not asked for again: to look changes nothing. */
async function ensureVolume(volumes: Resources<VolumeView>, spec: VolumeSpec, call: Call): Promise<VolumeView> {
  const { id, fingerprint, tags, kind, sizeGiB } = spec;
  if (kind === 'database') throw new ProviderError('unsupported', 'this machine makes no managed databases');
  const there = await volumes.find({ id }, call);
  if (there?.phase === 'active' && there.sizeGiB >= sizeGiB) return there;
  const from = sourceOf(spec.from);
  return volumes.ensure(id, { fingerprint, tags, kind, sizeGiB, ...(from && { from }) }, call);
}

/** @throws ProviderError `unsupported`. */
function sourceOf(from: VolumeSpec['from']): VolumeSource | undefined {
  if (!from) return undefined;
  if ('snapshot' in from) return { snapshot: from.snapshot.id };
  if (from.at) throw new ProviderError('unsupported', 'this machine keeps no history of its volumes');
  return { volume: from.volume.id };
}

async function* mapped<V, R>(all: Promise<readonly V[]>, map: (view: V) => R): AsyncGenerator<R> {
  for (const view of await all) yield map(view);
}

function optional<V, R>(view: V | undefined, map: (view: V) => R): R | undefined {
  return view === undefined ? undefined : map(view);
}

function volumeOf({ message, progress: _, ...view }: VolumeView): Volume {
  return { ...view, ...(message !== undefined && { message }) };
}

function snapshotOf({ message, progress: _, bytes, takenAt, ...view }: SnapshotView): Snapshot {
  return {
    ...view,
    takenAt: new Date(takenAt),
    ...(bytes !== undefined && { bytes }),
    ...(message !== undefined && { message }),
  };
}
