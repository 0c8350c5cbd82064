import type { DnsProvider, RecordSet, Zone } from '../dns/dns.ts';
import { dnsOf, readZones, writeRecords } from '../dns/write-records.ts';
import { sameRecords, zoneAmong, zonesOf } from '../dns/zone-of.ts';
import { retrying } from '../engine/retry.ts';
import type { Session } from '../host/session.ts';
import type { Call } from '../provider/host.ts';
import type { DocumentHold } from '../storage/hold-document.ts';
import type { FoundationDocument, ZoneRecord } from './documents.ts';
import { delegationOf, recordsLeft, removeZones, seeZones, unservedZone } from './zones.ts';

/** The records that a foundation asks for while it is made. Its document names each before it is written, so that none is forgotten. */
export class RecordKeeping {
  #document: FoundationDocument;
  #written: readonly RecordSet[] | undefined;
  #isTold = false;
  readonly #zones: Promise<readonly Zone[] | undefined>;

  constructor(
    private readonly session: Session,
    private readonly hold: DocumentHold<FoundationDocument>,
    taken: FoundationDocument,
    private readonly call: Call,
  ) {
    this.#document = taken;
    this.#zones = this.zonesAhead();
  }

  /**
   * While the foundation is made, which has a use for them at its end. One of the domain itself is the longest that its records can be in; where there
   * is none yet, the foundation may bring one, and they are read once it has.
   */
  private async zonesAhead(): Promise<readonly Zone[] | undefined> {
    const { domain } = this.#document.spec;
    if (domain === undefined) return undefined;
    const zones = await readZones(this.session, recordsOwner(this.#document, []), this.call).catch(() => undefined);
    return zones?.some(({ name }) => name === domain) ? zones : undefined;
  }

  /** @param isAll - What was asked for before, and is not any more, goes. While a foundation is on its way, it may ask for more later. */
  async write(wanted: readonly RecordSet[], isAll: boolean): Promise<void> {
    const { records: known = [] } = this.#document;
    const others = known.filter((old) => !wanted.some((set) => sameRecords(set, old)));
    const isStale = isAll && others.length > 0;
    if (known.length + wanted.length === 0 || (this.#written && areSame(this.#written, wanted) && !isStale)) return;
    const whole = [...others, ...wanted];
    const mayGo = isAll ? whole : whole.filter((set) => wanted.some((one) => isSamePlace(one, set)));
    // What no zone has in it is not written down either: nothing of it could be removed.
    const zones = mayGo.length > 0 ? await this.zonesWith(wanted) : undefined;
    if (whole.length > known.length) this.#document = await this.hold.write((now) => ({ ...now, records: whole }));
    const ours = zones ? recordsLeft({ ...this.#document, records: mayGo }, zones) : mayGo;
    await writeRecords(this.session, { ...recordsOwner(this.#document, ours), zones }, wanted, this.call);
    if (isStale) this.#document = await this.hold.write((now) => ({ ...now, records: wanted }));
    this.#written = wanted;
  }

  /** The zone that its certificate waits in vain for, until somebody leads to it. */
  get unserved(): ZoneRecord | undefined {
    return unservedZone(this.#document);
  }

  private async zonesWith(wanted: readonly RecordSet[]): Promise<readonly Zone[] | undefined> {
    const dns = await dnsOf(this.session, this.#document);
    if (!dns) return undefined;
    const ahead = await this.#zones;
    const look = async (attempt: number): Promise<readonly Zone[]> => {
      const there = (attempt === 1 ? ahead : undefined) ?? (await zonesOf(dns.driver, this.call));
      const zones = await this.withOwn(there, dns.driver);
      for (const { name } of wanted) zoneAmong(zones, name);
      return zones;
    };
    return retrying(look, retriesOf(this.session, this.#document, dns, this.call));
  }

  private async withOwn(there: readonly Zone[], dns: DnsProvider): Promise<readonly Zone[]> {
    const { session, hold, call } = this;
    const keep: Parameters<typeof seeZones>[3]['keep'] = async (change) => (this.#document = await hold.write(change));
    const zones = await seeZones(this.#document, there, dns, { session, keep, call });
    const { unserved } = this;
    if (unserved && !this.#isTold) {
      this.#isTold = true;
      session.emit({
        type: 'warning',
        message: `the zone ${unserved.name} was made, and nobody is led to it yet: ${delegationOf(unserved)}`,
        hint: 'the same command goes on from there, should it end before; clusternator foundation show tells them again',
      });
    }
    return zones;
  }
}

/** Removes them all, and the zones that were made for them. What somebody changed since is theirs. */
export async function removeRecords(session: Session, document: FoundationDocument, call: Call): Promise<void> {
  const { records = [], zones: own = [] } = document;
  if (records.length + own.length === 0) return;
  const dns = await dnsOf(session, document);
  if (!dns) return;
  const zones = await retrying(() => zonesOf(dns.driver, call), retriesOf(session, document, dns, call));
  await writeRecords(session, { ...recordsOwner(document, recordsLeft(document, zones)), zones }, [], call);
  await removeZones(session, document, { dns, zones, call });
}

function retriesOf(
  { clock }: Session,
  { id }: FoundationDocument,
  { errorOf }: Pick<NonNullable<Awaited<ReturnType<typeof dnsOf>>>, 'errorOf'>,
  call: Call,
): Parameters<typeof retrying<readonly Zone[]>>[1] {
  const doing = `look for the zones of the foundation ${id}`;
  return { clock, call, errorOf, doing, observe: () => Promise.resolve({ state: 'again' }) };
}

function recordsOwner(document: FoundationDocument, records: readonly RecordSet[]): Parameters<typeof writeRecords>[1] {
  const { id, provider, dns } = document;
  return { what: `the foundation ${id}`, provider, dns, records };
}

function areSame(some: readonly RecordSet[], others: readonly RecordSet[]): boolean {
  return some.length === others.length && some.every((one) => others.some((other) => sameRecords(one, other)));
}

function isSamePlace(a: RecordSet, b: RecordSet): boolean {
  return a.name === b.name && a.type === b.type;
}
