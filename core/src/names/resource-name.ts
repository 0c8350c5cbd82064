import { ProviderError } from '../provider/error.ts';
import type { Owner } from './owner.ts';
import { joinWithin, shortHash } from './shorten.ts';

const SHORTEST = 8;

/** What a cloud allows in a name. */
export interface NameRule {
  readonly maxLength: number;
  /** False: letters and digits alone. */
  readonly hyphens?: boolean;
}

/**
 * `Host.name`: of [a-z0-9-], a letter first, no two hyphens in a row, the words and then a hash of 10 digits. The same for the same
 * words of this project and stage alone: other words, another project and another stage give another hash.
 * @throws ProviderError `invalid` when the rule leaves fewer than 8 characters, too few to tell names apart.
 */
export function resourceName(owner: Owner, words: readonly string[], rule: NameRule): string {
  if (rule.maxLength < SHORTEST) {
    throw new ProviderError('invalid', `a name of ${rule.maxLength} characters can't be unique`, {
      hint: `a provider's names need at least ${SHORTEST} characters`,
    });
  }
  const separator = rule.hyphens === false ? '' : '-';
  const hash = shortHash(JSON.stringify([owner.project, owner.stage, words])).slice(-(rule.maxLength - 2));
  const plain = words.map((word) => plainWord(word, separator)).filter((word) => word !== '');
  if (!/^[a-z]/.test(plain[0] ?? '')) plain.unshift('c'); // a cloud wants a letter first, and the word may be a commit
  const room = rule.maxLength - hash.length - separator.length;
  return [joinWithin(plain, room, separator), hash].join(separator);
}

function plainWord(word: string, separator: string): string {
  return word
    .toLowerCase()
    .replace(/[^a-z0-9]+/g, separator)
    .replace(/^-+|-+$/g, '');
}
