import {
  ProviderError,
  type Call,
  type Host,
  type ResourceDriver,
  type StorageDriver,
  type Volume,
  type VolumeSpec,
} from '@clusternator/core/provider';
import type { DaemonClient } from './client/daemon-client.ts';
import { mapped, Resources } from './client/resources.ts';
import { volumeViewSchema, type VolumeSource, type VolumeView } from './control/storage-protocol.ts';
import { LocalSnapshots } from './snapshots.ts';

/** Volumes of this machine, and their snapshots. The daemon makes them; this only tells it, and looks on. */
export class LocalStorage implements StorageDriver {
  readonly volumes: ResourceDriver<VolumeSpec, Volume>;
  readonly snapshots: LocalSnapshots;

  constructor(host: Host, daemon: DaemonClient) {
    const volumes = new Resources({ host, daemon, kind: 'volumes', schema: volumeViewSchema });
    this.volumes = {
      ensure: async (spec, call) => volumeOf(await ensureVolume(volumes, spec, call)),
      read: async (ref, call) => {
        const view = await volumes.find(ref, call, 0, '&used=true');
        return view && volumeOf(view);
      },
      list: (call) => mapped(volumes.list(call), volumeOf),
      destroy: (ref, call) => volumes.destroy(ref, call),
    };
    this.snapshots = new LocalSnapshots(host, daemon);
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

function volumeOf({ message, progress: _, usedBytes, ...view }: VolumeView): Volume {
  return { ...view, ...(message !== undefined && { message }), ...(usedBytes !== undefined && { usedBytes }) };
}
