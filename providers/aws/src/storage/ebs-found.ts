import type { Identity } from '@clusternator/core/provider';

/** Something of EBS, which has no name of its own, and whose it is by its tags. */
export interface EbsFound {
  readonly identity: Identity;
  readonly madeAt: Date | undefined;
  /** It is still told of for a while. */
  readonly isGoing?: boolean;
}

/**
 * All of one id, what is going last and else the oldest first. Several are there where EC2 had not told yet of one that an interrupted call made, and
 * another operation came next: the first is it, and an end takes all.
 */
export async function allOf<T extends EbsFound>(id: string, found: AsyncIterable<T>): Promise<readonly T[]> {
  return (await inOrder(found)).filter(({ identity }) => identity.id === id);
}

/** The first of each id. */
export async function eachOnce<T extends EbsFound>(found: AsyncIterable<T>): Promise<readonly T[]> {
  const first = new Map<string, T>();
  for (const one of await inOrder(found)) if (!first.has(one.identity.id)) first.set(one.identity.id, one);
  return [...first.values()];
}

async function inOrder<T extends EbsFound>(found: AsyncIterable<T>): Promise<readonly T[]> {
  const all: T[] = [];
  for await (const one of found) all.push(one);
  const age = ({ madeAt }: T): number => madeAt?.getTime() ?? 0;
  return all.sort((a, b) => Number(a.isGoing === true) - Number(b.isGoing === true) || age(a) - age(b));
}
