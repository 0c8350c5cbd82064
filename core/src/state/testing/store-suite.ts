import { describe, expect, test } from '@jest/globals';
import { ProviderError } from '../../provider/error.ts';
import type { StateStore } from '../store.ts';
import { testCall } from './call.ts';

const call = testCall();

/** What every state store must do. */
export function describeStore(name: string, open: () => StateStore): void {
  describe(`${name}: documents`, () => {
    test('what was put is there, and what never was is undefined', async () => {
      const store = open();
      const revision = await store.put('env/a', '{"a":1}', null, call);
      expect(await store.get('env/a', call)).toEqual({ value: '{"a":1}', revision });
      expect(await store.get('env/b', call)).toBeUndefined();
    });

    test('any text of any script comes back as it was', async () => {
      const store = open();
      const value = JSON.stringify({ text: 'Grüße 😀 \u0000 \u2028 "quoted" \\ \ud800' });
      await store.put('env/a', value, null, call);
      expect((await store.get('env/a', call))?.value).toBe(value);
    });

    test('a put holds only for the expected revision', async () => {
      const store = open();
      const first = await store.put('slot/master', '1', null, call);
      const second = await store.put('slot/master', '2', first, call);
      await expectCode('conflict', store.put('slot/master', '3', first, call));
      await expectCode('conflict', store.put('slot/master', '3', null, call));
      await expectCode('conflict', store.put('slot/other', '3', second, call));
      expect((await store.get('slot/master', call))?.value).toBe('2');
    });

    test('a refused put says that nothing was written', async () => {
      const store = open();
      await store.put('a', '1', null, call);
      const error: unknown = await store.put('a', '2', null, call).catch((caught: unknown) => caught);
      expect(error).toMatchObject({ code: 'conflict', effect: 'none' });
    });

    test('a delete holds only for the expected revision', async () => {
      const store = open();
      const first = await store.put('a', '1', null, call);
      const second = await store.put('a', '2', first, call);
      await expectCode('conflict', store.delete('a', first, call));
      await store.delete('a', second, call);
      expect(await store.get('a', call)).toBeUndefined();
      await expectCode('conflict', store.delete('a', second, call));
    });

    test('a revision never comes back, also not after a delete and a put of the same text', async () => {
      const store = open();
      const seen = new Set<string>();
      for (let life = 0; life < 5; life++) {
        const revision = await store.put('a', 'same', null, call);
        expect(seen.has(revision)).toBe(false);
        seen.add(revision);
        await store.delete('a', revision, call);
      }
    });

    test('of twenty that write at once, one wins', async () => {
      const store = open();
      const base = await store.put('a', 'base', null, call);
      const writers = Array.from({ length: 20 }, (_, writer) => store.put('a', String(writer), base, call));
      const results = await Promise.allSettled(writers);
      expect(results.filter((one) => one.status === 'fulfilled')).toHaveLength(1);
      expect(
        results.flatMap((one) => (one.status === 'rejected' ? [ProviderError.is(one.reason) && one.reason.code] : [])),
      ).toEqual(Array.from({ length: 19 }, () => 'conflict'));
      const winner = results.findIndex((one) => one.status === 'fulfilled');
      expect((await store.get('a', call))?.value).toBe(String(winner));
    });
  });

  describe(`${name}: limits`, () => {
    test.each(['', 'A', 'a b', 'a\n', 'ä', 'a:b', 'a'.repeat(256), "a'; drop table documents; --"])(
      'the key %j is refused',
      async (key) => {
        const store = open();
        await expectCode('invalid', store.put(key, '1', null, call));
        await expectCode('invalid', store.get(key, call));
        await expectCode('invalid', store.delete(key, '1', call));
      },
    );

    test('keys of the whole alphabet and length are taken', async () => {
      const store = open();
      for (const key of ['env/0a1b@master.ab12', 'release/pr-42/000001', 'a'.repeat(255), '_']) {
        await store.put(key, key, null, call);
        expect((await store.get(key, call))?.value).toBe(key);
      }
    });

    test('a value has at most 256 KiB, counted as UTF-8', async () => {
      const store = open();
      const largest = 'ä'.repeat(128 * 1024);
      await store.put('a', largest, null, call);
      expect((await store.get('a', call))?.value).toBe(largest);
      await expectCode('invalid', store.put('b', `${largest}x`, null, call));
      expect(await store.get('b', call)).toBeUndefined();
    });

    test('after an abort nothing is read or written', async () => {
      const store = open();
      const aborted = testCall(AbortSignal.abort());
      await expectCode('cancelled', store.put('a', '1', null, aborted));
      await expectCode('cancelled', store.get('a', aborted));
      await expectCode('cancelled', collect(store, '', aborted));
      expect(await store.get('a', call)).toBeUndefined();
    });
  });

  describe(`${name}: lists`, () => {
    test('by key, of the prefix alone', async () => {
      const store = open();
      for (const key of ['env/b', 'slot/a', 'env/a', 'env/a@master.ab', 'env', 'env0', 'envz', 'op/1'])
        await store.put(key, '{}', null, call);
      expect(await collect(store, 'env/')).toEqual(['env/a', 'env/a@master.ab', 'env/b']);
      expect(await collect(store, 'env')).toEqual(['env', 'env/a', 'env/a@master.ab', 'env/b', 'env0', 'envz']);
      expect(await collect(store, '')).toHaveLength(8);
      expect(await collect(store, 'none')).toEqual([]);
    });

    test('the revisions are those of the documents', async () => {
      const store = open();
      const revision = await store.put('a', '1', null, call);
      const again = await store.put('a', '2', revision, call);
      for await (const found of store.list('a', call)) expect(found).toEqual({ key: 'a', revision: again });
    });

    test('changes between pages lose nothing that was there throughout, and show nothing twice', async () => {
      const store = open();
      const keys = Array.from({ length: 1700 }, (_, at) => `env/${String(at).padStart(5, '0')}`);
      for (const key of keys) await store.put(key, '{}', null, call);
      const seen: string[] = [];
      for await (const { key, revision } of store.list('env/', call)) {
        seen.push(key);
        if (seen.length % 100 === 0) {
          await store.put(`env/${String(seen.length).padStart(5, '0')}-new`, '{}', null, call);
          await store.delete(key, revision, call);
        }
      }
      expect(new Set(seen).size).toBe(seen.length);
      expect(seen.filter((key) => !key.endsWith('-new'))).toEqual(keys);
    });

    test('ten thousand documents are listed at a price that does not rise with their number', async () => {
      const store = open();
      const fill = async (prefix: string, documents: number) => {
        for (let at = 0; at < documents; at++)
          await store.put(`${prefix}${String(at).padStart(6, '0')}`, '{"schema":1}', null, call);
      };
      const price = async (prefix: string, documents: number) => {
        const start = process.cpuUsage();
        const listed = await collect(store, prefix);
        const { user, system } = process.cpuUsage(start);
        expect(listed).toHaveLength(documents);
        return (user + system) / documents;
      };
      await fill('few/', 1000);
      await fill('many/', 10_000);
      // The least of several looks, taken in turns: what else the machine does makes a look dearer, never cheaper.
      let [few, many] = [Infinity, Infinity];
      for (let round = 0; round < 12; round++) {
        few = Math.min(few, Math.max(await price('few/', 1000), 0.1));
        many = Math.min(many, await price('many/', 10_000));
      }
      expect(many / few).toBeLessThan(5);
    });
  });
}

/** Fails unless it is rejected with that code. */
export async function expectCode(code: string, promise: Promise<unknown>): Promise<void> {
  await expect(promise).rejects.toMatchObject({ code });
}

/** The keys below a prefix. */
export async function collect(store: StateStore, prefix: string, by = call): Promise<string[]> {
  const keys: string[] = [];
  for await (const { key } of store.list(prefix, by)) keys.push(key);
  return keys;
}
