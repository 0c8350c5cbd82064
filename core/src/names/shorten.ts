import { createHash } from 'node:crypto';

const HASH_DIGITS = 10;

/** 10 digits of [0-9a-z] that stand for a text: about 51 bits. */
export function shortHash(text: string): string {
  const hash = createHash('sha256').update(text).digest('hex');
  return BigInt(`0x${hash}`).toString(36).padStart(HASH_DIGITS, '0').slice(-HASH_DIGITS);
}

/** Words joined by hyphens, at most `maxLength` long: the longest word loses letters first, so that each stays to be recognised. */
export function joinWithin(words: readonly string[], maxLength: number, separator: string): string {
  const parts = words.filter((word) => word !== '');
  const length = (): number => parts.join(separator).length;
  while (parts.length > 0 && length() > maxLength) {
    const longest = parts.reduce((best, word, at) => (word.length >= (parts[best]?.length ?? 0) ? at : best), 0);
    const cut = (parts[longest] ?? '').slice(0, -1).replace(/-+$/, '');
    if (cut === '') parts.splice(longest, 1);
    else parts[longest] = cut;
  }
  return parts.join(separator);
}
