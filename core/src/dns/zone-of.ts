import { ProviderError } from '../provider/error.ts';
import type { Call } from '../provider/host.ts';
import type { DnsProvider, RecordSet, Zone } from './dns.ts';

/** The zone that a name lies in: the longest that fits. @throws ProviderError `not-found`. */
export async function zoneOf(dns: DnsProvider, name: string, call: Call): Promise<Zone> {
  return zoneAmong(await zonesOf(dns, call), name);
}

/** All that a DNS provider serves. */
export async function zonesOf(dns: DnsProvider, call: Call): Promise<readonly Zone[]> {
  const found: Zone[] = [];
  for await (const zone of dns.zones(call)) found.push(zone);
  return found;
}

/** The same of zones that were read before. */
export function zoneAmong(zones: readonly Zone[], name: string): Zone {
  const [best] = zones.filter((zone) => isWithin(name, zone)).sort((a, b) => b.name.length - a.name.length);
  if (best) return best;
  throw new ProviderError('not-found', `no zone of the DNS provider has ${name} in it`, {
    hint: 'make the zone first, or choose a host name in one that is there',
  });
}

/** A name is the zone's apex, or below it. */
export function isWithin(name: string, zone: Pick<Zone, 'name'>): boolean {
  return name === zone.name || name.endsWith(`.${zone.name}`);
}

/** The record sets of one name. */
export async function recordsOf(dns: DnsProvider, zone: Zone, name: string, call: Call): Promise<readonly RecordSet[]> {
  const found: RecordSet[] = [];
  for await (const set of dns.records(zone, { name }, call)) if (set.name === name) found.push(set);
  return found;
}

/** The same name, type and values, in any order. An alias has the time to live of its target. */
export function sameRecords(a: RecordSet | undefined, b: RecordSet | undefined): boolean {
  if (!a || !b) return a === b;
  const values = (set: RecordSet): string => JSON.stringify([...set.values].sort());
  const areTimely = a.type === 'ALIAS' || a.ttlSeconds === b.ttlSeconds;
  return a.name === b.name && a.type === b.type && areTimely && values(a) === values(b);
}

/** At the top of a zone a CNAME can't stand beside the records of the zone itself (RFC 1034 §3.6.2): there it is an alias. */
export function asInZone(set: RecordSet, zone: Zone): RecordSet {
  return set.type === 'CNAME' && set.name === zone.name ? { ...set, type: 'ALIAS' } : set;
}
