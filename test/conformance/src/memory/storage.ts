import { ProviderError, type Call, type Host } from '@clusternator/core/provider';
import type { Snapshot, SnapshotSpec, StorageDriver, Volume, VolumeSpec } from '@clusternator/core/provider';
import { z } from 'zod';
import type { CloudClient } from './client.ts';
import { Things, thingSchema } from './things.ts';

const volumeSchema = thingSchema.extend({
  spec: z.looseObject({ kind: z.enum(['files', 'disk', 'database']), sizeGiB: z.number() }),
});
const snapshotSchema = thingSchema.extend({
  spec: z.looseObject({ volumeId: z.string(), takenAt: z.coerce.date() }),
});
type VolumeThing = z.output<typeof volumeSchema>;
type SnapshotThing = z.output<typeof snapshotSchema>;

/** Volumes and snapshots of the memory cloud: folders, and copies of them. */
export class MemoryStorage implements StorageDriver {
  readonly volumes: MemoryVolumes;
  readonly snapshots: MemorySnapshots;

  constructor(host: Host, cloud: CloudClient) {
    this.volumes = new MemoryVolumes(host, cloud, 'volumes', volumeSchema);
    this.snapshots = new MemorySnapshots(host, cloud, 'snapshots', snapshotSchema);
  }
}

class MemoryVolumes extends Things<VolumeSpec, VolumeThing, Volume> {
  /** Of what is there, the size alone can change, and only upwards. */
  async ensure(spec: VolumeSpec, call: Call): Promise<Volume> {
    const { kind, sizeGiB, from, native } = spec;
    if (kind === 'database') throw new ProviderError('unsupported', 'the memory cloud has no databases');
    const found = await this.find(spec, call);
    if (found && found.spec.sizeGiB >= sizeGiB) return this.show(found);
    const body = found ? { ...found.spec, sizeGiB } : { kind, sizeGiB, ...(from && { from: sourceOf(from) }) };
    return this.show(await this.put(spec, this.host.merge(body, native), found, call));
  }

  protected show(thing: VolumeThing): Volume {
    const { kind, sizeGiB } = thing.spec;
    return { ...this.common(thing), phase: 'active', kind, sizeGiB };
  }
}

class MemorySnapshots extends Things<SnapshotSpec, SnapshotThing, Snapshot> {
  async ensure(spec: SnapshotSpec, call: Call): Promise<Snapshot> {
    const { volume, native } = spec;
    const found = await this.find(spec, call);
    if (found) return this.show(found);
    const body = { volume: volume.handle.name, volumeId: volume.id };
    return this.show(await this.put(spec, this.host.merge(body, native), undefined, call));
  }

  protected show(thing: SnapshotThing): Snapshot {
    const { volumeId, takenAt } = thing.spec;
    return { ...this.common(thing), phase: 'active', volume: volumeId, takenAt };
  }
}

function sourceOf(from: NonNullable<VolumeSpec['from']>): object {
  if ('snapshot' in from) return { collection: 'snapshots', name: from.snapshot.handle.name };
  return { collection: 'volumes', name: from.volume.handle.name };
}
