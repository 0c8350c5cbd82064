import { shortHash } from './shorten.ts';

/** What every cloud takes as a tag's value. */
export const TAG_VALUE = /^[a-z0-9_-]{0,63}$/;
const MAX_LENGTH = 63;
const ESCAPED = '_e_';
const HEX = '_x_';
const HASHED = '_h_';
const MARKED = /^_[exh]_/;

/**
 * Any text as a tag's value. As it is, where every cloud takes it. Else reversibly: 64 hex digits in base 36, other text with `_xx` for each
 * byte outside of [a-z0-9-]. Only what is too long even so ends in a hash, and can be compared but not read back.
 */
export function encodeTagValue(text: string): string {
  if (TAG_VALUE.test(text) && !MARKED.test(text)) return text;
  if (/^[0-9a-f]{64}$/.test(text)) return HEX + BigInt(`0x${text}`).toString(36).padStart(50, '0');
  const escaped = ESCAPED + escape(text);
  if (escaped.length <= MAX_LENGTH) return escaped;
  const hash = shortHash(text);
  return `${HASHED}${hash}-${escape(text).slice(0, MAX_LENGTH - HASHED.length - hash.length - 1)}`;
}

/** Undefined: it was too long to be kept whole, or was not written by `encodeTagValue`. */
export function decodeTagValue(value: string): string | undefined {
  if (!TAG_VALUE.test(value)) return undefined;
  if (!MARKED.test(value)) return value;
  const text = value.startsWith(HEX) ? unpackHex(value) : value.startsWith(ESCAPED) ? unescape(value) : undefined;
  return text !== undefined && encodeTagValue(text) === value ? text : undefined;
}

function escape(text: string): string {
  return [...Buffer.from(text, 'utf8')]
    .map((byte) => {
      const character = String.fromCharCode(byte);
      return /[a-z0-9-]/.test(character) ? character : `_${byte.toString(16).padStart(2, '0')}`;
    })
    .join('');
}

function unescape(value: string): string {
  const bytes = value.slice(ESCAPED.length).match(/_[0-9a-f]{2}|[^_]/g) ?? [];
  return Buffer.from(
    bytes.map((byte) => (byte.startsWith('_') ? parseInt(byte.slice(1), 16) : byte.charCodeAt(0))),
  ).toString('utf8');
}

function unpackHex(value: string): string {
  let number = 0n;
  for (const digit of value.slice(HEX.length)) {
    const worth = parseInt(digit, 36);
    if (Number.isNaN(worth)) return '';
    number = number * 36n + BigInt(worth);
  }
  return number.toString(16).padStart(64, '0');
}
