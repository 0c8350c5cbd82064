import type { Call } from '../provider/host.ts';
import type { Tags } from '../provider/resource.ts';

/** `name` is its apex. */
export interface Zone {
  readonly id: string;
  readonly name: string;
  /** It was made by `ownZones` for this project and stage. */
  readonly isOwn?: true;
}
/** Nobody is led to it before the zone above it, or the registrar, names these servers. */
export interface OwnZone extends Zone {
  readonly nameServers: readonly string[];
}
/** Makes zones that everybody can ask. */
export interface ZoneMaker {
  /** Makes it, or finishes the one that an earlier call began: there are never two. `zones` tells it as its own from the first moment on.
   *  @throws `owned-by-other`: there is one of that name that was not made for this project and stage. */
  ensure(name: string, tags: Tags, call: Call): Promise<OwnZone>;
  /** To remove what is gone succeeds.
   *  @throws `conflict`: it holds more than its own NS and SOA, which is named, and stays; `owned-by-other`. */
  remove(zone: Zone, call: Call): Promise<void>;
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
  /** With `dns.zones`: for domains that none of its zones has in it. */
  readonly ownZones?: ZoneMaker;
}
