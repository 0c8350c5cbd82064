import type { Session } from '../host/session.ts';
import type { EnvironmentDocument } from '../state/documents.ts';
import type { SlotDocument } from './documents.ts';
import { endBake } from './moves.ts';
import { membersOf } from './work.ts';

/**
 * Of all that serves, may serve again or has requests in flight, the environment whose commit came first to this slot. Commits of a slot are
 * ordered by the ledger: an older one that is promoted again is still the older one.
 */
export async function oldestKept(session: Session, slot: SlotDocument): Promise<EnvironmentDocument | undefined> {
  // As the put that ends the bake leaves it: what drains then still answers what it began.
  const { head, standbys, draining } = endBake(slot, session.clock.now());
  const ids = new Set([
    ...(head === undefined ? [] : [head]),
    ...standbys,
    ...draining.map(({ environment }) => environment),
  ]);
  const members = await membersOf(session, slot);
  const kept = [...ids].flatMap((id) => members.get(id) ?? []);
  const commits = new Set(kept.map(({ commit }) => commit));
  const oldest = await session.briefly(`read the releases of ${slot.name}`, async (call) => {
    for await (const { document } of session.documents.releases.list(call, { prefix: `${slot.name}/` }))
      if (commits.has(document.commit)) return document.commit;
    return undefined;
  });
  // The same commit may be kept twice, under other settings: its code is the same.
  return kept.find(({ commit }) => commit === oldest);
}
