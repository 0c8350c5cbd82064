import type { Call } from '../provider/host.ts';

/** `name` is its apex. */
export interface Zone {
  readonly id: string;
  readonly name: string;
}
/** All records of one name and type. They carry no tags: ours are those that core's documents name. */
export interface RecordSet {
  readonly name: string;
  readonly ttlSeconds: number;
  /** ALIAS: the addresses of another name, at an apex too. */
  readonly type:
    'A' | 'AAAA' | 'ALIAS' | 'CAA' | 'CNAME' | 'HTTPS' | 'MX' | 'NS' | 'PTR' | 'SOA' | 'SRV' | 'SVCB' | 'TLSA' | 'TXT';
  /** In any order, as in a zone file (RFC 1035 §5.1), but names without a last dot, and TXT as its text, neither quoted nor split. */
  readonly values: readonly string[];
  /** It has settings that don't fit here, such as a routing policy: shown, never changed. */
  readonly opaque?: true;
}
/** `expected: null` makes it, `next: null` removes it. */
export interface RecordChange {
  readonly expected: RecordSet | null;
  readonly next: RecordSet | null;
}
/** Serves zones. */
export interface DnsProvider {
  zones(call: Call): AsyncIterable<Zone>;
  records(
    zone: Zone,
    filter: { readonly name?: string; readonly type?: RecordSet['type'] },
    call: Call,
  ): AsyncIterable<RecordSet>;
  /** Makes the changes, on condition that each record set is the expected one, and returns once the authoritative servers answer so.
   *  Core reads before, leaves out what is there, and reads again after a conflict.
   *  @throws `conflict` (with `dns.atomic` nothing was written), `invalid` (a TTL out of range; `path` names it), `unsupported`. */
  change(zone: Zone, changes: readonly RecordChange[], call: Call): Promise<void>;
}
