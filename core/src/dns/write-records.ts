import { retrying } from '../engine/retry.ts';
import { driverOf, type BoundProvider } from '../host/drivers.ts';
import type { Session } from '../host/session.ts';
import { ProviderError } from '../provider/error.ts';
import type { Call } from '../provider/host.ts';
import { DNS } from '../provider/tokens.ts';
import type { DnsProvider, RecordChange, RecordSet } from './dns.ts';
import { asInZone, recordsOf, sameRecords, zoneOf } from './zone-of.ts';

/** What a cloud's router or foundation needs to be said of it in the DNS. */
export interface RecordsOwner {
  /** For messages: `slot master`. */
  readonly what: string;
  readonly provider: ProviderRef;
  /** Where the project's DNS is, if not at the provider. */
  readonly dns?: ProviderRef | undefined;
  /** What its document says was written for it. */
  readonly records?: readonly RecordSet[] | undefined;
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
  const surely = (record: RecordSet, act: () => Promise<void>): Promise<void> =>
    retrying(act, {
      ...{ clock: session.clock, call, errorOf: dns.errorOf },
      doing: `write the record ${record.type} ${record.name} of ${owner.what}`,
      observe: () => Promise.resolve({ state: 'again' }),
    });
  for (const next of wanted) await surely(next, () => writeOne(dns.driver, next, records, call));
  for (const old of gone) await surely(old, () => removeOne(dns.driver, old, call));
}

async function writeOne(dns: DnsProvider, asked: RecordSet, ours: readonly RecordSet[], call: Call): Promise<void> {
  const zone = await zoneOf(dns, asked.name, call);
  const next = asInZone(asked, zone);
  const there = (await recordsOf(dns, zone, next.name, call)).find((set) => isSamePlace(set, next));
  if (sameRecords(there, next)) return;
  if (there && !ours.some((one) => sameRecords(asInZone(one, zone), there))) {
    throw new ProviderError(
      'owned-by-other',
      `${there.name} has a record already: ${there.type} ${there.values.join(' ')}`,
      {
        effect: 'none',
        hint: `remove it, or set it to what is needed: ${next.values.join(' ')}`,
      },
    );
  }
  await dns.change(zone, [{ expected: there ?? null, next }] satisfies RecordChange[], call);
}

/** What somebody changed since is theirs. */
async function removeOne(dns: DnsProvider, asked: RecordSet, call: Call): Promise<void> {
  const zone = await zoneOf(dns, asked.name, call);
  const old = asInZone(asked, zone);
  const there = (await recordsOf(dns, zone, old.name, call)).find((set) => isSamePlace(set, old));
  if (there && sameRecords(there, old)) await dns.change(zone, [{ expected: there, next: null }], call);
}

/** @returns Undefined: neither the config names one, nor has the owner's provider one. */
async function dnsOf(
  session: Session,
  { dns, provider }: RecordsOwner,
): Promise<{ readonly driver: DnsProvider; readonly errorOf: BoundProvider['provider']['errorOf'] } | undefined> {
  const bound = await session.bind(dns ?? provider);
  if (!bound.scope.isRegistered(DNS)) return undefined;
  return { driver: await driverOf(bound, DNS, 'dns'), errorOf: (cause) => bound.provider.errorOf(cause) };
}

function isSamePlace(a: RecordSet, b: RecordSet): boolean {
  return a.name === b.name && a.type === b.type;
}
