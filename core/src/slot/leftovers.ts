import type { Work } from '../environment/gc.ts';
import { driverOf } from '../host/drivers.ts';
import type { Session } from '../host/session.ts';
import { canStand } from '../foundation/outputs.ts';
import { SLOTS } from '../provider/tokens.ts';
import { removeLeftover } from './leftover.ts';

const LOOK_SECONDS = 600;

/** What is at the router of slots that were destroyed: a process that slept, or a request that was late, made it after their end. */
export async function slotLeftovers(session: Session): Promise<readonly Work[]> {
  const bound = await session.bind(await session.provider());
  if (!bound.scope.isRegistered(SLOTS) || !(await canStand(session, bound))) return [];
  const driver = await driverOf(bound, SLOTS, 'slots');
  const names = await session.briefly(
    'list slots',
    async (call) => {
      // The cloud first, then the documents: what is made in between is owned by then.
      const live: string[] = [];
      for await (const { id } of driver.list(call)) live.push(id);
      const found = await Promise.all(live.map((id) => session.documents.slots.get(id, call)));
      return found.flatMap((one) => (one?.document.destroyed && !one.document.owner ? [one.id] : []));
    },
    LOOK_SECONDS,
  );
  return names.map((name) => ({
    id: `slot ${name}`,
    type: 'orphan',
    why: 'it was destroyed, and something of it was made after its end',
    run: () => removeLeftover(session, name),
  }));
}
