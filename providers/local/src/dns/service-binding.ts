import { isIPv4, isIPv6 } from 'node:net';
import { canonicalName } from './names.ts';
import { addressBytes, wireName } from './wire.ts';
import type { Rdata } from './wire.ts';

const FORM = 'priority, target and parameters, such as `1 . alpn=h2,h3 port=443`';
// RFC 9460 §14.3.2
const KEYS = ['mandatory', 'alpn', 'no-default-alpn', 'port', 'ipv4hint', 'ech', 'ipv6hint'];

/** The data of SVCB and HTTPS (RFC 9460 §2). @returns what is wrong, as text. */
export function parseServiceBinding(value: string): Rdata | string {
  const fields = value.match(/(?:[^\s"]|"(?:[^"\\]|\\.)*")+/g) ?? [];
  const [priority = '', targetName = ''] = fields;
  const target = canonicalName(targetName);
  if (!/^\d{1,5}$/.test(priority) || Number(priority) > 0xffff || target === undefined) return FORM;
  const parameters = new Map<number, { readonly text: string; readonly wire: Buffer }>();
  for (const field of fields.slice(2)) {
    const parameter = parseParameter(field);
    if (typeof parameter === 'string') return parameter;
    if (parameters.has(parameter.key)) return `each parameter once; ${field} is a second one`;
    parameters.set(parameter.key, parameter);
  }
  if (priority === '0' && parameters.size > 0) return 'no parameters with priority 0';
  // §2.2: in the order of their numbers, so that equal records are equal bytes.
  const ordered = [...parameters].toSorted(([one], [other]) => one - other);
  const head = Buffer.alloc(2);
  head.writeUInt16BE(Number(priority));
  return {
    text: [String(Number(priority)), target === '' ? '.' : target, ...ordered.map(([, { text }]) => text)].join(' '),
    wire: Buffer.concat([
      head,
      wireName(target),
      ...ordered.flatMap(([key, { wire }]) => [two(key), two(wire.length), wire]),
    ]),
  };
}

function parseParameter(
  field: string,
): { readonly key: number; readonly text: string; readonly wire: Buffer } | string {
  const equals = field.indexOf('=');
  const name = (equals === -1 ? field : field.slice(0, equals)).toLowerCase();
  const given = equals === -1 ? '' : field.slice(equals + 1).replace(/^"(.*)"$/s, '$1');
  const key = keyNumber(name);
  if (key === undefined) return `known parameters; ${name} is not`;
  const wire = parameterBytes(key, given);
  if (wire === undefined) return `a valid value for ${name}`;
  return { key, text: given === '' ? name : `${name}=${given}`, wire };
}

function keyNumber(name: string): number | undefined {
  const known = KEYS.indexOf(name);
  if (known !== -1) return known;
  const match = /^key(\d{1,5})$/.exec(name);
  const number = Number(match?.[1] ?? Number.NaN);
  return number <= 0xfffe ? number : undefined;
}

function parameterBytes(key: number, given: string): Buffer | undefined {
  const items = given.split(',');
  switch (KEYS[key]) {
    case 'mandatory': {
      const keys = items.map((item) => keyNumber(item.toLowerCase()));
      if (keys.includes(undefined) || keys.includes(0)) return undefined;
      return Buffer.concat(keys.map((item) => two(item ?? 0)).toSorted((one, other) => Buffer.compare(one, other)));
    }
    case 'alpn':
      if (items.some((item) => item === '' || Buffer.byteLength(item) > 255)) return undefined;
      return Buffer.concat(items.flatMap((item) => [Buffer.from([Buffer.byteLength(item)]), Buffer.from(item)]));
    case 'no-default-alpn':
      return given === '' ? Buffer.alloc(0) : undefined;
    case 'port':
      return /^\d{1,5}$/.test(given) && Number(given) <= 0xffff ? two(Number(given)) : undefined;
    case 'ipv4hint':
      return items.every((item) => isIPv4(item)) ? hints(items) : undefined;
    case 'ipv6hint':
      return items.every((item) => isIPv6(item)) ? hints(items) : undefined;
    case 'ech':
      return /^[A-Za-z0-9+/]+={0,2}$/.test(given) ? Buffer.from(given, 'base64') : undefined;
    default:
      return unescaped(given);
  }
}

function hints(addresses: readonly string[]): Buffer | undefined {
  const all = addresses.map((address) => addressBytes(address));
  return all.includes(undefined) ? undefined : Buffer.concat(all.map((bytes) => bytes ?? Buffer.alloc(0)));
}

/** RFC 1035 §5.1 escapes: `\123` and `\x`. */
function unescaped(text: string): Buffer {
  const bytes = text.replaceAll(/\\(\d{3}|.)/g, (_, what: string) =>
    what.length === 3 ? String.fromCharCode(Number(what) & 0xff) : what,
  );
  return Buffer.from(bytes, 'latin1');
}

function two(number: number): Buffer {
  const bytes = Buffer.alloc(2);
  bytes.writeUInt16BE(number);
  return bytes;
}
