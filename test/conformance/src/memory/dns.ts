import {
  ProviderError,
  type Call,
  type DnsProvider,
  type Host,
  type RecordChange,
  type RecordSet,
  type Zone,
} from '@clusternator/core/provider';
import { z } from 'zod';
import type { CloudClient } from './client.ts';

const zoneSchema = z.object({ id: z.string(), name: z.string() });
const recordSchema: z.ZodType<RecordSet> = z.object({
  name: z.string(),
  type: z.custom<RecordSet['type']>((type) => typeof type === 'string'),
  ttlSeconds: z.number(),
  values: z.array(z.string()),
});

/** The memory cloud's zone. A change is taken at once and served a moment later. */
export class MemoryDns implements DnsProvider {
  constructor(
    private readonly host: Host,
    private readonly cloud: CloudClient,
  ) {}

  zones(call: Call): AsyncIterable<Zone> {
    return this.cloud.list('zones', {}, zoneSchema, call);
  }

  records(
    zone: Zone,
    filter: { readonly name?: string; readonly type?: RecordSet['type'] },
    call: Call,
  ): AsyncIterable<RecordSet> {
    return this.cloud.list(`zones/${zone.id}/records`, filter, recordSchema, call);
  }

  async change(zone: Zone, changes: readonly RecordChange[], call: Call): Promise<void> {
    const tooLong = changes.find(({ next }) => next && (next.ttlSeconds < 1 || next.ttlSeconds > 86_400));
    if (tooLong)
      throw new ProviderError('invalid', `${tooLong.next?.name ?? ''}: a TTL is from 1 to 86400 seconds`, {
        path: 'ttlSeconds',
      });
    if (changes.length === 0) return;
    const path = `zones/${zone.id}/changes`;
    const { id } = await this.cloud.ask(
      { method: 'POST', path, body: { changes }, schema: z.object({ id: z.string() }) },
      call,
    );
    const look = { method: 'GET', path: `${path}/${id}`, schema: z.object({ isServed: z.boolean() }) } as const;
    while (!(await this.cloud.ask(look, call)).isServed) await this.host.sleep(0.01, call);
  }
}
