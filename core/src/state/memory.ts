import { throwIfAborted } from '../engine/call.ts';
import { checkKey, checkPrefix, checkValue, moved } from './rules.ts';
import type { StateStore } from './store.ts';

const PAGE = 500;

/** A store that ends with the process, for tests and for trying things. It behaves as the embedded one does. */
export function memoryStore(): StateStore {
  const documents = new Map<string, { readonly value: string; readonly revision: string }>();
  let revisions = 0;
  let sorted: readonly string[] | undefined;

  const expect = (key: string, expected: string | null) => {
    const found = documents.get(key)?.revision;
    if ((found ?? null) !== expected) throw moved(key, expected, found);
  };
  const page = (prefix: string, after: string) => {
    sorted ??= [...documents.keys()].sort();
    const found: { key: string; revision: string }[] = [];
    for (let at = firstAfter(sorted, after, prefix); at < sorted.length && found.length < PAGE; at++) {
      const key = sorted[at] ?? '';
      if (!key.startsWith(prefix)) break;
      found.push({ key, revision: documents.get(key)?.revision ?? '' });
    }
    return found;
  };

  return {
    async get(key, call) {
      checkKey(key);
      throwIfAborted(call.signal, `read the state document ${key}`);
      return documents.get(key);
    },
    async put(key, value, expected, call) {
      checkKey(key);
      checkValue(key, value);
      throwIfAborted(call.signal, `write the state document ${key}`);
      expect(key, expected);
      if (expected === null) sorted = undefined;
      const revision = String(++revisions);
      documents.set(key, { value, revision });
      return revision;
    },
    async delete(key, expected, call) {
      checkKey(key);
      throwIfAborted(call.signal, `delete the state document ${key}`);
      expect(key, expected);
      sorted = undefined;
      documents.delete(key);
    },
    async *list(prefix, call) {
      checkPrefix(prefix);
      let after = '';
      for (;;) {
        throwIfAborted(call.signal, `list the state documents ${prefix}*`);
        const found = page(prefix, after);
        yield* found;
        if (found.length < PAGE) return;
        after = found.at(-1)?.key ?? '';
      }
    },
  };
}

/** Of the first key that is greater than `after` and not below `prefix`. */
function firstAfter(keys: readonly string[], after: string, prefix: string): number {
  let [low, high] = [0, keys.length];
  while (low < high) {
    const middle = (low + high) >>> 1;
    const key = keys[middle] ?? '';
    if (key <= after || key < prefix) low = middle + 1;
    else high = middle;
  }
  return low;
}
