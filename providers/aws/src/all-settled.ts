/** Waits for all, also where one fails: what a caller hears of is over. Throws what the first of them threw. */
export async function allSettled<T extends readonly unknown[]>(
  work: readonly [...{ [K in keyof T]: Promise<T[K]> | T[K] }],
): Promise<T>;
export async function allSettled<T>(work: readonly Promise<T>[]): Promise<readonly T[]>;
export async function allSettled(work: readonly unknown[]): Promise<readonly unknown[]> {
  await Promise.allSettled(work);
  return Promise.all(work);
}
