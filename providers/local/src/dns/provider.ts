import type { DnsProvider, RecordChange, RecordSet, Zone } from '@clusternator/core/provider';
import type { ZoneStore } from './zones.ts';

/** The daemon's side as the driver sees it. Its errors are ProviderErrors. */
export interface DnsClient {
  zones(): Promise<readonly Zone[]>;
  records(
    zoneId: string,
    filter: { readonly name?: string; readonly type?: RecordSet['type'] },
  ): Promise<readonly RecordSet[]>;
  change(zoneId: string, changes: readonly RecordChange[]): Promise<void>;
}

/** What the daemon answers with. Queries see a change before it is acknowledged. */
export function dnsHandlers(store: ZoneStore): DnsClient {
  return {
    zones: async () => Promise.resolve(store.zones()),
    records: async (zoneId, filter) => Promise.resolve(store.records(zoneId, filter)),
    change: async (zoneId, changes) => store.change(zoneId, changes),
  };
}

/** The zones that the local daemon serves. */
export class LocalDns implements DnsProvider {
  constructor(private readonly client: DnsClient) {}

  async *zones(): AsyncIterable<Zone> {
    yield* await this.client.zones();
  }

  async *records(
    zone: Zone,
    filter: { readonly name?: string; readonly type?: RecordSet['type'] },
  ): AsyncIterable<RecordSet> {
    yield* await this.client.records(zone.id, filter);
  }

  async change(zone: Zone, changes: readonly RecordChange[]): Promise<void> {
    await this.client.change(zone.id, changes);
  }
}
