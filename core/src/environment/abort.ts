import { resumeOperation } from '../engine/operation.ts';
import type { Session } from '../host/session.ts';
import { ProviderError } from '../provider/error.ts';
import { destroyEnvironment } from './destroy.ts';

/**
 * Gives an interrupted operation up. A create is undone, as is the making of a foundation: nothing of it stays. A destroy can't be undone, only
 * finished.
 * @throws ProviderError `conflict`: its process lives, or it has ended; `refused`.
 */
export async function abortOperation(session: Session, id: string): Promise<void> {
  const run = await resumeOperation(session.operations, id);
  if (run.document.kind === 'promote') {
    const { resumeSlot } = await import('../slot/takeover.ts');
    try {
      await resumeSlot(session, run, 'back');
    } catch (error) {
      // Turned back, as it was to be.
      if (!ProviderError.is(error) || (error.code !== 'superseded' && error.code !== 'reverted')) throw error;
    }
    return;
  }
  const { abortFoundation, isFoundationKind } = await import('../foundation/operations.ts');
  if (isFoundationKind(run.document.kind)) {
    await abortFoundation(session, run);
    return;
  }
  if (run.document.kind !== 'create') {
    await run.interrupt();
    throw new ProviderError('refused', `a ${run.document.kind} can't be undone, only finished`, {
      hint: `clusternator op resume ${id}`,
    });
  }
  const { subject } = run.document;
  await run.interrupt();
  const found = await session.briefly(`read environment ${subject}`, (call) =>
    session.documents.environments.get(subject, call),
  );
  if (found?.document.owner?.operation === id) await destroyEnvironment(session, subject);
  else await (await resumeOperation(session.operations, id)).abort();
}
