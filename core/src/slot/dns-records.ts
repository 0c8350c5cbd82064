import type { DnsProvider, RecordChange, RecordSet } from '../dns/dns.ts';
import { recordsOf, sameRecords, zoneOf } from '../dns/zone-of.ts';
import { driverOf } from '../host/drivers.ts';
import type { Session } from '../host/session.ts';
import { ProviderError } from '../provider/error.ts';
import type { Call } from '../provider/host.ts';
import { DNS } from '../provider/tokens.ts';
import type { SlotDocument } from './documents.ts';

type RecordsOwner = Pick<SlotDocument, 'name' | 'provider' | 'dns' | 'records'>;

/**
 * Writes the records that a slot's router asks for, wherever the project's DNS is, and removes those that it asked for before. Of what is in the
 * zone only that is changed which the slot's document says was written for it.
 * @param wanted - From the router's `ensure`.
 * @throws ProviderError `owned-by-other`: another record stands there; `not-found`: no zone has the name.
 */
export async function writeRecords(session: Session, slot: RecordsOwner, wanted: readonly RecordSet[]): Promise<void> {
  const { records = [] } = slot;
  const gone = records.filter((old) => !wanted.some((set) => isSamePlace(set, old)));
  if (wanted.length === 0 && gone.length === 0) return;
  const dns = await dnsOf(session, slot);
  if (!dns) {
    const list = wanted.map(({ name, type, values }) => `${name} ${type} ${values.join(' ')}`).join('; ');
    session.emit({
      type: 'warning',
      message: `slot ${slot.name} needs records that no DNS provider is there for: ${list}`,
    });
    return;
  }
  await session.briefly(`write the records of slot ${slot.name}`, async (call) => {
    for (const next of wanted) await writeOne(dns, next, records, call);
    for (const old of gone) await removeOne(dns, old, call);
  });
}

async function writeOne(dns: DnsProvider, next: RecordSet, ours: readonly RecordSet[], call: Call): Promise<void> {
  const zone = await zoneOf(dns, next.name, call);
  const there = (await recordsOf(dns, zone, next.name, call)).find((set) => isSamePlace(set, next));
  if (sameRecords(there, next)) return;
  if (there && !ours.some((one) => sameRecords(one, there))) {
    throw new ProviderError(
      'owned-by-other',
      `${there.name} has a record already: ${there.type} ${there.values.join(' ')}`,
      {
        effect: 'none',
        hint: `remove it, or set it to what the slot needs: ${next.values.join(' ')}`,
      },
    );
  }
  await dns.change(zone, [{ expected: there ?? null, next }] satisfies RecordChange[], call);
}

/** What somebody changed since is theirs. */
async function removeOne(dns: DnsProvider, old: RecordSet, call: Call): Promise<void> {
  const zone = await zoneOf(dns, old.name, call);
  const there = (await recordsOf(dns, zone, old.name, call)).find((set) => isSamePlace(set, old));
  if (there && sameRecords(there, old)) await dns.change(zone, [{ expected: there, next: null }], call);
}

/** @returns Undefined: neither the config names one, nor has the slot's provider one. */
async function dnsOf(session: Session, { dns, provider }: RecordsOwner): Promise<DnsProvider | undefined> {
  try {
    return await driverOf(await session.bind(dns ?? provider), DNS, 'dns');
  } catch (error) {
    if (ProviderError.is(error) && error.code === 'unsupported') return undefined;
    throw error;
  }
}

function isSamePlace(a: RecordSet, b: RecordSet): boolean {
  return a.name === b.name && a.type === b.type;
}
