import { expect, test } from '@jest/globals';
import { parseStages } from './stages.ts';

test('stages are shares that rise up to all of the traffic', () => {
  const three = [
    { percent: 10, holdSeconds: 300 },
    { percent: 50, holdSeconds: 5400 },
    { percent: 100, holdSeconds: 0 },
  ];
  expect(parseStages('10@5m,50@1h30m,100')).toEqual(three);
  expect(parseStages('10@5m,50@1h30m')).toEqual(three);
});

test.each(['', '10', '10@', '50@5m,10@5m', '0@5m', '101@5m', '10@5m,10@5m', 'x', '10@5m, 100', '100,10@5m'])(
  '"%s" is refused, with an example of what would do',
  (text) => {
    expect(() => parseStages(text)).toThrow(expect.objectContaining({ code: 'invalid' }));
  },
);
