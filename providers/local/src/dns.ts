import type { DnsProvider } from '@clusternator/core/provider';
import { z } from 'zod';
import type { DaemonClient } from './client/daemon-client.ts';
import { LocalDns, type DnsClient } from './dns/provider.ts';
import { recordSetSchema } from './dns/record-set.ts';

const zoneSchema = z.object({ id: z.string(), name: z.string() });

/** The daemon's own DNS server, told over its socket. */
export function localDns(daemon: DaemonClient, signal: AbortSignal): DnsProvider {
  const client: DnsClient = {
    zones: () => daemon.call(z.array(zoneSchema), { method: 'GET', path: '/v1/zones', signal }),
    records: (zoneId, filter) => {
      const query = new URLSearchParams(Object.entries(filter));
      const path = `/v1/zones/${encodeURIComponent(zoneId)}/records?${query.toString()}`;
      return daemon.call(z.array(recordSetSchema), { method: 'GET', path, signal });
    },
    change: async (zoneId, changes) => {
      const path = `/v1/zones/${encodeURIComponent(zoneId)}/changes`;
      await daemon.call(z.unknown(), { method: 'POST', path, body: { changes }, signal });
    },
  };
  return new LocalDns(client);
}
