import type { Session } from '../host/session.ts';
import { ProviderError } from '../provider/error.ts';
import type { Stored } from '../state/document-store.ts';
import type { SlotDocument } from './documents.ts';
import { wasDestroyed } from './ending.ts';

/** @throws ProviderError `not-found`: there is none, or none any more. */
export async function readSlot(session: Session, name: string): Promise<Stored<SlotDocument>> {
  const stored = await readSlotOrRest(session, name);
  if (stored.document.destroyed) throw wasDestroyed(stored.document, stored.document.destroyed);
  return stored;
}

/** Also what is left of one that was destroyed. @throws ProviderError `not-found`. */
export async function readSlotOrRest(session: Session, name: string): Promise<Stored<SlotDocument>> {
  const stored = await session.briefly(`read slot ${name}`, (call) => session.documents.slots.get(name, call));
  if (stored) return stored;
  throw new ProviderError('not-found', `nothing was ever promoted to a slot "${name}"`, {
    hint: 'clusternator slot list shows those that there are',
  });
}
