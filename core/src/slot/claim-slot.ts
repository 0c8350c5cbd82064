import { newOperationId, startOperation, type OperationRequest, type OperationRun } from '../engine/operation.ts';
import type { Session } from '../host/session.ts';
import type { Stored } from '../state/document-store.ts';
import { orLeave } from './conclude.ts';
import type { SlotDocument, SlotOwner } from './documents.ts';
import { SlotHold } from './hold.ts';
import { wasMade } from './ledger.ts';
import { ownedBy, takenOver } from './whose.ts';

/**
 * Writes down who owns a slot from now on, and for what, before anything is done with it; the operation's own document comes beside it.
 * @param move - The put that claims.
 * @returns Undefined: the slot moved. @throws ProviderError `superseded`: the claim was made, and another operation went on with it.
 */
export async function claimFor(
  session: Session,
  stored: Stored<SlotDocument>,
  { kind, input }: Pick<OperationRequest, 'kind' | 'input'>,
  move: (slot: SlotDocument, owner: SlotOwner) => SlotDocument,
): Promise<{ readonly hold: SlotHold; readonly run: OperationRun } | undefined> {
  const { document: slot } = stored;
  const id = newOperationId();
  const owner: SlotOwner = { operation: id, run: 1, process: session.operations.identity };
  const hold = new SlotHold(session, owner, stored);
  const [claimed, started] = await Promise.allSettled([
    hold.put((now) => move(now, owner)),
    startOperation(session.operations, { kind, subject: slot.name, input, id }),
  ]);
  const run = started.status === 'fulfilled' ? started.value : undefined;
  if (claimed.status === 'rejected') {
    await run?.interrupt();
    throw claimed.reason;
  }
  if (!claimed.value) {
    const made = await orLeave(run, () => wasMade(session, id, slot));
    await run?.abort();
    if (made) throw takenOver(slot);
    return undefined;
  }
  if (!run) throw started.status === 'rejected' ? started.reason : ownedBy(slot, owner); // whoever comes next goes on with it
  return { hold, run };
}
