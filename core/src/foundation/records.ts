import type { RecordSet, Zone } from '../dns/dns.ts';
import { readZones, writeRecords } from '../dns/write-records.ts';
import { sameRecords } from '../dns/zone-of.ts';
import type { Session } from '../host/session.ts';
import type { Call } from '../provider/host.ts';
import type { DocumentHold } from '../storage/hold-document.ts';
import type { FoundationDocument } from './documents.ts';

/** The records that a foundation asks for while it is made. Its document names each before it is written, so that none is forgotten. */
export class RecordKeeping {
  #document: FoundationDocument;
  #written: readonly RecordSet[] | undefined;
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
    if (whole.length > known.length) this.#document = await this.hold.write((now) => ({ ...now, records: whole }));
    const mayGo = isAll ? whole : whole.filter((set) => wanted.some((one) => isSamePlace(one, set)));
    const zones = await this.#zones;
    await writeRecords(this.session, { ...recordsOwner(this.#document, mayGo), zones }, wanted, this.call);
    if (isStale) this.#document = await this.hold.write((now) => ({ ...now, records: wanted }));
    this.#written = wanted;
  }
}

/** Removes them all. What somebody changed since is theirs. */
export async function removeRecords(session: Session, document: FoundationDocument, call: Call): Promise<void> {
  await writeRecords(session, recordsOwner(document, document.records ?? []), [], call);
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
