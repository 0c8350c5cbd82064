import type { DnsProvider, RecordSet, Zone } from '../dns/dns.ts';
import { dnsOf } from '../dns/write-records.ts';
import { isWithin, zonesOf } from '../dns/zone-of.ts';
import { retrying } from '../engine/retry.ts';
import type { Session } from '../host/session.ts';
import { ProviderError } from '../provider/error.ts';
import type { Call } from '../provider/host.ts';
import type { FoundationDocument, ZoneRecord } from './documents.ts';

/** A certificate waits so long for its records. @see https://docs.aws.amazon.com/acm/latest/userguide/dns-validation.html */
const DELEGATION_SECONDS = 72 * 3600;

type Dns = NonNullable<Awaited<ReturnType<typeof dnsOf>>>;
/** Writes a change of the document down. */
type Keep = (change: (document: FoundationDocument) => FoundationDocument) => Promise<FoundationDocument>;

/**
 * Sees that there is a zone for the foundation's domain: one that nobody has is made, where the DNS provider makes zones. Never beside one that is
 * there, nor below one. Its document names it before it is made, so that none is forgotten.
 * @returns All zones that there are then.
 */
export async function seeZones(
  document: FoundationDocument,
  zones: readonly Zone[],
  { ownZones }: DnsProvider,
  by: { readonly session: Session; readonly keep: Keep; readonly call: Call },
): Promise<readonly Zone[]> {
  const { domain, tags } = document.spec;
  if (domain === undefined || !ownZones) return zones;
  const there = zones.find(({ name }) => name === domain);
  if (there ? !there.isOwn : zones.some((zone) => isWithin(domain, zone))) return zones;
  // Of one that an interrupted command began, or that stayed from a foundation before, it is not written down what its parent needs.
  if (there && ownZone(document)?.nameServers) return zones;
  const since = by.session.clock.now().toISOString();
  if (!ownZone(document)) await by.keep((now) => withZone(now, { name: domain, since }));
  const { nameServers, ...zone } = await ownZones.ensure(domain, tags, by.call);
  await by.keep((now) => withZone(now, { name: domain, since, nameServers }));
  return [...zones.filter((one) => one !== there), zone];
}

/** The zone that was made for its domain, until somebody is seen to lead to it. */
export function unservedZone(document: FoundationDocument): ZoneRecord | undefined {
  const zone = ownZone(document);
  return zone?.isServed ? undefined : zone;
}

/** Somebody is still to lead to its zone, which takes people a while. What waits for it is no leftover. */
export function waitsForDelegation(document: FoundationDocument, now: Date): boolean {
  const zone = unservedZone(document);
  return zone !== undefined && (now.getTime() - Date.parse(zone.since)) / 1000 < DELEGATION_SECONDS;
}

/** What a person has to do about it. */
export function delegationOf({ name, nameServers = [] }: ZoneRecord): string {
  return `at the registrar of ${name}, or in the zone above it, set the name servers ${nameServers.join(', ')}`;
}

/** It is whole, with a certificate for its domain: somebody leads to its zone. */
export function served(document: FoundationDocument): FoundationDocument {
  const zone = unservedZone(document);
  return zone ? withZone(document, { ...zone, isServed: true }) : document;
}

/** Of what is written down for it, what lay in a zone of ours that is gone is gone. */
export function recordsLeft(
  { records = [], zones: own = [] }: FoundationDocument,
  zones: readonly Zone[],
): RecordSet[] {
  const isIn = (all: readonly Pick<Zone, 'name'>[], name: string): boolean => all.some((zone) => isWithin(name, zone));
  return records.filter(({ name }) => isIn(zones, name) || !isIn(own, name));
}

/** Removes the zones that were made for it. One that holds something else, or that another foundation has its domain in, stays. */
export async function removeZones(
  session: Session,
  document: FoundationDocument,
  { dns, zones, call }: { readonly dns: Dns; readonly zones: readonly Zone[]; readonly call: Call },
): Promise<void> {
  const { id, spec } = document;
  const names = new Set([spec.domain, ...(document.zones ?? []).map(({ name }) => name)]);
  const own = zones.filter(({ name, isOwn }) => isOwn && names.has(name));
  const { ownZones } = dns.driver;
  if (own.length === 0 || !ownZones) return;
  const others: FoundationDocument[] = [];
  for await (const { document: one } of session.documents.foundations.list(call)) if (one.id !== id) others.push(one);
  for (const zone of own) {
    const user = others.find(({ spec: { domain } }) => domain !== undefined && isWithin(domain, zone));
    try {
      if (user) throw new ProviderError('conflict', `the foundation ${user.id} has its domain in it`);
      await retrying(() => ownZones.remove(zone, call), {
        ...{ clock: session.clock, call, errorOf: dns.errorOf },
        doing: `remove the zone ${zone.name}`,
        observe: ({ code }) => Promise.resolve({ state: code === 'conflict' ? 'unknown' : 'again' }),
      });
    } catch (error) {
      if (!ProviderError.is(error) || (error.code !== 'conflict' && error.code !== 'owned-by-other')) throw error;
      session.emit({
        type: 'warning',
        message: `the zone ${zone.name}, which was made for the foundation ${id}, stays: ${error.message}`,
        ...(!user && { hint: 'remove it at the DNS provider once nothing is served from it' }),
      });
    }
  }
}

/** A zone that a make would begin with. Undefined: there is one, or its DNS makes none. */
export async function missingZone(
  session: Session,
  owner: Parameters<typeof dnsOf>[1],
  domain: string | undefined,
  call: Call,
): Promise<string | undefined> {
  if (domain === undefined) return undefined;
  const dns = await dnsOf(session, owner);
  if (!dns?.driver.ownZones) return undefined;
  return (await zonesOf(dns.driver, call)).some((zone) => isWithin(domain, zone)) ? undefined : domain;
}

function ownZone({ zones = [], spec }: FoundationDocument): ZoneRecord | undefined {
  return zones.find(({ name }) => name === spec.domain);
}

function withZone(document: FoundationDocument, zone: ZoneRecord): FoundationDocument {
  const others = (document.zones ?? []).filter(({ name }) => name !== zone.name);
  return { ...document, zones: [...others, zone] };
}
