import { ProviderError } from '../provider/error.ts';

/** A piece of work that waits for others. */
export interface Waiting {
  readonly id: string;
  readonly after?: readonly string[];
}

/**
 * Runs each as soon as all that it waits for is done. The first failure aborts those under way and starts no others.
 * @returns Their results, in the order of `items`.
 * @throws `invalid`: one waits for none of these, or for itself. Else the first failure, once all have ended.
 */
export async function inWaves<I extends Waiting, T>(
  items: readonly I[],
  signal: AbortSignal,
  run: (item: I, signal: AbortSignal) => Promise<T>,
): Promise<readonly T[]> {
  checkIds(items);
  const failed = new AbortController();
  const both = AbortSignal.any([signal, failed.signal]);
  let first: { readonly error: unknown } | undefined;
  const running = new Map<string, Promise<T>>();
  for (const item of inOrder(items)) {
    const before = (item.after ?? []).flatMap((id) => running.get(id) ?? []);
    const work = Promise.all(before).then(() => {
      if (first) throw first.error;
      return run(item, both);
    });
    running.set(item.id, work);
    work.catch((error: unknown) => {
      first ??= { error };
      failed.abort(new ProviderError('cancelled', `${item.id} failed, so the others were ended`, { cause: error }));
    });
  }
  const all = items.flatMap((item) => running.get(item.id) ?? []);
  await Promise.allSettled(all);
  if (first) throw first.error;
  return Promise.all(all);
}

function checkIds(items: readonly Waiting[]): void {
  const ids = new Set(items.map((item) => item.id));
  if (ids.size < items.length) throw new ProviderError('invalid', 'two steps have one id');
  for (const { id, after = [] } of items) {
    const unknown = after.find((one) => !ids.has(one));
    if (unknown !== undefined)
      throw new ProviderError('invalid', `step ${id} waits for ${unknown}, which is none of its steps`);
  }
}

/** Those that are waited for first. */
function inOrder<I extends Waiting>(items: readonly I[]): readonly I[] {
  const ordered: I[] = [];
  const placed = new Set<string>();
  let left = items;
  while (left.length > 0) {
    const ready = left.filter((item) => (item.after ?? []).every((id) => placed.has(id)));
    if (ready.length === 0) {
      throw new ProviderError('invalid', `steps wait for each other: ${left.map((item) => item.id).join(', ')}`);
    }
    ordered.push(...ready);
    for (const { id } of ready) placed.add(id);
    left = left.filter((item) => !placed.has(item.id));
  }
  return ordered;
}
