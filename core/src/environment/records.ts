import type { RecordSet } from '../dns/dns.ts';
import { writeRecords, type RecordsOwner } from '../dns/write-records.ts';
import { sameRecords } from '../dns/zone-of.ts';
import type { Session } from '../host/session.ts';
import type { Call } from '../provider/host.ts';
import type { EnvironmentDocument } from '../state/documents.ts';
import type { Claim } from './claim.ts';
import type { Environment } from './environment.ts';

/**
 * Writes what an environment asks for in the DNS while it is made. Its document names each record before it is written, so that none is forgotten.
 * What it asked for in an earlier place goes once it is active: until then it may ask for more.
 */
export function keepRecords(session: Session, claim: Claim, call: Call): (made: Environment) => Promise<void> {
  let written: string | undefined;
  return async ({ phase, records: wanted = [] }) => {
    const { records: known = [] } = claim.document;
    const isStale = phase === 'active' && known.some((old) => !isAmong(wanted, old));
    if (!isStale && JSON.stringify(wanted) === (written ?? '[]')) return;
    const added = wanted.filter((set) => !isAmong(known, set));
    if (added.length > 0) await claim.write((now) => ({ ...now, records: [...known, ...added] }), call);
    const owner = ownerOf(claim.document);
    const mayGo = phase === 'active' ? owner.records : owner.records?.filter((old) => isPlaced(wanted, old));
    await writeRecords(session, { ...owner, records: mayGo }, wanted, call);
    if (isStale) await claim.write(({ records: _, ...now }) => withRecords(now, wanted), call);
    written = JSON.stringify(wanted);
  };
}

/** None of its names is to lead to what is somebody else's by then. What somebody changed since is theirs. */
export async function removeRecords(session: Session, document: EnvironmentDocument, call: Call): Promise<void> {
  await writeRecords(session, ownerOf(document), [], call);
}

function ownerOf({ id, provider, config, records }: EnvironmentDocument): RecordsOwner {
  return { what: `environment ${id}`, provider, dns: config?.dns, records };
}

function withRecords(document: EnvironmentDocument, records: readonly RecordSet[]): EnvironmentDocument {
  return records.length === 0 ? document : { ...document, records };
}

function isAmong(sets: readonly RecordSet[], one: RecordSet): boolean {
  return sets.some((set) => sameRecords(set, one));
}

function isPlaced(sets: readonly RecordSet[], { name, type }: RecordSet): boolean {
  return sets.some((set) => set.name === name && set.type === type);
}
