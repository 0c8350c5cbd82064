import { expect, test } from '@jest/globals';
import { expectCode } from '../state/testing/store-suite.ts';
import { inWaves } from './waves.ts';

const signal = new AbortController().signal;

test('each starts once all that it comes after is done, and not later', async () => {
  const log: string[] = [];
  const gates = new Map(['a', 'b', 'c', 'd'].map((id) => [id, Promise.withResolvers<undefined>()]));
  const items = [{ id: 'd', after: ['c', 'b'] }, { id: 'c', after: ['a'] }, { id: 'a' }, { id: 'b' }];
  const all = inWaves(items, signal, async ({ id }) => {
    log.push(`+${id}`);
    await gates.get(id)!.promise;
    log.push(`-${id}`);
    return id;
  });
  for (const id of ['a', 'c', 'b', 'd']) {
    await new Promise((resolve) => setImmediate(resolve));
    gates.get(id)!.resolve(undefined);
  }
  expect(await all).toEqual(['d', 'c', 'a', 'b']);
  expect(log).toEqual(['+a', '+b', '-a', '+c', '-c', '-b', '+d', '-d']);
});

test('the first failure aborts those under way, starts no others, and is what is told', async () => {
  const started: string[] = [];
  let aborted = false;
  const items = [{ id: 'slow' }, { id: 'bad' }, { id: 'never', after: ['bad'] }, { id: 'neither', after: ['slow'] }];
  const all = inWaves(items, signal, (item, both) => {
    started.push(item.id);
    if (item.id === 'bad') return Promise.reject(new Error('it broke'));
    return new Promise<void>((_, reject) => {
      both.addEventListener('abort', () => {
        aborted = true;
        reject(both.reason as Error);
      });
    });
  });
  await expect(all).rejects.toThrow('it broke');
  expect(started).toEqual(['slow', 'bad']);
  expect(aborted).toBe(true);
});

test('results that are undefined keep their places', async () => {
  const items = [{ id: 'a' }, { id: 'b' }];
  expect(await inWaves(items, signal, async ({ id }) => (id === 'b' ? 'b' : undefined))).toEqual([undefined, 'b']);
});

test.each([
  [
    'a cycle',
    [
      { id: 'a', after: ['b'] },
      { id: 'b', after: ['a'] },
    ],
  ],
  ['one that waits for itself', [{ id: 'a', after: ['a'] }]],
  ['one that waits for what is not there', [{ id: 'a', after: ['z'] }]],
  ['two of one id', [{ id: 'a' }, { id: 'a' }]],
])('%s is invalid, and nothing is started', async (_, items) => {
  const work = inWaves(items, signal, async () => {
    throw new Error('started');
  });
  await expectCode('invalid', work);
});
