import type { DnsProvider, OwnZone, RecordSet, Zone, ZoneMaker } from '../../dns/dns.ts';
import { isWithin, sameRecords } from '../../dns/zone-of.ts';
import { ProviderError } from '../../provider/error.ts';
import type { Deal } from './deal.ts';

/** Zones in memory, one as it begins, whose records are compared before they change. */
export class MemoryDns {
  zones: readonly Zone[] = [{ id: 'z1', name: 'example.test' }];
  sets: RecordSet[] = [];
  /** Whether somebody leads to a zone. */
  isServed: (zone: Zone) => boolean = () => true;
  makesZones = true;
  /** Every zone that was ever made, by its id. */
  readonly made: string[] = [];
  /** By id: what was put on a zone after it was made. */
  readonly tags = new Map<string, Readonly<Record<string, string>>>();

  provider(deal: Deal): DnsProvider {
    const right: DnsProvider & { readonly ownZones: ZoneMaker } = {
      zones: async function* (this: MemoryDns) {
        yield* this.zones;
      }.bind(this),
      records: async function* (this: MemoryDns, _zone: Zone, filter: { readonly name?: string }) {
        yield* await deal('read records', () =>
          this.sets.filter(({ name }) => filter.name === undefined || name === filter.name),
        );
      }.bind(this),
      change: (_zone, changes) =>
        deal('route (dns)', () => {
          const find = ({ name, type }: RecordSet) => this.sets.find((set) => set.name === name && set.type === type);
          for (const { expected, next } of changes) {
            const about = expected ?? next;
            if (about && !sameRecords(find(about), expected ?? undefined))
              throw new ProviderError('conflict', `${about.name} is not as expected`);
          }
          for (const { expected, next } of changes) {
            if (expected) this.sets = this.sets.filter((set) => set !== find(expected));
            if (next) this.sets.push(next);
          }
        }),
      ownZones: {
        ensure: async (name, tags) => {
          const zone = await deal('make zone', () => this.begin(name));
          await deal('tag zone', () => this.tags.set(zone.id, tags));
          return zone;
        },
        remove: (zone) =>
          deal('remove zone', () => {
            const held = this.sets.filter((set) => isWithin(set.name, zone));
            const [first] = held;
            if (first) throw new ProviderError('conflict', `it holds ${first.name} ${first.type}`);
            this.zones = this.zones.filter(({ id }) => id !== zone.id);
          }),
      },
    };
    const { ownZones: _, ...less } = right;
    return this.makesZones ? right : less;
  }

  private begin(name: string): OwnZone {
    const there = this.zones.find((zone) => zone.name === name);
    if (there && !there.isOwn) throw new ProviderError('owned-by-other', `${name} is there`);
    const zone: Zone = there ?? { id: `own${String(this.made.length + 1)}`, name, isOwn: true };
    if (!there) {
      this.made.push(zone.id);
      this.zones = [...this.zones, zone];
    }
    return { ...zone, nameServers: [`one.${zone.id}.dns.test`, `two.${zone.id}.dns.test`] };
  }

  /** What a name leads to. */
  lookUp(name: string): readonly string[] {
    if (!this.zones.some((zone) => isWithin(name, zone) && this.isServed(zone))) return [];
    return this.sets.find((set) => set.name === name && set.type !== 'TXT')?.values ?? [];
  }
}
