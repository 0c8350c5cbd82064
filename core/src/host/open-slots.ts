import type { ReleaseView, Slots, SlotView } from './slots.ts';
import type { SlotDocument } from '../slot/documents.ts';
import type { Session } from './session.ts';
import { sessionWith } from './session-with.ts';

/**
 * The slots of an opened project. What a verb needs is loaded when it is called.
 * @param configured - The names of the slots in the work tree's config; none where there is no config.
 */
export function openSlots(session: Session, configured: () => Promise<readonly string[]>): Slots {
  return {
    async list() {
      const { listSlots } = await import('../slot/show.ts');
      return listSlots(session, await configured());
    },
    async show(name) {
      const { showSlot } = await import('../slot/show.ts');
      return showSlot(session, name, await configured());
    },
    async promote({ signal, ...request }) {
      const within = sessionWith(session, signal);
      const [{ promote }, { leaveQueue }] = await Promise.all([
        import('../slot/promote.ts'),
        import('../slot/queue.ts'),
      ]);
      try {
        return await promote(within, request);
      } finally {
        await leaveQueue(session, request);
      }
    },
    async planPromotion(request) {
      const { planPromotion } = await import('../slot/plan.ts');
      return planPromotion(session, request);
    },
    async rollback({ signal, ...request }) {
      const within = sessionWith(session, signal);
      if (request.restoreData === true) {
        const { rollbackWithData } = await import('../storage/restore-data.ts');
        return rollbackWithData(within, request);
      }
      const { rollback } = await import('../slot/rollback.ts');
      return rollback(within, request);
    },
    async dataLoss(slot) {
      const { dataLoss } = await import('../storage/restore-data.ts');
      return dataLoss(session, slot);
    },
    async planRollback(request) {
      const { planRollback } = await import('../slot/plan.ts');
      return planRollback(session, request);
    },
    async destroy({ signal, ...request }) {
      const { destroySlot } = await import('../slot/destroy.ts');
      return destroySlot(sessionWith(session, signal), request);
    },
    async planDestroy(slot) {
      const { planSlotDestroy } = await import('../slot/plan-destroy.ts');
      return planSlotDestroy(session, slot);
    },
    async approve(name, why = {}) {
      const { approve } = await import('../slot/upkeep.ts');
      return viewOf(session, await approve(session, name, why));
    },
    async unpin(name) {
      const { unpin } = await import('../slot/upkeep.ts');
      return viewOf(session, await unpin(session, name));
    },
    async repair(name) {
      const { repair } = await import('../slot/upkeep.ts');
      return viewOf(session, await repair(session, name));
    },
    async adopt(name, why = {}) {
      const { adopt } = await import('../slot/upkeep.ts');
      return viewOf(session, await adopt(session, name, why));
    },
    async *releases(name, { limit = Infinity, before } = {}): AsyncGenerator<ReleaseView> {
      const [{ newestReleases }, { readSlotOrRest }, { releaseView }] = await Promise.all([
        import('../slot/show.ts'),
        import('../slot/read.ts'),
        import('../slot/view.ts'),
      ]);
      const { document } = await readSlotOrRest(session, name);
      const page = { limit, ...(before !== undefined && { before }) };
      for (const release of await newestReleases(session, document, page)) yield releaseView(release);
    },
  };
}

async function viewOf(session: Session, slot: SlotDocument): Promise<SlotView> {
  const [{ slotView }, { membersOf }] = await Promise.all([import('../slot/view.ts'), import('../slot/work.ts')]);
  return slotView(session, slot, await membersOf(session, slot));
}
