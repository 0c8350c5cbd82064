import type { Clock } from '../engine/clock.ts';
import { normaliseError } from '../engine/call.ts';
import { retrying } from '../engine/retry.ts';
import type { ProviderError } from '../provider/error.ts';
import type { Call } from '../provider/host.ts';
import { checkKey, checkPrefix, checkValue } from '../state/rules.ts';
import type { StateStore } from '../state/store.ts';

/** A provider's store, and its words for errors. */
export interface OpenedStore {
  readonly store: StateStore;
  readonly errorOf: (cause: unknown) => ProviderError | undefined;
}

/**
 * The state in a provider's store: opened at its first use, what only reads is asked again, and whatever it throws is a ProviderError. A put whose
 * answer was lost is `putSurely`'s to find out about.
 */
export function providerStore(open: () => Promise<OpenedStore>, clock: Clock): StateStore {
  let opened: Promise<OpenedStore> | undefined;
  const use = () => (opened ??= open());
  const write = async <T>(doing: string, call: Call, act: (store: StateStore) => Promise<T>): Promise<T> => {
    const { store, errorOf } = await use();
    try {
      return await act(store);
    } catch (error) {
      throw normaliseError(error, { signal: call.signal, doing, errorOf });
    }
  };
  return {
    async get(key, call) {
      checkKey(key);
      const { store, errorOf } = await use();
      const doing = `read the state document ${key}`;
      return retrying(() => store.get(key, call), { clock, call, doing, errorOf, observe: readingIsSafe });
    },
    async put(key, value, expected, call) {
      checkKey(key);
      checkValue(key, value);
      return write(`write the state document ${key}`, call, (store) => store.put(key, value, expected, call));
    },
    async delete(key, expected, call) {
      checkKey(key);
      await write(`delete the state document ${key}`, call, (store) => store.delete(key, expected, call));
    },
    async *list(prefix, call) {
      checkPrefix(prefix);
      const { store, errorOf } = await use();
      const doing = `list the state documents ${prefix}*`;
      // A list that breaks off is begun anew as a whole: what was told twice would be read twice.
      const found = await retrying(() => allOf(store.list(prefix, call)), {
        ...{ clock, call, doing, errorOf, observe: readingIsSafe },
      });
      yield* found;
    },
  };
}

async function readingIsSafe(): Promise<{ readonly state: 'again' }> {
  return { state: 'again' };
}

async function allOf<T>(list: AsyncIterable<T>): Promise<T[]> {
  const found: T[] = [];
  for await (const one of list) found.push(one);
  return found;
}
