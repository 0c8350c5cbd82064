import { domainToASCII } from 'node:url';

/**
 * A domain name as it is stored and compared: lower case, without the last dot, A-labels for other scripts (RFC 5891).
 * The root is the empty string. Nothing when it is no name that can be in a zone.
 */
export function canonicalName(name: string): string | undefined {
  const bare = name === '.' ? '' : name.replace(/\.$/, '');
  if (bare === '') return name === '.' ? '' : undefined;
  const ascii = /^[\x21-\x7e]+$/.test(bare) ? bare.toLowerCase() : domainToASCII(bare);
  // RFC 1035 §2.3.4: labels up to 63 octets, names up to 255 on the wire.
  if (ascii === '' || ascii.length > 253) return undefined;
  return ascii.split('.').every((label) => LABEL.test(label)) ? ascii : undefined;
}

// Any visible ASCII but what needs an escape in a zone file; `/` and `_` are in use (RFC 2317, RFC 8552).
const LABEL = /^[^\s.\\"();@]{1,63}$/;

/** Whether `name` is `apex` or below it. Both are canonical. */
export function isWithin(name: string, apex: string): boolean {
  return apex === '' || name === apex || name.endsWith(`.${apex}`);
}

/** The name without its first label; the root's is nothing. */
export function parentOf(name: string): string | undefined {
  if (name === '') return undefined;
  const dot = name.indexOf('.');
  return dot === -1 ? '' : name.slice(dot + 1);
}

/** Only ASCII letters have a case here (RFC 4343). */
export function lowerAscii(name: string): string {
  return name.replaceAll(/[A-Z]+/g, (letters) => letters.toLowerCase());
}
