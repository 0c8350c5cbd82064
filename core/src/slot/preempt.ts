import { resumeOperation } from '../engine/operation.ts';
import { livenessOf, type ProcessIdentity } from '../engine/identity.ts';
import { hasEnded } from '../engine/ownership.ts';
import type { Session } from '../host/session.ts';
import { ProviderError } from '../provider/error.ts';

/** A promotion that a rollback took the place of finds out by itself, if its process lives. Else nobody is left to end it. */
export async function endPreempted(session: Session, operation: string): Promise<void> {
  const found = await session.briefly(`read operation ${operation}`, (call) =>
    session.documents.operations.get(operation, call),
  );
  if (!found || hasEnded(found.document)) return;
  const { identity, liveness = (one: ProcessIdentity) => livenessOf(one, identity) } = session.operations;
  if (found.document.state !== 'interrupted' && liveness(found.document.owner) !== 'dead') return;
  try {
    await (await resumeOperation(session.operations, operation)).abort();
  } catch (error) {
    if (!ProviderError.is(error) || (error.code !== 'conflict' && error.code !== 'superseded')) throw error;
  }
}
