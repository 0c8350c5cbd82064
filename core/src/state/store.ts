import type { Call } from '../provider/host.ts';

/** Documents with compare-and-swap, nothing else. A value is JSON text of at most 256 KiB, a key [a-z0-9@._/-]{1,255}. */
export interface StateStore {
  get(key: string, call: Call): Promise<{ readonly value: string; readonly revision: string } | undefined>;
  /** @param expected - null: only if there is none. @returns The new revision. @throws `conflict`, as does the next. */
  put(key: string, value: string, expected: string | null, call: Call): Promise<string>;
  delete(key: string, expected: string, call: Call): Promise<void>;
  /** By key. */
  list(prefix: string, call: Call): AsyncIterable<{ readonly key: string; readonly revision: string }>;
}
