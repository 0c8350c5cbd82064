import { decode, encode } from 'dns-packet';
import type { Answer as PacketAnswer, OptAnswer } from 'dns-packet';

/** RFC 1035 §4.1.1, RFC 6891 §9. */
export const RCODES = {
  NOERROR: 0,
  FORMERR: 1,
  SERVFAIL: 2,
  NXDOMAIN: 3,
  NOTIMP: 4,
  REFUSED: 5,
  BADVERS: 16,
} as const;
export type Rcode = keyof typeof RCODES;

/** A record as it goes out: any type is its number and its bytes. */
export interface WireRecord {
  readonly name: string;
  readonly type: number;
  readonly ttlSeconds: number;
  readonly data: Buffer;
}
/** What is answered to a query. */
export interface Reply {
  readonly rcode: Rcode;
  readonly authoritative?: boolean;
  readonly answers?: readonly WireRecord[];
  readonly authorities?: readonly WireRecord[];
  readonly additionals?: readonly WireRecord[];
}
/** A query that can be answered. `name` keeps the case it came in. */
export interface Query {
  readonly head: Head;
  readonly name: string;
  readonly type: number;
  readonly inInternetClass: boolean;
  /** As it came: it goes back byte by byte (0x20 case). */
  readonly question: Buffer;
  /** With EDNS, the size that the asker takes over UDP. */
  readonly edns?: { readonly udpBytes: number; readonly version: number };
}
interface Head {
  readonly id: number;
  readonly opcode: number;
  readonly recursionDesired: boolean;
}
/** Nothing is said to what is no query at all: an answer to an answer could go on for ever. */
export type Parsed = { readonly query: Query } | { readonly error: Rcode; readonly head: Head } | 'ignore';

const HEADER_BYTES = 12;
/** What fits in one packet nearly everywhere (DNS flag day 2020). */
const UDP_BYTES = 1232;
const CLASSIC_UDP_BYTES = 512;
const IN = 1;
const ANY_CLASS = 255;

export function parseQuery(bytes: Buffer): Parsed {
  if (bytes.length < HEADER_BYTES) return 'ignore';
  const flags = bytes.readUInt16BE(2);
  if ((flags & 0x8000) !== 0) return 'ignore';
  const head = { id: bytes.readUInt16BE(0), opcode: (flags >> 11) & 0xf, recursionDesired: (flags & 0x0100) !== 0 };
  if (head.opcode !== 0) return { error: 'NOTIMP', head };
  if (bytes.readUInt16BE(4) !== 1) return { error: 'FORMERR', head };
  const end = endOfName(bytes);
  if (end === undefined || end + 4 > bytes.length) return { error: 'FORMERR', head };
  const edns = readEdns(bytes);
  if (edns === 'malformed') return { error: 'FORMERR', head };
  const rrclass = bytes.readUInt16BE(end + 2);
  return {
    query: {
      head,
      name: nameOf(bytes, end),
      type: bytes.readUInt16BE(end),
      inInternetClass: rrclass === IN || rrclass === ANY_CLASS,
      question: bytes.subarray(HEADER_BYTES, end + 4),
      ...(edns === undefined ? {} : { edns }),
    },
  };
}

/** @param over - Over UDP, a reply that is too large goes out empty and marked as truncated. */
export function encodeReply(query: Query, reply: Reply, over: 'udp' | 'tcp'): Buffer {
  const limit = over === 'tcp' ? 65_535 : Math.min(Math.max(query.edns?.udpBytes ?? 0, CLASSIC_UDP_BYTES), UDP_BYTES);
  const whole = message(query.head, reply, query, false);
  if (whole.length <= limit) return whole;
  if (over === 'tcp') return message(query.head, { rcode: 'SERVFAIL' }, query, false);
  return message(query.head, { rcode: reply.rcode, authoritative: reply.authoritative === true }, query, true);
}

/** Where not even the question can be read. */
export function encodeError(head: Head, rcode: Rcode): Buffer {
  return message(head, { rcode }, undefined, false);
}

function message(head: Head, reply: Reply, query: Query | undefined, truncated: boolean): Buffer {
  const rcode = RCODES[reply.rcode];
  const bytes = encode({
    answers: reply.answers?.map(toPacket) ?? [],
    authorities: reply.authorities?.map(toPacket) ?? [],
    additionals: [
      ...(reply.additionals?.map(toPacket) ?? []),
      ...(query?.edns === undefined ? [] : [optRecord(rcode >> 4)]),
    ],
  });
  const flags =
    0x8000 |
    (head.opcode << 11) |
    (reply.authoritative === true ? 0x0400 : 0) |
    (truncated ? 0x0200 : 0) |
    (head.recursionDesired ? 0x0100 : 0) |
    (rcode & 0xf);
  bytes.writeUInt16BE(head.id, 0);
  bytes.writeUInt16BE(flags, 2);
  if (query === undefined) return bytes;
  bytes.writeUInt16BE(1, 4);
  // The codec writes no compression pointers, so what follows can move.
  return Buffer.concat([bytes.subarray(0, HEADER_BYTES), query.question, bytes.subarray(HEADER_BYTES)]);
}

function toPacket({ name, type, ttlSeconds, data }: WireRecord): PacketAnswer {
  // dns-packet takes any type as `UNKNOWN_<number>` with its bytes (RFC 3597); its types don't list them.
  return { name, type: `UNKNOWN_${String(type)}` as 'NULL', ttl: ttlSeconds, data };
}

function optRecord(extendedRcode: number): OptAnswer {
  return {
    type: 'OPT',
    name: '.',
    udpPayloadSize: UDP_BYTES,
    extendedRcode,
    ednsVersion: 0,
    flags: 0,
    flag_do: false,
    options: [],
  };
}

/** Reading all of it by the codec shows whether it is whole; at most one OPT, of the root, may be there (RFC 6891 §6.1.1). */
function readEdns(bytes: Buffer): Query['edns'] | 'malformed' {
  let packet;
  try {
    packet = decode(bytes);
  } catch {
    return 'malformed';
  }
  const [opt, second] = (packet.additionals ?? []).filter((record) => record.type === 'OPT');
  if (opt === undefined) return undefined;
  if (second !== undefined || (opt.name !== '.' && opt.name !== '')) return 'malformed';
  return { udpBytes: opt.udpPayloadSize, version: opt.ednsVersion };
}

/** A question's name has no pointers: there is nothing before it to point at. */
function endOfName(bytes: Buffer): number | undefined {
  let at = HEADER_BYTES;
  for (;;) {
    const length = bytes[at];
    if (length === undefined || length > 63) return undefined;
    at += length + 1;
    if (at - HEADER_BYTES > 255) return undefined;
    if (length === 0) return at;
  }
}

/** Octets that no stored name has stay unlike any: a dot inside a label would otherwise look like two labels. */
function nameOf(bytes: Buffer, end: number): string {
  const labels: string[] = [];
  for (let at = HEADER_BYTES; at < end - 1; at += (bytes[at] ?? 0) + 1) {
    labels.push(bytes.toString('latin1', at + 1, at + 1 + (bytes[at] ?? 0)).replaceAll('.', '\\'));
  }
  return labels.join('.');
}
