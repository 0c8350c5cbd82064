/** Splits a line into words, as the agent in a container does: quotes and backslashes of a shell, and nothing else of one. @see https://github.com/google/shlex */
export function wordsOf(line: string): readonly string[] {
  const words: string[] = [];
  let word: string | undefined;
  let quote: string | undefined;
  for (let at = 0; at < line.length; at += 1) {
    const sign = line.charAt(at);
    if (sign === '\\' && quote !== "'") word = `${word ?? ''}${line.charAt((at += 1))}`;
    else if (quote === sign) quote = undefined;
    else if (quote === undefined && (sign === "'" || sign === '"')) [quote, word] = [sign, word ?? ''];
    else if (quote === undefined && /\s/.test(sign)) {
      if (word !== undefined) words.push(word);
      word = undefined;
    } else if (quote === undefined && sign === '#' && word === undefined) break;
    else word = `${word ?? ''}${sign}`;
  }
  if (quote !== undefined) throw new Error('Failed to parse commands input: EOF found when expecting closing quote');
  return word === undefined ? words : [...words, word];
}
