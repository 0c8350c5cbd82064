import { ProviderError } from '../provider/error.ts';
import type { SlotDocument } from './documents.ts';

/** One promotion's view of a slot, over all the times that it looks: it makes nothing anew that was destroyed since it began. */
export class SlotLife {
  #first: { readonly destroyedBy: string | undefined } | undefined;

  /** @throws ProviderError `superseded`. */
  check(slot: SlotDocument | undefined): void {
    // Whoever promotes to a slot that is going means the one that comes after it.
    if (!this.#first && slot?.kind === 'destroy') return;
    const destroyedBy = slot?.destroyed?.operation;
    this.#first ??= { destroyedBy };
    if (!slot || destroyedBy === undefined || destroyedBy === this.#first.destroyedBy) return;
    throw new ProviderError('superseded', `slot ${slot.name} was destroyed while this promotion was about to begin`, {
      effect: 'none',
      hint: `to make it anew: clusternator promote <environment> ${slot.name}`,
    });
  }
}
