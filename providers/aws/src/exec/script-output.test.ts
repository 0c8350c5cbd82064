import { expect, test } from '@jest/globals';
import { ScriptOutput, type Said } from './script-output.ts';

const MARKER = 'a1b2c3d4';

/** What is said when it comes in pieces of so many bytes, with the output put together again. */
function heard(text: string, size: number): readonly (Exclude<Said, { kind: 'output' }> | string)[] {
  const output = new ScriptOutput(MARKER);
  const bytes = Buffer.from(text);
  const all: (Exclude<Said, { kind: 'output' }> | string)[] = [];
  for (let at = 0; at < bytes.length; at += size)
    for (const said of output.take(bytes.subarray(at, at + size))) {
      const last = all.at(-1);
      if (said.kind !== 'output') all.push(said);
      else if (typeof last === 'string') all[all.length - 1] = last + said.bytes.toString('latin1');
      else all.push(said.bytes.toString('latin1'));
    }
  return all;
}

test.each([1, 2, 3, 7, 1000])('in pieces of %d bytes it is told what is what', (size) => {
  const half = MARKER.slice(0, 5);
  const almost = `${MARKER}x ${MARKER}1234; ${half}`;
  const text = `noise${MARKER}<${MARKER}>out ${almost}${MARKER}17;42\n`;
  expect(heard(text, size)).toEqual([
    { kind: 'asks' },
    { kind: 'begins' },
    `out ${almost}`,
    { kind: 'exit', code: 17, bytesBefore: 4 + almost.length + MARKER.length + 3 },
    { kind: 'count', bytes: 42 },
  ]);
});

test('a program that is missing is named', () => {
  expect(heard(`${MARKER}!stty;`, 3)).toEqual([{ kind: 'missing', program: 'stty' }]);
});

test('nothing is kept back that can be no marker', () => {
  const output = new ScriptOutput(MARKER);
  const said = [...output.take(Buffer.from(`${MARKER}<${MARKER}>prompt> `))];
  expect(said.at(-1)).toEqual({ kind: 'output', bytes: Buffer.from('prompt> ') });
});

test('what comes before the script is noise', () => {
  const output = new ScriptOutput(MARKER);
  expect([...output.take(Buffer.from('cannot start\n'))]).toEqual([]);
  expect(output.noise).toBe('cannot start');
});
