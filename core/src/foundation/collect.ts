import { hasEnded } from '../engine/ownership.ts';
import { resumeOperation } from '../engine/operation.ts';
import type { Work } from '../environment/gc.ts';
import type { Session } from '../host/session.ts';
import { ProviderError } from '../provider/error.ts';
import type { OperationDocument } from '../state/documents.ts';
import { isFree } from '../storage/hold-document.ts';
import type { FoundationDocument } from './documents.ts';
import { destroyFoundation } from './destroy.ts';
import { abortFoundation, isFoundationKind } from './operations.ts';
import { refuseWhileUsed } from './users.ts';
import { waitsForDelegation } from './zones.ts';

/** An interrupted operation is somebody's to resume for so long, and what failed somebody's to mend. */
const UNFINISHED_SECONDS = 3600;

/** Foundations that were never whole or were to go, on which nothing stands and at which nobody works. */
export async function foundationLeftovers(session: Session): Promise<readonly Work[]> {
  const foundations: FoundationDocument[] = [];
  const operations: OperationDocument[] = [];
  await session.briefly('read the state', async (call) => {
    for await (const { document } of session.documents.foundations.list(call)) foundations.push(document);
    for await (const { document } of session.documents.operations.list(call))
      if (isFoundationKind(document.kind)) operations.push(document);
  });
  const today = session.clock.now();
  const now = today.getTime();
  const isOld = (at: string): boolean => (now - Date.parse(at)) / 1000 >= UNFINISHED_SECONDS;
  const isLeft = (one: OperationDocument): boolean => !hasEnded(one) && isFree(session, one) && isOld(one.updatedAt);
  const byId = new Map(operations.map((one) => [one.id, one]));
  const owners = new Set(foundations.map(({ owner }) => owner?.operation));
  const leftover = foundations.flatMap((document): Work[] => {
    const owner = document.owner && byId.get(document.owner.operation);
    const { id } = document;
    // With other name servers it would be for nothing what somebody is about to set.
    if (document.phase !== 'destroying' && waitsForDelegation(document, today)) return [];
    if (owner && isLeft(owner)) {
      const why = `its ${owner.kind} was left unfinished at ${owner.updatedAt}`;
      return [{ id, type: 'foundation', why, run: () => end(session, owner) }];
    }
    if (owner && !hasEnded(owner)) return [];
    const isHalf = document.phase === 'failed' || (owner !== undefined && document.foundation === undefined);
    if (document.phase !== 'destroying' && !(isHalf && isOld(owner?.updatedAt ?? document.createdAt))) return [];
    const run = async (): Promise<boolean> => isGone(destroyFoundation(session, id));
    return [{ id, type: 'foundation', why: `it was left ${document.phase}`, run }];
  });
  const unbegun = operations
    .filter((one) => isLeft(one) && !owners.has(one.id))
    .map(({ id, kind, subject }): Work => {
      const run = async (): Promise<boolean> => {
        await (await resumeOperation(session.operations, id)).abort();
        return true;
      };
      return { id, type: 'operation', why: `${kind} ${subject} was left before it began`, run };
    });
  return [...leftover, ...unbegun];
}

/** What was never whole goes. What others stand on is made whole, as is the end of one. */
async function end(session: Session, { id, kind, subject }: OperationDocument): Promise<boolean> {
  const found = await session.briefly(`read foundation ${subject}`, (call) =>
    session.documents.foundations.get(subject, call),
  );
  if (!found) return false;
  const isUsed = !(await isGone(refuseWhileUsed(session, found.document)));
  const run = await resumeOperation(session.operations, id);
  if (kind === 'foundation' && found.document.foundation === undefined && !isUsed) await abortFoundation(session, run);
  else await session.carryOn(run);
  return true;
}

/** False: something stands on it. */
async function isGone(work: Promise<unknown>): Promise<boolean> {
  try {
    await work;
    return true;
  } catch (error) {
    if (ProviderError.is(error) && error.code === 'conflict') return false;
    throw error;
  }
}
