import type { DnsProvider, RecordChange, RecordSet, Zone } from '../dns/dns.ts';
import { recordsOf, sameRecords, zoneOf } from '../dns/zone-of.ts';
import { driverOf } from '../host/drivers.ts';
import type { Session } from '../host/session.ts';
import { ProviderError } from '../provider/error.ts';
import type { Call } from '../provider/host.ts';
import type { ResourceRef } from '../provider/resource.ts';
import { DNS } from '../provider/tokens.ts';
import type { Route, Slot, SlotDriver, SlotSpec } from './slot.ts';

/** As short as public resolvers still keep to, so that a flip is soon seen everywhere. */
const TTL_SECONDS = 30;
const ADDRESS_TYPES: ReadonlySet<string> = new Set(['A', 'AAAA', 'CNAME', 'ALIAS']);

type Names = Pick<SlotSpec, 'hosts' | 'standbyHosts'>;

/** What one host name holds: where it leads to, and under which stamp. */
interface HostRecords {
  readonly zone: Zone;
  readonly host: string;
  readonly address: RecordSet | undefined;
  readonly note: RecordSet | undefined;
}

/** Slots where the cloud has no router: core moves records to `Environment.address`. Each host has a TXT beside it, with the stamp. */
export async function dnsSlots(
  session: Session,
  provider: { readonly name: string; readonly config: unknown },
  specOf: (id: string) => Promise<SlotSpec | undefined> = specIn(session),
): Promise<{ readonly driver: DnsSlots; readonly comparesAndSets: boolean }> {
  const bound = await session.bind(provider);
  const dns = await driverOf(bound, DNS, 'dns');
  return {
    driver: new DnsSlots(dns, specOf),
    comparesAndSets: bound.capabilities['dns.compareAndSet']?.can === 'yes',
  };
}

/** As the slot's document has it. */
function specIn(session: Session): (id: string) => Promise<SlotSpec | undefined> {
  return async (id) => {
    const found = await session.briefly(`read slot ${id}`, (call) => session.documents.slots.get(id, call));
    return found?.document.spec;
  };
}

/**
 * One conditional change moves the head's records, the standbys' and the stamps. The old and the new values are the condition: the stamp is
 * part of them, so that a change back and forth in between is seen.
 */
export class DnsSlots implements SlotDriver {
  constructor(
    private readonly dns: DnsProvider,
    private readonly specOf: (id: string) => Promise<SlotSpec | undefined>,
  ) {}

  /** Takes the names, and lowers the TTL of what is there: long before it counts, since that is when a promotion begins. */
  async ensure(spec: SlotSpec, call: Call): Promise<Slot> {
    const hosts = await this.look(spec, call);
    const changes = hosts.flatMap((one): Placed[] => {
      if (one.address && !one.note) throw notOurs(one.address);
      const note = noteRecord(one.host, stampIn(one.note) ?? '', spec.fingerprint);
      const address = one.address && { ...one.address, ttlSeconds: Math.min(one.address.ttlSeconds, TTL_SECONDS) };
      return [placed(one, one.note, note), placed(one, one.address, address)];
    });
    await this.change(changes, call);
    return this.slotOf(spec, await this.look(spec, call));
  }

  async read({ id }: ResourceRef, call: Call): Promise<Slot | undefined> {
    const spec = await this.specOf(id);
    if (!spec) return undefined;
    const hosts = await this.look(spec, call);
    return hosts.some(({ note }) => note !== undefined) ? this.slotOf(spec, hosts) : undefined;
  }

  async *list(): AsyncGenerator<Slot> {
    // Records carry no tags: the slots that there are, are those of the state.
  }

