import { startOperation, resumeOperation, type OperationRequest, type OperationRun } from '../engine/operation.ts';
import { isSameProcess, livenessOf } from '../engine/identity.ts';
import { hasEnded, OWNERSHIP } from '../engine/ownership.ts';
import type { Session } from '../host/session.ts';
import { ProviderError } from '../provider/error.ts';
import type { OperationDocument } from '../state/documents.ts';
import type { Stored } from '../state/document-store.ts';
import type { SlotDocument, SlotOwner } from './documents.ts';
import { DESTROY_SLOT } from './ending.ts';
import { ownedBy } from './whose.ts';

/**
 * A slot that another operation owns. One that lives is told (`conflict`); one whose process is gone is finished or turned back first.
 * @throws ProviderError `conflict`, naming the owner; what its end came to, as a warning.
 */
export async function finishUnfinished(session: Session, stored: Stored<SlotDocument>): Promise<void> {
  const run = await takeOwner(session, stored);
  if (!run) return;
  session.emit({
    type: 'warning',
    message: `${run.document.kind} of slot ${stored.id} was left unfinished; it is finished or turned back first`,
  });
  const { resumeSlot } = await import('./takeover.ts');
  await warnOfEnd(session, () => resumeSlot(session, run, 'either'));
}

/**
 * As `finishUnfinished`, where routes were changed by hand meanwhile and somebody has decided whose they are to be.
 * @param routes - `ours`: as the state says, with what is unfinished finished or turned back. `theirs`: as they are.
 * @throws ProviderError `conflict`, naming the owner.
 */
export async function finishPastDrift(
  session: Session,
  stored: Stored<SlotDocument>,
  routes: 'ours' | 'theirs',
): Promise<void> {
  try {
    await finishUnfinished(session, stored);
    return;
  } catch (error) {
    if (!ProviderError.is(error) || error.code !== 'drifted') throw error;
  }
  const run = await takeOwner(session, stored);
  if (!run) return;
  const { leaveAsRouted, resumeSlot } = await import('./takeover.ts');
  if (routes === 'theirs') await leaveAsRouted(session, run);
  else await warnOfEnd(session, () => resumeSlot(session, run, 'either', 'overwritten'));
}

async function warnOfEnd(session: Session, resume: () => Promise<void>): Promise<void> {
  try {
    await resume();
  } catch (error) {
    if (!ProviderError.is(error) || !SETTLED.has(error.code)) throw error;
    session.emit({ type: 'warning', message: error.message });
  }
}

/** With these an operation has ended, and the slot is free. */
const SETTLED: ReadonlySet<ProviderError['code']> = new Set([
  'reverted',
  'unhealthy',
  'superseded',
  'timeout',
  'invalid',
  'refused',
]);

/** @returns Undefined: the slot has moved on. @throws ProviderError `conflict`: its owner lives. */
export async function takeOwner(session: Session, stored: Stored<SlotDocument>): Promise<OperationRun | undefined> {
  const { owner } = stored.document;
  if (!owner) return undefined;
  const operation = await session.briefly(`read operation ${owner.operation}`, (call) =>
    session.documents.operations.get(owner.operation, call),
  );
  if (!operation) return takeUnwritten(session, stored, owner);
  if (hasEnded(operation.document)) {
    // Its end was written without letting the slot go: another one goes on for it.
    return startOperation(session.operations, heir(session, stored));
  }
  if (isCertainlyAlive(session, operation.document)) throw ownedBy(stored.document, owner);
  try {
    return await resumeOperation(session.operations, owner.operation);
  } catch (error) {
    if (!ProviderError.is(error) || error.code !== 'conflict') throw error;
    const now = await read(session, stored.id);
    if (now?.document.owner?.operation === owner.operation) throw ownedBy(stored.document, now.document.owner);
    return undefined;
  }
}

/** The operation's document is written beside the claim. Where it did not come, its process may be about to write it. */
async function takeUnwritten(
  session: Session,
  stored: Stored<SlotDocument>,
  owner: SlotOwner,
): Promise<OperationRun | undefined> {
  const liveness = session.operations.liveness ?? ((process) => livenessOf(process, session.operations.identity));
  if (liveness(owner.process) !== 'dead') {
    const { termSeconds } = session.operations.timing ?? OWNERSHIP;
    await session.clock.sleep(termSeconds, session.operations.signal);
    const now = await read(session, stored.id);
    if (now?.revision !== stored.revision) return undefined;
  }
  try {
    return await startOperation(session.operations, { ...heir(session, stored), id: owner.operation });
  } catch (error) {
    if (ProviderError.is(error) && error.code === 'conflict') return undefined; // it came after all: look again
    throw error;
  }
}

/** A process of this machine that wrote its heartbeat just now. Then nobody waits to see the next one. */
function isCertainlyAlive(session: Session, { owner, state, updatedAt }: OperationDocument): boolean {
  const { identity, timing = OWNERSHIP, liveness } = session.operations;
  if (state === 'interrupted' || owner.machine !== identity.machine || owner.boot !== identity.boot) return false;
  if (isSameProcess(owner, identity)) return true;
  const ageSeconds = Math.abs(session.clock.now().getTime() - Date.parse(updatedAt)) / 1000;
  return ageSeconds < timing.termSeconds / 2 && (liveness ?? ((one) => livenessOf(one, identity)))(owner) === 'alive';
}

function heir(session: Session, { id, document }: Stored<SlotDocument>): Omit<OperationRequest, 'id'> {
  const input = { slot: id, by: session.operations.identity.user, reason: 'its operation was left unfinished' };
  return { kind: document.kind === 'destroy' ? DESTROY_SLOT : 'rollback', subject: id, input };
}

function read(session: Session, name: string): Promise<Stored<SlotDocument> | undefined> {
  return session.briefly(`read slot ${name}`, (call) => session.documents.slots.get(name, call));
}
