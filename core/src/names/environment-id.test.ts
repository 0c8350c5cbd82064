import { expect, test } from '@jest/globals';
import fc from 'fast-check';
import {
  environmentIdOf,
  environmentResourceId,
  formatEnvironmentId,
  parseEnvironmentId,
  parseEnvironmentResourceId,
} from './environment-id.ts';
import { slotNameProblem } from './name.ts';
import { TAG_VALUE } from './tag-value.ts';

const commit = fc.stringMatching(/^[0-9a-f]{12}$/);
const slot = fc.record({
  name: fc
    .stringMatching(/^[a-z][a-z0-9]{0,9}(-[a-z0-9]{1,9}){0,2}$/)
    .filter((name) => slotNameProblem(name) === undefined),
  settings: fc.stringMatching(/^[0-9a-f]{4,12}$/),
});
const life = fc.record({
  id: fc.oneof(fc.record({ commit }), fc.record({ commit, slot })),
  incarnation: fc.integer({ min: 1, max: 999_999 }),
});

test('an id is read back from its text, and a life from its resource id, which fits a tag', () => {
  fc.assert(
    fc.property(life, ({ id, incarnation }) => {
      expect(parseEnvironmentId(formatEnvironmentId(id))).toEqual(id);
      const resource = environmentResourceId({ id, incarnation });
      expect(resource).toMatch(TAG_VALUE);
      expect(parseEnvironmentResourceId(resource)).toEqual({ id, incarnation });
    }),
  );
});

test('ids look as the documentation says', () => {
  const plain = environmentIdOf('1A2B3C4D5E6F7890');
  const bound = environmentIdOf('1a2b3c4d5e6f', { name: 'master', settings: 'ab12' });
  expect(formatEnvironmentId(plain)).toBe('1a2b3c4d5e6f');
  expect(formatEnvironmentId(bound)).toBe('1a2b3c4d5e6f@master.ab12');
  expect(environmentResourceId({ id: plain, incarnation: 1 })).toBe('1a2b3c4d5e6f-1');
  expect(environmentResourceId({ id: bound, incarnation: 2 })).toBe('1a2b3c4d5e6f-master-ab12-2');
});

test('the longest resource id fits a tag', () => {
  const id = environmentIdOf('1a2b3c4d5e6f', { name: 'm'.repeat(30), settings: 'f'.repeat(64) });
  expect(environmentResourceId({ id, incarnation: 999_999 })).toHaveLength(63);
});

test('what is no id is none', () => {
  for (const text of [
    '',
    '1a2b',
    '1A2B3C4D5E6F',
    '1a2b3c4d5e6f@',
    '1a2b3c4d5e6f@a.b',
    '1a2b3c4d5e6f@a--b.ab12',
    '1a2b3c4d5e6f\n',
  ]) {
    expect(parseEnvironmentId(text)).toBeUndefined();
  }
  expect(parseEnvironmentResourceId('1a2b3c4d5e6f-0')).toBeUndefined();
  expect(() => environmentIdOf('1a2b')).toThrow('not the id');
  expect(() => environmentResourceId({ id: environmentIdOf('1a2b3c4d5e6f'), incarnation: 0 })).toThrow('no life');
});
