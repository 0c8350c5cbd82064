import { isIPv4, isIPv6 } from 'node:net';
import type { RecordSet } from '@clusternator/core/provider';
import { canonicalName } from './names.ts';
import { parseServiceBinding } from './service-binding.ts';
import { addressBytes, wireName } from './wire.ts';
import type { Rdata } from './wire.ts';

/** The types of a record set, and their numbers (IANA). ALIAS has none: it is answered as A and AAAA. */
export const TYPE_NUMBERS = {
  A: 1,
  NS: 2,
  CNAME: 5,
  SOA: 6,
  PTR: 12,
  MX: 15,
  TXT: 16,
  AAAA: 28,
  SRV: 33,
  TLSA: 52,
  SVCB: 64,
  HTTPS: 65,
  CAA: 257,
  ALIAS: 0,
} as const satisfies Record<RecordSet['type'], number>;

/** Reads one value as in a zone file. @returns what is wrong, as text. */
export function parseRdata(type: RecordSet['type'], value: string): Rdata | string {
  return PARSERS[type](type === 'TXT' ? value : value.trim());
}

type Parser = (value: string) => Rdata | string;

const PARSERS: Readonly<Record<RecordSet['type'], Parser>> = {
  A: (value) => {
    const wire = isIPv4(value) ? addressBytes(value) : undefined;
    return wire === undefined ? 'an IPv4 address' : { text: value, wire };
  },
  AAAA: (value) => {
    const wire = isIPv6(value) ? addressBytes(value) : undefined;
    return wire === undefined ? 'an IPv6 address' : { text: value.toLowerCase(), wire };
  },
  ALIAS: nameOnly,
  CNAME: nameOnly,
  NS: nameOnly,
  PTR: nameOnly,
  MX: numbersAndName(1, 'a preference and a name, such as `10 mail.example.com`'),
  SRV: numbersAndName(3, 'priority, weight, port and name, such as `10 5 443 host.example.com`'),
  SOA: parseSoa,
  CAA: parseCaa,
  TLSA: parseTlsa,
  TXT: parseTxt,
  SVCB: parseServiceBinding,
  HTTPS: parseServiceBinding,
};

function nameOnly(value: string): Rdata | string {
  const name = canonicalName(value);
  return name === undefined || name === '' ? 'a domain name' : { text: name, wire: wireName(name) };
}

function numbersAndName(count: number, form: string): Parser {
  return (value) => {
    const fields = value.split(/\s+/);
    const numbers = fields.slice(0, count).map(uint16);
    const name = canonicalName(fields[count] ?? '');
    if (fields.length !== count + 1 || name === undefined || numbers.includes(undefined)) return form;
    const head = Buffer.alloc(count * 2);
    for (const [index, number] of numbers.entries()) head.writeUInt16BE(number ?? 0, index * 2);
    return { text: [...numbers, name === '' ? '.' : name].join(' '), wire: Buffer.concat([head, wireName(name)]) };
  };
}

function parseSoa(value: string): Rdata | string {
  const fields = value.split(/\s+/);
  const names = fields.slice(0, 2).map(canonicalName);
  const numbers = fields.slice(2).map((field) => (/^\d{1,10}$/.test(field) ? Number(field) : Number.NaN));
  const [primary, mailbox] = names;
  const whole = numbers.length === 5 && numbers.every((number) => number <= 0xffffffff);
  if (primary === undefined || mailbox === undefined || !whole) return 'two names and five numbers';
  const tail = Buffer.alloc(20);
  for (const [index, number] of numbers.entries()) tail.writeUInt32BE(number, index * 4);
  return {
    text: [primary, mailbox, ...numbers].join(' '),
    wire: Buffer.concat([wireName(primary), wireName(mailbox), tail]),
  };
}

function parseCaa(value: string): Rdata | string {
  const match = /^(\d{1,3})\s+([a-z0-9]{1,15})\s+(?:"((?:[^"\\]|\\["\\])*)"|([^\s"]+))$/i.exec(value);
  const flags = Number(match?.[1] ?? Number.NaN);
  const tag = match?.[2]?.toLowerCase();
  if (match === null || tag === undefined || !(flags <= 255)) {
    return 'flags, a tag and a value, such as `0 issue "letsencrypt.org"`';
  }
  const content = match[3]?.replaceAll(/\\(["\\])/g, '$1') ?? match[4] ?? '';
  const quoted = content.replaceAll(/["\\]/g, String.raw`\$&`);
  return {
    text: `${String(flags)} ${tag} "${quoted}"`,
    wire: Buffer.concat([Buffer.from([flags, tag.length]), Buffer.from(tag), Buffer.from(content)]),
  };
}

function parseTlsa(value: string): Rdata | string {
  const match = /^(\d{1,3})\s+(\d{1,3})\s+(\d{1,3})\s+((?:[0-9a-f]{2}|\s)+)$/i.exec(value);
  const numbers = match?.slice(1, 4).map(Number) ?? [];
  const hex = match?.[4]?.replaceAll(/\s/g, '').toLowerCase();
  if (hex === undefined || hex === '' || numbers.some((number) => number > 255)) {
    return 'usage, selector, matching type and hex data, such as `3 1 1 0a1b…`';
  }
  return { text: [...numbers, hex].join(' '), wire: Buffer.concat([Buffer.from(numbers), Buffer.from(hex, 'hex')]) };
}

/** On the wire, text is cut into strings of at most 255 octets; readers join them again (RFC 7208 §3.3). */
function parseTxt(value: string): Rdata | string {
  const bytes = Buffer.from(value);
  const parts: Buffer[] = [];
  for (let at = 0; at < bytes.length || at === 0; at += 255) {
    const part = bytes.subarray(at, at + 255);
    parts.push(Buffer.from([part.length]), part);
  }
  return { text: value, wire: Buffer.concat(parts) };
}

function uint16(field: string): number | undefined {
  return /^\d{1,5}$/.test(field) && Number(field) <= 0xffff ? Number(field) : undefined;
}
