import type { RecordSet } from '../dns/dns.ts';
import type { Session } from '../host/session.ts';
import { claimFor } from './claim-slot.ts';
import { conclude } from './conclude.ts';
import type { SlotDocument, SlotOwner } from './documents.ts';
import { beginDestroy, DESTROY_SLOT } from './ending.ts';
import { readSlotOrRest } from './read.ts';
import { removeSlot } from './remove.ts';
import { routerOf } from './settings.ts';

const WHY = 'something of it was made after its end';

/**
 * Takes away what a process made of a slot after that was destroyed, since it slept or its request was late. Of one that somebody makes anew
 * nothing is touched.
 * @param records - That may have been written then.
 * @returns False: there is nothing, or somebody else is at it.
 */
export async function removeLeftover(
  session: Session,
  name: string,
  records: readonly RecordSet[] = [],
): Promise<boolean> {
  const stored = await readSlotOrRest(session, name);
  if (!stored.document.destroyed || stored.document.owner) return false;
  const router = await routerOf(session, stored.document);
  if (!(await router.read(name)) && records.length === 0) return false;
  const by = session.operations.identity.user;
  const begin = (now: SlotDocument, owner: SlotOwner): SlotDocument => beginDestroy({ ...now, records }, owner);
  const input = { slot: name, by, reason: WHY };
  const claimed = await claimFor(session, stored, { kind: DESTROY_SLOT, input }, begin);
  if (!claimed) return false;
  const startedSeconds = session.clock.monotonicSeconds();
  const work = { ...claimed, session, router, by, reason: WHY, startedSeconds, warnings: [] };
  await conclude(work, () => removeSlot(work, 'claimed'));
  return true;
}
