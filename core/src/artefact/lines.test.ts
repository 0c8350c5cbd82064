import { expect, test } from '@jest/globals';
import { LastLines, Lines } from './lines.ts';

function linesOf(...chunks: readonly Buffer[]): readonly string[] {
  const seen: string[] = [];
  const lines = new Lines((line) => seen.push(line));
  for (const chunk of chunks) lines.write(chunk);
  lines.end();
  return seen;
}

test('output becomes the same lines however it is cut', () => {
  const text = Buffer.from('one\r\ntwö\n\n10%\r20%\r100%\nlast');
  const expected = ['one', 'twö', '', '100%', 'last'];
  for (let at = 0; at <= text.length; at++) expect(linesOf(text.subarray(0, at), text.subarray(at))).toEqual(expected);
});

test('a line without an end is cut', () => {
  const lines = linesOf(Buffer.alloc(100_000, 'x'));
  expect(lines.join('')).toHaveLength(100_000);
  expect(Math.max(...lines.map((line) => line.length))).toBeLessThan(20_000);
});

test('the last lines are kept', () => {
  const last = new LastLines(2);
  expect(String(last)).toBe('');
  for (const line of ['a', 'b', 'c']) last.add(line);
  expect(String(last)).toBe('\n  b\n  c');
});
