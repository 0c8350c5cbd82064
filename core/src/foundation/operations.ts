import type { OperationRun } from '../engine/operation.ts';
import type { Session } from '../host/session.ts';
import { ProviderError } from '../provider/error.ts';
import { destroyFoundationInputSchema, removeFoundation, undoFoundation } from './destroy.ts';
import { readFoundation } from './ensure.ts';
import { makeFoundation, makeInputSchema } from './make.ts';

const KINDS: ReadonlySet<string> = new Set(['foundation', 'destroy-foundation']);

export function isFoundationKind(kind: string): boolean {
  return KINDS.has(kind);
}

/** Goes on with one that this process has just taken over. */
export async function resumeFoundation(session: Session, run: OperationRun): Promise<void> {
  const { kind, input } = run.document;
  if (kind === 'destroy-foundation') {
    const { id } = destroyFoundationInputSchema.parse(input);
    await run.conclude(() => removeFoundation(session, run, id));
    return;
  }
  const asked = makeInputSchema.parse(input);
  const found = await readFoundation(session, asked.id);
  const isGivenUp = found?.document.owner?.operation === run.id && found.document.phase === 'destroying';
  if (isGivenUp) await giveUp(session, run, asked.id);
  else await run.conclude(() => makeFoundation(session, run, asked));
}

/**
 * Takes back what an interrupted operation made. A destroy can only be finished, as can a change of what others stand on.
 * @param run - That this process has just taken over.
 * @throws ProviderError `refused`: then it is left to be resumed.
 */
export async function abortFoundation(session: Session, run: OperationRun): Promise<void> {
  const { id, subject, kind } = run.document;
  const found = kind === 'foundation' ? await readFoundation(session, subject) : undefined;
  const isOurs = found?.document.owner?.operation === run.id;
  if (kind === 'foundation' && (!isOurs || found.document.foundation === undefined)) {
    await giveUp(session, run, subject);
    return;
  }
  await run.interrupt();
  const what = kind === 'foundation' ? 'a change of a foundation' : 'the end of a foundation';
  throw new ProviderError('refused', `${what} can't be undone, only finished`, {
    hint: `clusternator op resume ${id}`,
  });
}

async function giveUp(session: Session, run: OperationRun, id: string): Promise<void> {
  try {
    await undoFoundation(session, run, id);
  } catch (error) {
    await (run.signal.aborted ? run.interrupt() : run.fail(error)).catch(() => undefined); // what went wrong first is told
    throw error;
  }
  await run.abort();
}
