import type { ResourceDriver } from '../../provider/resource.ts';
import type { Snapshot, SnapshotSpec, StorageDriver, Volume, VolumeSpec } from '../../storage/storage.ts';
import type { Deal } from './memory-cloud.ts';

/** Volumes and snapshots in memory. What is in them does not count here, only when they were made. */
export class MemoryStorage {
  readonly snapshots = new Map<string, Snapshot>();
  readonly volumes = new Map<string, Volume>();

  driver(deal: Deal): StorageDriver {
    return {
      volumes: keeping<VolumeSpec, Volume>(deal, 'volume', this.volumes, ({ id, fingerprint, kind, sizeGiB }) => ({
        ...{ id, fingerprint, kind, sizeGiB },
        ...{ phase: 'active', handle: { id } },
      })),
      snapshots: keeping<SnapshotSpec, Snapshot>(deal, 'snapshot', this.snapshots, ({ id, fingerprint, volume }) => ({
        ...{ id, fingerprint, volume: volume.id, takenAt: new Date(0) },
        ...{ phase: 'active', handle: { id } },
      })),
    };
  }
}

function keeping<S extends VolumeSpec | SnapshotSpec, R extends Volume | Snapshot>(
  deal: Deal,
  what: string,
  all: Map<string, R>,
  make: (spec: S) => R,
): ResourceDriver<S, R> {
  return {
    ensure: (spec) =>
      deal(`ensure ${what}`, () => {
        const found = all.get(spec.id) ?? make(spec);
        all.set(spec.id, found);
        return found;
      }),
    read: ({ id }) => deal(`read ${what}`, () => all.get(id)),
    list: async function* () {
      yield* all.values();
    },
    destroy: ({ id }) =>
      deal(`destroy ${what}`, () => {
        all.delete(id);
      }),
  };
}
