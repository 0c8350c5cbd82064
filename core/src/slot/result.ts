import type { PromotionResult } from '../host/slots.ts';
import type { Session } from '../host/session.ts';
import type { SlotDocument } from './documents.ts';
import { memberView, slotView } from './view.ts';
import { membersOf, type SlotWork } from './work.ts';

/** What a promotion or rollback came to, as the command shows it. */
export async function promotionResult(
  work: SlotWork,
  before: SlotDocument,
  kind: PromotionResult['kind'],
): Promise<PromotionResult> {
  const { session, hold, run, startedSeconds, flippedSeconds, handover, warnings } = work;
  const { slot } = hold;
  const members = await membersOf(
    session,
    slot,
    [before.head ?? '', slot.head ?? ''].filter((id) => id !== ''),
  );
  const to = slot.owner && slot.to !== undefined ? slot.to : slot.head;
  const undo = slot.standbys.length > 0 && slot.kind === undefined ? `clusternator rollback ${slot.name}` : undefined;
  return {
    operation: run.id,
    kind,
    slot: await slotView(session, slot, members),
    ...(before.head !== undefined && { from: memberView(before.head, members) }),
    to: memberView(to ?? '', members, to === slot.head ? { name: slot.name, ...urlOf(slot) } : {}),
    existed: false,
    ...(flippedSeconds !== undefined && { flipSeconds: flippedSeconds - startedSeconds }),
    ...(flippedSeconds !== undefined &&
      handover !== undefined && { interruptedSeconds: flippedSeconds - handover.sinceSeconds }),
    ...(undo !== undefined && { undo }),
    warnings: [...warnings],
  };
}

/** There was nothing to do. */
export async function existingResult(
  session: Session,
  slot: SlotDocument,
  kind: PromotionResult['kind'],
): Promise<PromotionResult> {
  const members = await membersOf(session, slot);
  return {
    operation: '',
    kind,
    slot: await slotView(session, slot, members),
    to: memberView(slot.head ?? '', members, { name: slot.name, ...urlOf(slot) }),
    existed: true,
    warnings: [],
  };
}

function urlOf({ url }: SlotDocument): { readonly url?: string } {
  return url === undefined ? {} : { url };
}
