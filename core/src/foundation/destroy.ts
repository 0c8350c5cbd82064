import { z } from 'zod';
import { startOperation, type OperationRun } from '../engine/operation.ts';
import { destroyUntilGone } from '../environment/settle.ts';
import type { Session } from '../host/session.ts';
import { ProviderError } from '../provider/error.ts';
import { DocumentHold } from '../storage/hold-document.ts';
import type { FoundationDocument } from './documents.ts';
import { readFoundation } from './ensure.ts';
import { foundationDriver } from './outputs.ts';
import { removeRecords } from './records.ts';
import { refuseWhileUsed } from './users.ts';

/** Network interfaces and gateways take a cloud a while to let go of. */
const DESTROY_SECONDS = 2 * 3600;

export const destroyFoundationInputSchema = z.object({ id: z.string() });

/**
 * Destroys a foundation, and the records that were written for it.
 * @throws ProviderError `not-found`; `conflict`: something stands on it, and is named.
 */
export async function destroyFoundation(session: Session, id: string): Promise<{ readonly operation: string }> {
  const found = await readFoundation(session, id);
  if (!found) {
    throw new ProviderError('not-found', `${session.project} (stage ${session.stage}) has no foundation at ${id}`, {
      effect: 'none',
      hint: 'clusternator foundation show',
    });
  }
  await refuseWhileUsed(session, found.document);
  const run = await startOperation(session.operations, { kind: 'destroy-foundation', subject: id, input: { id } });
  await run.conclude(() => removeFoundation(session, run, id));
  return { operation: run.id };
}

/** What a destroy does. Re-entrant. To destroy what is gone succeeds. */
export async function removeFoundation(session: Session, run: OperationRun, id: string): Promise<void> {
  const hold = new DocumentHold(session, session.documents.foundations, run, id);
  const taken = await hold.take((found) => found && { ...found, phase: 'destroying' }, 'wait');
  session.foundations.forget(id);
  if (!taken) return;
  try {
    // One that began to be made before it was taken has written itself down by now; whoever comes later finds it taken, and waits.
    if (!hasBegun(run)) await refuseWhileUsed(session, taken);
  } catch (error) {
    await hold.release((now) => ({ ...now, phase: now.foundation === undefined ? 'failed' : 'ready' }));
    throw error;
  }
  await removeHeld(session, run, hold, taken);
}

/** Gives up one that was never whole: nothing of it stays. */
export async function undoFoundation(session: Session, run: OperationRun, id: string): Promise<void> {
  const hold = new DocumentHold(session, session.documents.foundations, run, id);
  const found = await readFoundation(session, id);
  if (found?.document.owner?.operation !== run.id) return; // it had not begun, or is another's by now
  const taken = await hold.take((now) => now && { ...now, phase: 'destroying' }, 'tell');
  if (taken) await removeHeld(session, run, hold, taken);
}

/** Names first: none is to lead to what is not ours any more. */
async function removeHeld(
  session: Session,
  run: OperationRun,
  hold: DocumentHold<FoundationDocument>,
  taken: FoundationDocument,
): Promise<void> {
  const { id, foundation, spec } = taken;
  const bound = await session.bind(taken.provider);
  const driver = await foundationDriver(bound);
  const common = {
    result: z.undefined(),
    deadlineSeconds: DESTROY_SECONDS,
    errorOf: (cause: unknown): ProviderError | undefined => bound.provider.errorOf(cause),
  };
  await run.step({
    ...common,
    id: 'remove-records',
    title: `remove the records of the foundation ${id}`,
    run: async (call) => {
      await removeRecords(session, taken, call);
      return undefined;
    },
  });
  const ref = { id: spec.id, ...(foundation && { handle: foundation.handle }) };
  await run.step({
    ...common,
    id: 'remove-foundation',
    title: `remove the foundation ${id}`,
    run: async (call) => {
      await destroyUntilGone(session, 'foundation', driver, ref, call);
      return undefined;
    },
  });
  await hold.remove();
}

function hasBegun(run: OperationRun): boolean {
  return run.document.steps.some(({ id }) => id === 'remove-records');
}
