import { ProviderError } from '@clusternator/core/provider';
import type { RecordChange, RecordSet, Zone } from '@clusternator/core/provider';
import { nextSets } from './change.ts';
import { canonicalName, isWithin } from './names.ts';
import { normalRecordSet } from './record-set.ts';
import { ZoneView } from './zone-view.ts';

/** A zone at rest. `records` are all of them, its SOA too. */
export interface StoredZone {
  readonly id: string;
  readonly name: string;
  readonly serial: number;
  readonly records: readonly RecordSet[];
}
/** Where zones outlive the daemon. What `save` and `remove` did is durable when they return. */
export interface ZoneStorage {
  load(): Iterable<StoredZone> | Promise<Iterable<StoredZone>>;
  save(zone: StoredZone): void | Promise<void>;
  remove(zoneId: string): void | Promise<void>;
}
interface LiveZone extends Zone {
  readonly serial: number;
  readonly view: ZoneView;
}

// Short: what runs on this machine comes and goes.
const NEGATIVE_TTL_SECONDS = 5;
const SOA_TTL_SECONDS = 60;

/** The zones that are served. Changes are conditional, atomic, and durable before anyone sees them. */
export class ZoneStore {
  private live = new Map<string, LiveZone>();
  private last: Promise<unknown> = Promise.resolve();

  private constructor(
    private readonly storage: ZoneStorage,
    private readonly now: () => number,
  ) {}

  /** @param now - Milliseconds since the epoch: serials start there, so that they rise even when a zone is made again. */
  static async open(storage: ZoneStorage, now: () => number = Date.now): Promise<ZoneStore> {
    const store = new ZoneStore(storage, now);
    for (const { id, name, serial, records } of await storage.load()) {
      const sets = records.map((set) => normalRecordSet(set, name));
      store.live.set(id, { id, name, serial, view: new ZoneView(name, sets) });
    }
    return store;
  }

  zones(): readonly Zone[] {
    return [...this.live.values()].map(({ id, name }) => ({ id, name }));
  }

  /** Sorted by name and type. @throws ProviderError `not-found`. */
  records(
    zoneId: string,
    filter: { readonly name?: string; readonly type?: RecordSet['type'] } = {},
  ): readonly RecordSet[] {
    const name = filter.name === undefined ? undefined : (canonicalName(filter.name) ?? filter.name);
    return this.zone(zoneId)
      .view.sets.filter((set) => (name === undefined || set.name === name) && (filter.type ?? set.type) === set.type)
      .map((set) => ({ name: set.name, ttlSeconds: set.ttlSeconds, type: set.type, values: set.values }));
  }

  /** The zone of that name, made with its SOA and NS where it isn't there. @throws ProviderError `invalid`. */
  async ensureZone(name: string): Promise<Zone> {
    const apex = canonicalName(name);
    if (apex === undefined || apex === '') {
      throw new ProviderError('invalid', `${JSON.stringify(name)} is not a zone's name`, { path: 'name' });
    }
    return this.inTurn(async () => {
      const known = [...this.live.values()].find((zone) => zone.name === apex);
      if (known !== undefined) return { id: known.id, name: known.name };
      const serial = this.serialAfter(0);
      const ns = normalRecordSet({ name: apex, type: 'NS', ttlSeconds: SOA_TTL_SECONDS, values: ['localhost'] }, apex);
      await this.put({ id: apex, name: apex, serial, view: new ZoneView(apex, [soaOf(apex, serial), ns]) });
      return { id: apex, name: apex };
    });
  }

  /** Gone before or after, it is not there. */
  async removeZone(name: string): Promise<void> {
    const apex = canonicalName(name);
    await this.inTurn(async () => {
      const known = [...this.live.values()].find((zone) => zone.name === apex);
      if (known === undefined) return;
      await this.storage.remove(known.id);
      this.live.delete(known.id);
    });
  }

  /**
   * Makes all changes or none.
   * @throws ProviderError `not-found` (no such zone), `conflict` (a record set is not the expected one; nothing was written),
   * `invalid` and `unsupported` with the `path` of what is wrong.
   */
  async change(zoneId: string, changes: readonly RecordChange[]): Promise<void> {
    await this.inTurn(async () => {
      const zone = this.zone(zoneId);
      const sets = nextSets(zone.view, changes);
      if (changes.length === 0) return;
      const serial = this.serialAfter(zone.serial);
      const rest = sets.filter(({ type }) => type !== 'SOA');
      await this.put({ ...zone, serial, view: new ZoneView(zone.name, [soaOf(zone.name, serial), ...rest]) });
    });
  }

  /** The zone with the longest name that `name`, which is canonical, lies in. */
  viewFor(name: string): ZoneView | undefined {
    let best: LiveZone | undefined;
    for (const zone of this.live.values()) {
      if (isWithin(name, zone.name) && zone.name.length > (best?.name.length ?? -1)) best = zone;
    }
    return best?.view;
  }

  private async put(zone: LiveZone): Promise<void> {
    const { id, name, serial, view } = zone;
    const records = view.sets.map((set) => ({
      name: set.name,
      ttlSeconds: set.ttlSeconds,
      type: set.type,
      values: set.values,
    }));
    await this.storage.save({ id, name, serial, records });
    this.live.set(id, zone);
  }

  private zone(zoneId: string): LiveZone {
    const zone = this.live.get(zoneId);
    if (zone === undefined) throw new ProviderError('not-found', `there is no zone ${zoneId}`);
    return zone;
  }

  private serialAfter(serial: number): number {
    return Math.max(serial + 1, Math.floor(this.now() / 1000));
  }

  private async inTurn<T>(work: () => Promise<T>): Promise<T> {
    const turn = this.last.then(work);
    this.last = turn.catch(() => undefined);
    return turn;
  }
}

/** For tests, and for whoever needs nothing to last. */
export function memoryZoneStorage(): ZoneStorage {
  const zones = new Map<string, StoredZone>();
  return {
    load: () => [...zones.values()],
    save: (zone) => void zones.set(zone.id, zone),
    remove: (zoneId) => void zones.delete(zoneId),
  };
}

function soaOf(apex: string, serial: number): ReturnType<typeof normalRecordSet> {
  const value = `localhost hostmaster.${apex} ${String(serial)} 3600 600 604800 ${String(NEGATIVE_TTL_SECONDS)}`;
  return normalRecordSet({ name: apex, type: 'SOA', ttlSeconds: SOA_TTL_SECONDS, values: [value] }, apex);
}
