import { describe, expect, test } from '@jest/globals';
import { table, type Column } from './table.ts';
import { briefDuration, elapsed, printable } from './text.ts';

interface Row {
  readonly id: string;
  readonly pins?: string;
  readonly subject: string;
}
const columns: readonly Column<Row>[] = [
  { title: 'ID', value: (row) => row.id },
  { title: 'PINS', value: (row) => row.pins ?? '' },
  { title: 'SUBJECT', flexible: true, value: (row) => row.subject },
];

describe('a table', () => {
  test('aligns its columns and leaves out those with nothing in them', () => {
    expect(
      table(
        [
          { id: '1a', subject: 'first' },
          { id: '2b3c', subject: 'second' },
        ],
        columns,
      ),
    ).toEqual(['ID    SUBJECT', '1a    first', '2b3c  second']);
  });

  test('has every cell under its own title when a column in the middle is left out', () => {
    const [header, row] = table([{ id: '1a', pins: 'master', subject: 'x' }], columns);
    expect(header).toBe('ID  PINS    SUBJECT');
    expect(row).toBe('1a  master  x');
  });

  test('fits a narrow terminal by cutting what may be cut', () => {
    const lines = table([{ id: '1a2b3c4d5e6f', subject: 'a subject that goes on and on' }], columns, 30);
    expect(lines.map((line) => Array.from(line).length)).toEqual([21, 30]);
    expect(lines[1]).toMatch(/…$/);
  });

  test('keeps a hostile commit message from steering the terminal or breaking the rows', () => {
    const [, row] = table([{ id: '1a', subject: 'a\u001b[2Jb\nc\u202ed' }], columns);
    expect(row).toBe('1a  ab cd');
  });
});

test('texts for a glance', () => {
  expect([5, 60, 7199, 7200, 172_800].map(briefDuration)).toEqual(['5s', '1m', '1h', '2h', '2d']);
  expect([120, 9999, 61_000].map(elapsed)).toEqual(['0.1 s', '10.0 s', '61 s']);
  expect(printable('\u001b]8;;http://evil\u0007text\u001b]8;;\u0007')).toBe('text');
});
