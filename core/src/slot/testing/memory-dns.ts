import type { DnsProvider, RecordSet, Zone } from '../../dns/dns.ts';
import { sameRecords } from '../../dns/zone-of.ts';
import { ProviderError } from '../../provider/error.ts';
import type { Deal } from './deal.ts';

/** One zone in memory that compares before it changes. */
export class MemoryDns {
  readonly zone: Zone = { id: 'z1', name: 'example.test' };
  sets: RecordSet[] = [];

  provider(deal: Deal): DnsProvider {
    const { zone } = this;
    return {
      zones: async function* () {
        yield zone;
      },
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
    };
  }

  /** What a name leads to. */
  lookUp(name: string): readonly string[] {
    return this.sets.find((set) => set.name === name && set.type !== 'TXT')?.values ?? [];
  }
}