  async destroy({ id, handle }: ResourceRef, call: Call): Promise<void> {
    const spec = await this.specOf(id);
    if (!spec) return;
    if (handle) {
      const seen = readVersion({ handle });
      const changes = (await this.zonesOf(spec, call)).flatMap(({ zone, host }): Placed[] => {
        const [address, note] = seen[host] ?? [null, null];
        return note ? [address, note].map((expected) => ({ zone, expected, next: null })) : [];
      });
      await this.change(changes, call);
      return;
    }
    await this.forget([...spec.hosts, ...spec.standbyHosts], call);
  }

  /** Removes what is there of names that a slot has no more. What carries no note of ours stays. */
  async forget(names: readonly string[], call: Call): Promise<void> {
    const hosts = await this.look({ hosts: names, standbyHosts: [] }, call);
    const ours = hosts.filter(({ note }) => note !== undefined);
    await this.change(
      ours.flatMap((one) => [placed(one, one.address, undefined), placed(one, one.note, undefined)]),
      call,
    );
  }

  async route(slot: Slot, routes: readonly Route[], stamp: string, call: Call): Promise<Slot> {
    const spec = await this.specOf(slot.id);
    if (!spec) throw new ProviderError('not-found', `slot ${slot.id} has no names yet`);
    const shares = routes.filter(({ percent }) => percent > 0);
    if (shares.length > 1) {
      throw new ProviderError('unsupported', `slot ${slot.id} moves by DNS, which does not split traffic by weight`, {
        path: `slots.${slot.id}.stages`,
      });
    }
    const standbys = routes.filter(({ percent }) => percent === 0);
    const seen = readVersion(slot);
    const target = (host: string): Route | undefined =>
      spec.hosts.includes(host) ? shares[0] : standbys[spec.standbyHosts.indexOf(host)];
    const changes = (await this.zonesOf(spec, call)).flatMap(({ zone, host }): Placed[] => {
      const [address, note] = seen[host] ?? [null, null];
      const next = target(host);
      return [
        { zone, expected: address, next: next ? addressRecord(host, zone, next) : null },
        { zone, expected: note, next: noteRecord(host, stamp, spec.fingerprint) },
      ];
    });
    await this.change(changes, call);
    return this.slotOf(spec, await this.look(spec, call));
  }

  private async look(spec: Names, call: Call): Promise<readonly HostRecords[]> {
    const places = await this.zonesOf(spec, call);
    return Promise.all(
      places.map(async ({ zone, host }) => {
        const [sets, notes] = await Promise.all([
          recordsOf(this.dns, zone, host, call),
          recordsOf(this.dns, zone, noteName(host), call),
        ]);
        return {
          zone,
          host,
          address: sets.find(({ type }) => ADDRESS_TYPES.has(type)),
          note: notes.find(({ type }) => type === 'TXT'),
        };
      }),
    );
  }

  private zonesOf(
    { hosts, standbyHosts }: Names,
    call: Call,
  ): Promise<readonly { readonly zone: Zone; readonly host: string }[]> {
    return Promise.all(
      [...hosts, ...standbyHosts].map(async (host) => ({ host, zone: await zoneOf(this.dns, host, call) })),
    );
  }

  /** Zone by zone; what is as asked already is left out. @throws ProviderError `conflict`. */
  private async change(changes: readonly Placed[], call: Call): Promise<void> {
    const zones = new Map(changes.map(({ zone }) => [zone.id, zone]));
    for (const zone of zones.values()) {
      const own = changes
        .filter((one) => one.zone.id === zone.id && !sameRecords(one.expected ?? undefined, one.next ?? undefined))
        .map(({ expected, next }): RecordChange => ({ expected, next }));
      if (own.length > 0) await this.dns.change(zone, own, call);
    }
  }

