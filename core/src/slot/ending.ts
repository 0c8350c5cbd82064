import { ProviderError } from '../provider/error.ts';
import type { SlotDocument, SlotOwner } from './documents.ts';
import { bump, emptySlot } from './moves.ts';

/** The kind of the operations that destroy slots. Those of environments have `destroy`. */
export const DESTROY_SLOT = 'destroy-slot';

/** The claim: written down before anything of the slot goes. What it keeps stays kept until it is gone. */
export function beginDestroy(slot: SlotDocument, owner: SlotOwner): SlotDocument {
  if (slot.owner) throw new ProviderError('internal', `slot ${slot.name} is owned`, { effect: 'none' });
  return { ...bump(slot), owner, kind: 'destroy' };
}

/**
 * The commit: its names and routes are gone, and it keeps no environment any more. The document stays, so that neither an epoch nor a generation
 * is ever used again: what a process that sleeps has yet to write is refused, and a later promotion has a line of its own in the ledger.
 */
export function endSlot(slot: SlotDocument, destroyed: NonNullable<SlotDocument['destroyed']>): SlotDocument {
  const { name, provider, mechanism, dns, epoch, generation, head } = slot;
  return {
    ...emptySlot(name, provider),
    mechanism,
    ...(dns && { dns }),
    epoch,
    // To have no head is another generation than to have one: whoever saw the slot before sees that it moved on.
    generation: head === undefined ? generation : generation + 1,
    destroyed: slot.destroyed ?? destroyed,
  };
}

/** Of one that is asked for by its name. */
export function wasDestroyed(
  { name }: SlotDocument,
  { by, at, reason }: NonNullable<SlotDocument['destroyed']>,
): ProviderError {
  const why = reason === undefined ? '' : `: ${reason}`;
  return new ProviderError('not-found', `slot ${name} was destroyed by ${by} at ${at}${why}`, {
    effect: 'none',
    hint: `clusternator promote <environment> ${name} makes it anew; clusternator slot releases ${name} shows what it served`,
  });
}
