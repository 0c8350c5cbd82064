import { describeOwner } from '../engine/identity.ts';
import { ProviderError } from '../provider/error.ts';
import type { SlotDocument, SlotOwner } from './documents.ts';

/** Who owns a slot, as an error for those who may not. */
export function ownedBy({ name, kind, to }: SlotDocument, owner: SlotOwner): ProviderError {
  const moves = `moves it${to === undefined ? '' : ` to ${to}`}`;
  const what = kind === 'bake' ? 'watches its head' : kind === 'destroy' ? 'destroys it' : moves;
  const mayPreempt = kind !== 'rollback' && kind !== 'destroy';
  return new ProviderError(
    'conflict',
    `slot ${name} is owned by operation ${owner.operation} (${describeOwner(owner.process)}), which ${what}`,
    {
      effect: 'none',
      hint: `wait for it: clusternator op show ${owner.operation}${mayPreempt ? `; or take it back: clusternator rollback ${name}` : ''}`,
    },
  );
}

export function takenOver({ name }: SlotDocument): ProviderError {
  return new ProviderError('superseded', `slot ${name} was taken over by another operation`, {
    hint: `clusternator slot show ${name}`,
  });
}
