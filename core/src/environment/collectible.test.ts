import { expect, test } from '@jest/globals';
import type { EnvironmentDocument } from '../state/documents.ts';
import { collectible } from './collectible.ts';

const now = new Date('2030-01-10T00:00:00Z');

function environment(id: string, change: Partial<EnvironmentDocument> = {}): EnvironmentDocument {
  return {
    schema: 1,
    id,
    commit: '0'.repeat(40),
    incarnation: 1,
    phase: 'ready',
    epoch: 1,
    provider: { name: 'local', config: {} },
    fingerprint: '',
    hosts: [],
    createdAt: '2030-01-01T00:00:00Z',
    pins: {},
    ...change,
  };
}
const ids = (documents: readonly EnvironmentDocument[], max?: number) =>
  collectible(documents, { now, ...(max !== undefined && { max }) }).map(({ document }) => document.id);

test('what is past its time to live goes, what is not stays', () => {
  const documents = [
    environment('past', { expiresAt: '2030-01-09T23:59:59Z' }),
    environment('future', { expiresAt: '2030-01-10T00:00:01Z' }),
    environment('forever'),
  ];
  expect(ids(documents)).toEqual(['past']);
});

test('a failed one goes, one that is being worked on or gone does not', () => {
  const documents = [
    environment('failed', { phase: 'failed' }),
    environment('busy', { phase: 'failed', owner: { operation: 'op' } }),
    environment('gone', { phase: 'gone', expiresAt: '2029-01-01T00:00:00Z' }),
  ];
  expect(ids(documents)).toEqual(['failed']);
});

test('beyond max the oldest go, counted after what goes anyway', () => {
  const documents = [1, 2, 3, 4].map((day) =>
    environment(`day-${String(day)}`, { createdAt: `2030-01-0${String(day)}T00:00:00Z` }),
  );
  expect(ids(documents, 2)).toEqual(['day-1', 'day-2']);
  expect(ids([...documents.slice(1), environment('failed', { phase: 'failed' })], 3)).toEqual(['failed']);
});

test('what a slot uses is never collected, however old, expired, failed or many', () => {
  const pins = { master: { holder: 3 } };
  const documents = [
    environment('expired', { pins, expiresAt: '2029-01-01T00:00:00Z' }),
    environment('failed', { pins, phase: 'failed' }),
    environment('oldest', { pins, createdAt: '2020-01-01T00:00:00Z' }),
    environment('newer'),
  ];
  expect(ids(documents, 1)).toEqual(['newer']);
  expect(ids([environment('let-go', { pins: { master: {} }, phase: 'failed' })])).toEqual(['let-go']);
});
