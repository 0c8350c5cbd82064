import { expect, test } from '@jest/globals';
import { VirtualClock } from '../engine/testing/virtual-clock.ts';
import { ProviderError } from '../provider/error.ts';
import { memoryStore } from '../state/memory.ts';
import { testCall } from '../state/testing/call.ts';
import type { StateStore } from '../state/store.ts';
import { providerStore } from './provider-store.ts';

const call = testCall();
const errorOf = (cause: unknown) => new ProviderError('denied', `the cloud: ${String(cause)}`);
const over = (store: Partial<StateStore>, clock = new VirtualClock()) =>
  providerStore(async () => ({ store: { ...memoryStore(), ...store }, errorOf }), clock);

test('it is opened at its first use, and once', async () => {
  let opened = 0;
  const store = providerStore(async () => ({ store: memoryStore(), errorOf: (opened++, errorOf) }), new VirtualClock());
  expect(opened).toBe(0);
  const revision = await store.put('env/a', '1', null, call);
  expect(await store.get('env/a', call)).toEqual({ value: '1', revision });
  expect(await Array.fromAsync(store.list('env/', call))).toEqual([{ key: 'env/a', revision }]);
  await store.delete('env/a', revision, call);
  expect(await store.get('env/a', call)).toBeUndefined();
  expect(opened).toBe(1);
});

test('what the cloud throws is told in our words', async () => {
  const store = over({ put: () => Promise.reject(new Error('403')), get: () => Promise.reject(new Error('403')) });
  const denied = { code: 'denied', message: 'the cloud: Error: 403' };
  await expect(store.put('a', '1', null, call)).rejects.toMatchObject(denied);
  await expect(store.get('a', call)).rejects.toMatchObject(denied);
});

test('what only reads is asked again, also a list that breaks off in the middle', async () => {
  const clock = new VirtualClock();
  let asked = 0;
  const store = over(
    {
      async *list() {
        yield { key: 'a', revision: '1' };
        if (asked++ === 0) throw new ProviderError('unavailable', 'the connection broke off');
        yield { key: 'b', revision: '2' };
      },
    },
    clock,
  );
  const listed = Array.fromAsync(store.list('', call));
  await clock.advance(60);
  expect((await listed).map(({ key }) => key)).toEqual(['a', 'b']);
});

test('a put whose answer was lost is not made again by itself: that is for those who know what they wrote', async () => {
  let puts = 0;
  const put = () => (puts++, Promise.reject(new ProviderError('unavailable', 'lost')));
  await expect(over({ put }).put('a', '1', null, call)).rejects.toMatchObject({
    code: 'unavailable',
    effect: 'unknown',
  });
  expect(puts).toBe(1);
});
