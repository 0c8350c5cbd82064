import { ProviderError } from '../../provider/error.ts';
import type { Deal } from '../../slot/testing/deal.ts';
import type { Snapshot, SnapshotDriver, SnapshotSpec, StorageDriver, Volume, VolumeSpec } from '../storage.ts';

interface KeptVolume {
  readonly spec: VolumeSpec;
  data: string;
  isWhole: boolean;
}
interface KeptSnapshot {
  readonly spec: SnapshotSpec;
  readonly takenAt: Date;
  data: string;
  /** What was written: another text than `data` is damage. */
  readonly written: string;
  isWhole: boolean;
  /** With `hold`: it waits for `complete`. */
  isHeld: boolean;
}

/** Storage in memory. A volume's data is one text. Each copy takes two calls: what is between them is half made. */
export class MemoryStorage {
  readonly volumes = new Map<string, KeptVolume>();
  readonly snapshots = new Map<string, KeptSnapshot>();
  /** Copies are made beside the writers, and need `complete`. */
  isOnline = false;
  /** Before a copy is whole. May throw. */
  onCopy: (what: 'volume' | 'snapshot', id: string) => void = () => {};

  constructor(private readonly now: () => Date) {}

  /** One flipped byte. */
  damage(id: string): void {
    const found = this.snapshots.get(id);
    if (found) found.data = `${found.data}~`;
  }

  dataOf(id: string): string | undefined {
    return this.volumes.get(id)?.data;
  }

  write(id: string, data: string): void {
    const found = this.volumes.get(id);
    if (!found) throw new Error(`there is no volume ${id}`);
    found.data = data;
  }

  driver(deal: Deal): StorageDriver {
    return {
      volumes: {
        ensure: (spec) => deal('ensure volume', () => this.ensureVolume(spec)),
        read: ({ id }) => deal('read volume', () => this.volumeOf(id)),
        list: async function* (this: MemoryStorage) {
          for (const id of await deal('list volumes', () => [...this.volumes.keys()])) {
            const volume = this.volumeOf(id);
            if (volume) yield volume;
          }
        }.bind(this),
        destroy: ({ id }) =>
          deal('destroy volume', () => {
            this.volumes.delete(id);
          }),
      },
      snapshots: this.snapshotDriver(deal),
    };
  }

  private snapshotDriver(deal: Deal): SnapshotDriver {
    const write: NonNullable<SnapshotDriver['write']> = async (spec, content) => {
      let data = '';
      for await (const bytes of content) data += Buffer.from(bytes).toString('utf8');
      return deal('write snapshot', () => {
        this.snapshots.set(spec.id, {
          spec,
          takenAt: this.now(),
          data,
          written: data,
          isWhole: true,
          isHeld: false,
        });
        return this.mustSnapshot(spec.id);
      });
    };
    const open = async function* (this: MemoryStorage, { id }: Snapshot): AsyncGenerator<Uint8Array> {
      await deal('open snapshot', () => undefined);
      yield Buffer.from(this.intact(id).data);
    }.bind(this);
    return {
      ensure: (spec) => deal('ensure snapshot', () => this.ensureSnapshot(spec)),
      read: ({ id }) => deal('read snapshot', () => this.snapshotOf(id)),
      list: async function* (this: MemoryStorage) {
        for (const id of await deal('list snapshots', () => [...this.snapshots.keys()])) yield this.mustSnapshot(id);
      }.bind(this),
      destroy: ({ id }) =>
        deal('destroy snapshot', () => {
          this.snapshots.delete(id);
        }),
      check: ({ id }) => deal('check snapshot', () => ({ bytes: this.intact(id).data.length })),
      changes: ({ id }, volume) =>
        deal('compare', () => ({
          bytes: Math.abs((this.dataOf(volume.id)?.length ?? 0) - this.intact(id).data.length),
        })),
      write,
      open,
      ...(this.isOnline && {
        complete: ({ id }, { files }) =>
          deal('complete snapshot', () => {
            const found = this.kept(id);
            found.isHeld = false;
            const added = Object.entries(files).map(([path, text]) => `[${path}:${text.trim()}]`);
            this.snapshots.set(id, {
              ...found,
              data: found.data + added.join(''),
              written: found.data + added.join(''),
            });
            return this.mustSnapshot(id);
          }),
      }),
    };
  }

  private ensureVolume(spec: VolumeSpec): Volume {
    const found = this.volumes.get(spec.id);
    if (!found) {
      this.volumes.set(spec.id, { spec, data: '', isWhole: spec.from === undefined });
    } else if (!found.isWhole) {
      const { from } = found.spec;
      this.onCopy('volume', spec.id);
      try {
        if (from)
          found.data = 'snapshot' in from ? this.intact(from.snapshot.id).data : (this.dataOf(from.volume.id) ?? '');
      } catch (error) {
        this.volumes.delete(spec.id);
        throw error;
      }
      found.isWhole = true;
    } else if (spec.sizeGiB > found.spec.sizeGiB) {
      this.volumes.set(spec.id, { ...found, spec: { ...found.spec, sizeGiB: spec.sizeGiB } });
    }
    return this.volumeOf(spec.id) ?? never();
  }

  private ensureSnapshot(spec: SnapshotSpec): Snapshot {
    const found = this.snapshots.get(spec.id);
    if (!found) {
      const data = this.dataOf(spec.volume.id);
      if (data === undefined) throw new ProviderError('not-found', `there is no volume ${spec.volume.id}`);
      const isHeld = spec.hold === true;
      this.snapshots.set(spec.id, { spec, takenAt: this.now(), data, written: data, isWhole: false, isHeld });
    } else if (!found.isWhole) {
      this.onCopy('snapshot', spec.id);
      found.isWhole = true;
    }
    return this.mustSnapshot(spec.id);
  }

  private intact(id: string): KeptSnapshot {
    const found = this.kept(id);
    if (found.data === found.written) return found;
    throw new ProviderError('damaged', `snapshot ${id}: data is not what was written`, { effect: 'none' });
  }

  private kept(id: string): KeptSnapshot {
    const found = this.snapshots.get(id);
    if (!found) throw new ProviderError('not-found', `there is no snapshot ${id}`);
    return found;
  }

  private volumeOf(id: string): Volume | undefined {
    const found = this.volumes.get(id);
    if (!found) return undefined;
    const { spec, isWhole, data } = found;
    const { kind, sizeGiB, fingerprint, tags } = spec;
    return {
      id,
      kind,
      sizeGiB,
      fingerprint,
      tags,
      phase: isWhole ? 'active' : 'creating',
      handle: { id },
      usedBytes: data.length,
    };
  }

  private snapshotOf(id: string): Snapshot | undefined {
    return this.snapshots.has(id) ? this.mustSnapshot(id) : undefined;
  }

  private mustSnapshot(id: string): Snapshot {
    const { spec, takenAt, data, isWhole, isHeld } = this.kept(id);
    const isActive = isWhole && !isHeld;
    return {
      id,
      fingerprint: spec.fingerprint,
      tags: spec.tags,
      phase: isActive ? 'active' : 'creating',
      handle: { id },
      volume: spec.volume.id,
      takenAt,
      ...(isActive && { bytes: data.length }),
      ...(isWhole && isHeld && { isCopied: true }),
    };
  }
}

function never(): never {
  throw new Error('it was there just now');
}
