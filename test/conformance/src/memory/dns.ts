import {
  ProviderError,
  type Call,
  type DnsProvider,
  type Host,
  type OwnZone,
  type RecordChange,
  type RecordSet,
  type Tags,
  type Zone,
  type ZoneMaker,
} from '@clusternator/core/provider';
import { z } from 'zod';
import { isConflict, isMissing, type CloudClient } from './client.ts';

const zoneSchema = z.object({
  id: z.string(),
  name: z.string(),
  nameServers: z.array(z.string()),
  tags: z.record(z.string(), z.string()),
});
const recordSchema: z.ZodType<RecordSet> = z.object({
  name: z.string(),
  type: z.custom<RecordSet['type']>((type) => typeof type === 'string'),
  ttlSeconds: z.number(),
  values: z.array(z.string()),
});

/** The memory cloud's zones. A change is taken at once and served a moment later. */
export class MemoryDns implements DnsProvider {
  readonly ownZones: ZoneMaker = {
    ensure: (name, tags, call) => this.makeZone(name, tags, call),
    remove: (zone, call) => this.removeZone(zone, call),
  };

  constructor(
    private readonly host: Host,
    private readonly cloud: CloudClient,
  ) {}

  async *zones(call: Call): AsyncGenerator<OwnZone> {
    for await (const { tags, ...zone } of this.cloud.list('zones', {}, zoneSchema, call))
      yield { ...zone, ...(this.host.identify(tags) && { isOwn: true }) };
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

  /** Its id follows from its name, so that whoever is second finds it. */
  private async makeZone(name: string, tags: Tags, call: Call): Promise<OwnZone> {
    const there = await this.zoneOf(name, call);
    if (there?.isOwn) return there;
    if (there) throw new ProviderError('owned-by-other', `the zone ${name} was not made for this project and stage`);
    const path = `zones/${this.host.name(['zone', name], { maxLength: 60 })}`;
    try {
      await this.cloud.ask({ method: 'PUT', path, body: { name, tags }, ifNew: true, schema: z.unknown() }, call);
    } catch (error) {
      if (!isConflict(error)) throw error; // it was made in the meantime
    }
    const made = await this.zoneOf(name, call);
    if (made) return made;
    throw new ProviderError('unavailable', `the zone ${name} was made, and is not there`);
  }

  private async removeZone({ id, name }: Zone, call: Call): Promise<void> {
    const there = await this.zoneOf(name, call);
    if (there?.id !== id) return;
    if (!there.isOwn) throw new ProviderError('owned-by-other', `the zone ${name} is another's`);
    const held = (await Array.fromAsync(this.records(there, {}, call)))
      .filter((set) => set.name !== name || (set.type !== 'SOA' && set.type !== 'NS'))
      .map((set) => `${set.name} ${set.type}`);
    if (held.length > 0) throw new ProviderError('conflict', `the zone ${name} holds ${held.join(', ')}`);
    try {
      await this.cloud.ask({ method: 'DELETE', path: `zones/${id}`, schema: z.unknown() }, call);
    } catch (error) {
      if (!isMissing(error)) throw error; // it went in the meantime
    }
  }

  private async zoneOf(name: string, call: Call): Promise<OwnZone | undefined> {
    const all = (await Array.fromAsync(this.zones(call))).filter((zone) => zone.name === name);
    return all.find(({ isOwn }) => isOwn) ?? all[0];
  }
}
