import { distance } from 'fastest-levenshtein';

/** The candidate that was most likely meant. Undefined: none is near. */
export function nearest(word: string, candidates: Iterable<string>): string | undefined {
  const meant = word.toLowerCase();
  // One slip in every three letters; a short word may be wrong in two, since 'prot' for 'port' counts as two.
  const tolerance = Math.max(2, Math.floor(meant.length / 3));
  let best: { readonly candidate: string; readonly slips: number } | undefined;
  for (const candidate of candidates) {
    const lower = candidate.toLowerCase();
    const slips = distance(meant, lower);
    const isNear = slips <= tolerance && slips < Math.max(meant.length, lower.length);
    const isLongerOrShorter = meant.length >= 3 && (lower.startsWith(meant) || meant.startsWith(lower));
    if ((isNear || isLongerOrShorter) && slips < (best?.slips ?? Infinity)) best = { candidate, slips };
  }
  return best?.candidate;
}
