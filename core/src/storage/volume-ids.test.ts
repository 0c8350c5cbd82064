import { expect, test } from '@jest/globals';
import { datedId, fitting, placeId } from './volume-ids.ts';

test('a volume is named by where it is kept', () => {
  expect(placeId('data', { scope: 'project' })).toBe('project-data');
  expect(placeId('data', { scope: 'slot', slot: 'master' })).toBe('slot-master-data');
  expect(placeId('data', { scope: 'env', resource: '1a2b3c4d5e6f-1' })).toBe('1a2b3c4d5e6f-1-data');
});

test('what is too long loses its end, and stays apart from what begins the same', () => {
  const [one, two] = [fitting(`${'x'.repeat(80)}1`), fitting(`${'x'.repeat(80)}2`)];
  expect(one).not.toBe(two);
  for (const id of [one, two]) expect(id).toMatch(/^[a-z0-9-]{1,63}$/);
});

test('a dated name sorts by its time, and two of one second differ', () => {
  const at = new Date('2026-01-02T03:04:05Z');
  expect(datedId('data', at, 'a')).toMatch(/^data-20260102-030405-[a-z0-9]{4}$/);
  expect(datedId('data', at, 'a')).not.toBe(datedId('data', at, 'b'));
  expect(datedId('x'.repeat(63), at, 'a').length).toBeLessThanOrEqual(63);
});
