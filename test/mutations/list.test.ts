import { existsSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { expect, test } from '@jest/globals';

import { MUTATIONS } from './list.ts';

const root = path.resolve(import.meta.dirname, '..', '..');

// The run itself takes long; that it still takes out what it names is seen here.
test.each(MUTATIONS.map((one) => [one.check, one] as const))('%s: there, once', (_, { file, find, tests }) => {
  expect(readFileSync(path.join(root, file), 'utf8').split(find)).toHaveLength(2);
  expect(tests.filter((name) => !existsSync(path.join(root, name)))).toEqual([]);
});

test('each invariant has a check', () => {
  expect(new Set(MUTATIONS.map(({ invariant }) => invariant))).toEqual(new Set([1, 2, 3, 4, 5, 6, 7, 8, 9, 10]));
});
