import type { SlotDestroyPlan } from '../host/slots.ts';
import type { Session } from '../host/session.ts';
import { refuseDrift } from './drift.ts';
import { keptVolumes, refuseGuarded } from './guard.ts';
import { usedBy } from './moves.ts';
import { refusalOf } from './plan.ts';
import { readSlotOrRest } from './read.ts';
import { routerOf } from './settings.ts';
import { memberView } from './view.ts';
import { ownedBy } from './whose.ts';
import { membersOf } from './work.ts';

/** What the end of a slot would come to. Writes nothing. @throws ProviderError `not-found`. */
export async function planSlotDestroy(session: Session, name: string): Promise<SlotDestroyPlan> {
  const { document: slot } = await readSlotOrRest(session, name);
  if (slot.destroyed) return { slot: name, changes: [], keeps: await keptVolumes(session, name) };
  const members = await membersOf(session, slot);
  const { head, url, spec, records = [], owner } = slot;
  const hosts = [...(spec?.hosts ?? []), ...(spec?.standbyHosts ?? [])];
  const plan: SlotDestroyPlan = {
    slot: name,
    ...(url !== undefined && { url }),
    ...(head !== undefined && { head: memberView(head, members, { name }) }),
    changes: [
      { action: 'destroy', what: `slot ${name}` },
      ...hosts.map((host) => ({ action: 'destroy' as const, what: `route of ${host}` })),
      ...records.map((record) => ({ action: 'destroy' as const, what: `record ${record.name} ${record.type}` })),
      ...[...usedBy(slot)].map((id) => ({ action: 'change' as const, what: `environment ${id}: let go by ${name}` })),
    ],
    keeps: await keptVolumes(session, name),
  };
  try {
    if (owner) throw ownedBy(slot, owner);
    await refuseGuarded(session, slot, undefined);
    await refuseDrift(session, slot, await (await routerOf(session, slot)).read(name), members);
    return plan;
  } catch (error) {
    return { ...plan, refused: refusalOf(error) };
  }
}
