import { ProviderError } from '../../provider/error.ts';
import type { StateStore } from '../store.ts';

/** `applied`: the put is carried out and its answer lost. `torn`: it never arrives. `late`: it is carried out after the next put. */
export type Fault = 'applied' | 'torn' | 'late' | undefined;

/** A store whose puts fail as planned: by the number of the put, from 0. */
export function faultyStore(store: StateStore, plan: (put: number) => Fault): StateStore & { readonly puts: number } {
  let puts = 0;
  let late: (() => Promise<unknown>) | undefined;
  return {
    get puts() {
      return puts;
    },
    get: (key, call) => store.get(key, call),
    delete: (key, expected, call) => store.delete(key, expected, call),
    list: (prefix, call) => store.list(prefix, call),
    async put(key, value, expected, call) {
      const fault = plan(puts++);
      const send = () => store.put(key, value, expected, call);
      const belated = late;
      late = undefined;
      if (fault === 'late') late = () => send().catch(() => {});
      if (fault === 'applied') await send();
      const revision = fault === undefined ? await send().finally(() => belated?.()) : undefined;
      if (revision !== undefined) return revision;
      throw new ProviderError('unavailable', `put ${key}: connection reset`, { effect: 'unknown' });
    },
  };
}
