import type { RecordSet } from '@clusternator/core/provider';
import { resolveAlias } from './alias.ts';
import type { AddressLookup } from './alias.ts';
import type { Reply, WireRecord } from './message.ts';
import { lowerAscii } from './names.ts';
import { TYPE_NUMBERS } from './rdata.ts';
import type { NormalRecordSet } from './record-set.ts';
import type { Found, ZoneView } from './zone-view.ts';

/** Where answers come from. */
export interface Sources {
  viewFor(name: string): ZoneView | undefined;
  readonly lookup: AddressLookup;
}
interface Question {
  /** In the case it was asked in, which answers repeat. */
  readonly name: string;
  readonly type: number;
}

const ANY = 255;
const HINFO = 13;
const ZONE_TRANSFERS: ReadonlySet<number> = new Set([251, 252]);
const MAX_CHAIN = 8;
const PLAIN = /^[\x21-\x5b\x5d-\x7e]*$/;
const NOTHING: Found = { kind: 'none' };
const NAMES_BY_NUMBER = new Map<number, RecordSet['type']>(
  Object.entries(TYPE_NUMBERS)
    .filter(([type]) => type !== 'ALIAS')
    // The keys of this object are exactly these; entries() forgets that.
    .map(([type, number]) => [number, type as RecordSet['type']]),
);

/** Answers one question as an authoritative server does. */
export async function resolve({ name, type }: Question, sources: Sources): Promise<Reply> {
  if (sources.viewFor(lowerAscii(name)) === undefined || ZONE_TRANSFERS.has(type)) return { rcode: 'REFUSED' };
  const answers: WireRecord[] = [];
  let owner = name;
  const seen = new Set<string>();
  for (;;) {
    const key = lowerAscii(owner);
    const view = sources.viewFor(key);
    // The chain leaves our zones, or turns in circles: who asked goes on from here.
    if (view === undefined || seen.has(key) || seen.size > MAX_CHAIN)
      return { rcode: 'NOERROR', authoritative: true, answers };
    seen.add(key);
    // A wildcard would answer for octets that the codec can't write; nobody has such names.
    const found = PLAIN.test(key) ? view.find(key) : NOTHING;
    if (found.kind === 'delegation') return referral(view, found.ns, answers);
    if (found.kind === 'none') return { rcode: 'NXDOMAIN', authoritative: true, answers, authorities: negative(view) };
    const { node } = found;
    const cname = node.get('CNAME');
    if (cname !== undefined && type !== TYPE_NUMBERS.CNAME && type !== ANY) {
      answers.push(...recordsOf(cname, owner));
      owner = cname.values[0] ?? '';
      continue;
    }
    const here = type === ANY ? [minimalAny(owner)] : await answersAt(node, owner, type, sources);
    if (here === undefined) return { rcode: 'SERVFAIL' };
    if (here.length === 0) return { rcode: 'NOERROR', authoritative: true, answers, authorities: negative(view) };
    return { rcode: 'NOERROR', authoritative: true, answers: [...answers, ...here] };
  }
}

/** Nothing when an ALIAS could not be looked up. */
async function answersAt(
  node: ReadonlyMap<RecordSet['type'], NormalRecordSet>,
  owner: string,
  type: number,
  sources: Sources,
): Promise<readonly WireRecord[] | undefined> {
  const wanted = NAMES_BY_NUMBER.get(type);
  const set = wanted === undefined ? undefined : node.get(wanted);
  if (set !== undefined) return recordsOf(set, owner);
  const alias = node.get('ALIAS');
  if (alias === undefined || (wanted !== 'A' && wanted !== 'AAAA')) return [];
  return resolveAlias(alias, wanted, owner, sources);
}

export function recordsOf(set: NormalRecordSet, owner: string): WireRecord[] {
  const type = TYPE_NUMBERS[set.type];
  return set.data.map(({ wire }) => ({ name: owner, type, ttlSeconds: set.ttlSeconds, data: wire }));
}

/** RFC 2308 §3: how long a no holds is the smaller of the SOA's TTL and its last field. */
function negative(view: ZoneView): WireRecord[] {
  const soa = view.get(view.apex, 'SOA');
  if (soa === undefined) return [];
  const minimum = Number(soa.values[0]?.split(' ').at(-1) ?? 0);
  return recordsOf({ ...soa, ttlSeconds: Math.min(soa.ttlSeconds, minimum) }, view.apex);
}

/** The name servers of a zone below ours, with the addresses that we know. */
function referral(view: ZoneView, ns: NormalRecordSet, answers: readonly WireRecord[]): Reply {
  const glue = ns.values.flatMap((server) =>
    (['A', 'AAAA'] as const).flatMap((type) => {
      const set = view.get(server, type);
      return set === undefined ? [] : recordsOf(set, server);
    }),
  );
  const authoritative = answers.length > 0;
  return { rcode: 'NOERROR', authoritative, answers, authorities: recordsOf(ns, ns.name), additionals: glue };
}

/** RFC 8482 §4.2: whoever asks for everything is told to ask for something. */
function minimalAny(owner: string): WireRecord {
  return { name: owner, type: HINFO, ttlSeconds: 3600, data: Buffer.from('\x07RFC8482\0', 'latin1') };
}