  private slotOf(spec: SlotSpec, hosts: readonly HostRecords[]): Slot {
    const heads = hosts.filter(({ host }) => spec.hosts.includes(host));
    const first = heads[0];
    const isOne = heads.every(({ address }) => handleText(address) === handleText(first?.address));
    const shares = (isOne ? heads.slice(0, 1) : heads).flatMap(({ address, host }): Route[] =>
      address ? [{ handle: handleOf(address), percent: 100, ...(!isOne && { part: host }) }] : [],
    );
    const standbys = hosts
      .filter(({ host }) => spec.standbyHosts.includes(host))
      .flatMap(({ address }): Route[] => (address ? [{ handle: handleOf(address), percent: 0 }] : []));
    const stamps = new Set(hosts.map(({ note }) => stampIn(note) ?? ''));
    const prints = new Set(hosts.map(({ note }) => fingerprintIn(note) ?? ''));
    const [stamp = ''] = stamps;
    // Names that were just taken: their notes have no stamp yet.
    const isUnrouted = heads.every(({ note }) => stampIn(note) === '');
    const [print = ''] = prints;
    return {
      id: spec.id,
      phase: 'active',
      fingerprint: prints.size === 1 ? print : '',
      handle: { version: versionOf(hosts), ...(isUnrouted && { unrouted: 'true' }) },
      routes: [...shares, ...standbys],
      // Several zones change one after the other: what was cut short has no stamp that is anybody's.
      stamp: stamps.size === 1 ? stamp : 'mixed',
    };
  }
}

interface Placed extends RecordChange {
  readonly zone: Zone;
}
function placed({ zone }: HostRecords, expected: RecordSet | undefined, next: RecordSet | undefined): Placed {
  return { zone, expected: expected ?? null, next: next ?? null };
}

/** A route's handle has the environment's address beside it: see `handleFor`. */
function addressRecord(host: string, zone: Zone, { handle }: Route): RecordSet {
  const { dnsType, dnsValue } = handle;
  if (dnsType === undefined || dnsValue === undefined) {
    throw new ProviderError('unsupported', `what ${host} is to lead to has no address that DNS could hold`, {
      hint: "its provider lacks environments.address: use the provider's router",
    });
  }
  // A CNAME can't stand beside the records of a zone's apex.
  const type = dnsType === 'CNAME' && host === zone.name ? 'ALIAS' : dnsType;
  return { name: host, ttlSeconds: TTL_SECONDS, type: type as RecordSet['type'], values: [dnsValue] }; // an address's
}

function handleOf({ type, values }: RecordSet): Record<string, string> {
  return { dnsType: type === 'ALIAS' ? 'CNAME' : type, dnsValue: [...values].sort().join(' ') };
}
function handleText(set: RecordSet | undefined): string {
  return set ? JSON.stringify(handleOf(set)) : '';
}

function noteName(host: string): string {
  return `_clusternator.${host}`;
}
function noteRecord(host: string, stamp: string, fingerprint: string): RecordSet {
  const text = `stamp=${stamp} spec=${fingerprint}`;
  return { name: noteName(host), ttlSeconds: TTL_SECONDS, type: 'TXT', values: [text] };
}
function stampIn(note: RecordSet | undefined): string | undefined {
  return /^stamp=([0-9a-z]*) /.exec(note?.values[0] ?? '')?.[1];
}
function fingerprintIn(note: RecordSet | undefined): string | undefined {
  return / spec=([0-9a-f]*)$/.exec(note?.values[0] ?? '')?.[1];
}

type Version = Record<string, readonly [address: RecordSet | null, note: RecordSet | null]>;
function versionOf(hosts: readonly HostRecords[]): string {
  const version: Version = Object.fromEntries(
    hosts.map(({ host, address, note }) => [host, [address ?? null, note ?? null]]),
  );
  return JSON.stringify(version);
}
function readVersion({ handle }: Pick<Slot, 'handle'>): Version {
  return JSON.parse(handle.version ?? '{}') as Version; // written above
}

function notOurs({ name, type, values }: RecordSet): ProviderError {
  return new ProviderError('owned-by-other', `${name} has a record already: ${type} ${values.join(' ')}`, {
    hint: `remove it, or give the slot another host: clusternator dns remove ${name} ${type}`,
  });
}
