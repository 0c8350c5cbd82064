import type { Session } from '../../host/session.ts';
import type { Deal } from './deal.ts';
import type { World } from './world.ts';

/** A process that sleeps before the n-th dealing of a kind, until it is woken. */
export function sleeperIn(
  world: World,
  which: string,
  nth = 1,
): { readonly session: Session; wake(): void; readonly asleep: Promise<undefined> } {
  const woken = Promise.withResolvers<undefined>();
  const asleep = Promise.withResolvers<undefined>();
  let seen = 0;
  const deal: Deal = async <T>(what: string, act: () => T): Promise<Awaited<T>> => {
    if (what === which && ++seen === nth) {
      asleep.resolve(undefined);
      await woken.promise;
    }
    return await act();
  };
  return { session: world.process(deal), wake: () => woken.resolve(undefined), asleep: asleep.promise };
}
