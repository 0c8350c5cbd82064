import { retrying } from '../engine/retry.ts';
import { driverOf, type BoundProvider } from '../host/drivers.ts';
import type { Session } from '../host/session.ts';
import { ProviderError } from '../provider/error.ts';
import type { Call } from '../provider/host.ts';
import { DNS } from '../provider/tokens.ts';
import type { DnsProvider, RecordChange, RecordSet, Zone } from './dns.ts';
import { asInZone, recordsOf, sameRecords, zoneAmong, zonesOf } from './zone-of.ts';

/** What a cloud's router or foundation needs to be said of it in the DNS. */
export interface RecordsOwner {
  /** For messages: `slot master`. */
  readonly what: string;
  readonly provider: ProviderRef;
  /** Where the project's DNS is, if not at the provider. */
  readonly dns?: ProviderRef | undefined;
  /** What its document says was written for it. */
  readonly records?: readonly RecordSet[] | undefined;
  /** Where they were read already. */
  readonly zones?: readonly Zone[] | undefined;
}
interface ProviderRef {
  readonly name: string;
  readonly config: unknown;
}

/**
 * Writes the records that a driver asks for, wherever the project's DNS is, and removes those that it asked for before. Of what is in the zone
 * only that is changed which the owner's document says was written for it. Re-entrant: an answer that was lost is found by looking again.
 * @param wanted - From the driver's `ensure`.
 * @throws ProviderError `owned-by-other`: another record stands there; `not-found`: no zone has the name.
 */
export async function writeRecords(
  session: Session,
  owner: RecordsOwner,
  wanted: readonly RecordSet[],
  call: Call,
): Promise<void> {
  const { records = [] } = owner;
  const gone = records.filter((old) => !wanted.some((set) => isSamePlace(set, old)));
  if (wanted.length === 0 && gone.length === 0) return;
  const dns = await dnsOf(session, owner);
  if (!dns) {
    if (wanted.length === 0) return;
    const list = wanted.map(({ name, type, values }) => `${name} ${type} ${values.join(' ')}`).join('; ');
    session.emit({
      type: 'warning',
      message: `${owner.what} needs records that no DNS provider is there for: ${list}`,
    });
    return;
  }
  const told = [...wanted, ...gone].map(({ type, name }) => `${type} ${name}`);
  const write = async (attempt: number): Promise<void> => {
    const zones = (attempt === 1 ? owner.zones : undefined) ?? (await zonesOf(dns.driver, call));
    await writeAll(dns.driver, zones, { wanted, gone, ours: records }, call);
  };
  await retrying(write, {
    ...{ clock: session.clock, call, errorOf: dns.errorOf },
    doing: `write the record${told.length > 1 ? 's' : ''} ${told.join(', ')} of ${owner.what}`,
    observe: () => Promise.resolve({ state: 'again' }),
  });
}

/** The zones of an owner's DNS. @returns Undefined: it has none. */
export async function readZones(
  session: Session,
  owner: RecordsOwner,
  call: Call,
): Promise<readonly Zone[] | undefined> {
  const dns = await dnsOf(session, owner);
  return dns && zonesOf(dns.driver, call);
}

interface Writing {
  readonly wanted: readonly RecordSet[];
  readonly gone: readonly RecordSet[];
  readonly ours: readonly RecordSet[];
}

/** One change a zone: a provider that waits until its servers know of it waits once. */
async function writeAll(
  dns: DnsProvider,
  zones: readonly Zone[],
  { wanted, gone, ours }: Writing,
  call: Call,
): Promise<void> {
  const byZone = Map.groupBy([...wanted, ...gone], ({ name }) => zoneAmong(zones, name));
  for (const [zone, sets] of byZone) {
    const names = [...new Set(sets.map(({ name }) => name))];
    const there = (await Promise.all(names.map((name) => recordsOf(dns, zone, name, call)))).flat();
    const known = ours.map((one) => asInZone(one, zone));
    const changes = sets.flatMap((asked) => {
      const set = asInZone(asked, zone);
      const found = there.find((one) => isSamePlace(one, set));
      return wanted.includes(asked) ? toBe(set, found, known) : notToBe(set, found);
    });
    if (changes.length > 0) await dns.change(zone, changes, call);
  }
}

/** @throws ProviderError `owned-by-other`. */
function toBe(next: RecordSet, there: RecordSet | undefined, ours: readonly RecordSet[]): readonly RecordChange[] {
  if (sameRecords(there, next)) return [];
  if (!there || ours.some((one) => sameRecords(one, there))) return [{ expected: there ?? null, next }];
  throw new ProviderError(
    'owned-by-other',
    `${there.name} has a record already: ${there.type} ${there.values.join(' ')}`,
    {
      effect: 'none',
      hint: `remove it, or set it to what is needed: ${next.values.join(' ')}`,
    },
  );
}

/** What somebody changed since is theirs. */
function notToBe(old: RecordSet, there: RecordSet | undefined): readonly RecordChange[] {
  return there && sameRecords(there, old) ? [{ expected: there, next: null }] : [];
}

/** Where an owner's names are. @returns Undefined: neither the config names one, nor has the owner's provider one. */
export async function dnsOf(
  session: Session,
  { dns, provider }: Pick<RecordsOwner, 'dns' | 'provider'>,
): Promise<{ readonly driver: DnsProvider; readonly errorOf: BoundProvider['provider']['errorOf'] } | undefined> {
  const bound = await session.bind(dns ?? provider);
  if (!bound.scope.isRegistered(DNS)) return undefined;
  return { driver: await driverOf(bound, DNS, 'dns'), errorOf: (cause) => bound.provider.errorOf(cause) };
}

function isSamePlace(a: RecordSet, b: RecordSet): boolean {
  return a.name === b.name && a.type === b.type;
}
