import { attachToOperation, resumeOperation, type OperationRun } from '../engine/operation.ts';
import type { Session } from '../host/session.ts';
import { ProviderError } from '../provider/error.ts';
import type { EnvironmentDocument, OperationDocument } from '../state/documents.ts';
import { Claim } from './claim.ts';

/**
 * Waits for the operation that owns an environment, or finishes it where its process is gone.
 * @param wanted - What the caller is about to do. Where it waited for another process at the same, that one's failure is its failure too.
 */
export async function finishUnfinished(
  session: Session,
  document: EnvironmentDocument,
  wanted: 'create' | 'destroy',
): Promise<void> {
  const operation = document.owner?.operation;
  if (operation === undefined) return;
  const states: OperationDocument['state'][] = [];
  const seen = await attach(session, operation, ({ state }) => states.push(state));
  if (seen === 'absent') return letGo(session, document);
  if (seen.ownership === 'ended') {
    // One that had failed before is no answer to who asks now: it is tried anew.
    const waited = states.length > 1;
    if (waited && seen.document.kind === wanted && seen.document.error) throw errorOf(seen.document.error);
    return letGo(session, document);
  }
  let run: OperationRun;
  try {
    run = await resumeOperation(session.operations, operation);
  } catch (error) {
    if (ProviderError.is(error) && error.code === 'conflict') return; // somebody else took it over: look again
    throw error;
  }
  session.emit({
    type: 'warning',
    message: `${run.document.kind} ${document.id} was left unfinished; going on with it first`,
  });
  await session.carryOn(run);
}

async function attach(
  session: Session,
  operation: string,
  tell: (document: OperationDocument) => unknown,
): Promise<Awaited<ReturnType<typeof attachToOperation>> | 'absent'> {
  try {
    return await attachToOperation(session.operations, operation, tell);
  } catch (error) {
    if (ProviderError.is(error) && error.code === 'not-found') return 'absent';
    throw error;
  }
}

/** Its operation has ended without letting go of it: nobody works on it any more. */
async function letGo(session: Session, document: EnvironmentDocument): Promise<void> {
  const operation = document.owner?.operation;
  if (operation === undefined) return;
  const claim = await session.briefly(`read environment ${document.id}`, (call) =>
    Claim.resume(session, document.id, operation, call),
  );
  if (claim?.document.epoch !== document.epoch) return;
  await session.briefly(`write environment ${document.id}`, (call) =>
    claim.release((now) => (now.phase === 'creating' ? { ...now, phase: 'failed' } : now), call),
  );
}

function errorOf({ code, message, hint, path }: NonNullable<OperationDocument['error']>): ProviderError {
  return new ProviderError(code, message, { ...(hint !== undefined && { hint }), ...(path !== undefined && { path }) });
}
