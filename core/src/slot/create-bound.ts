import { attachToOperation, startOperation, type OperationRun } from '../engine/operation.ts';
import { Claim } from '../environment/claim.ts';
import { destroyEnvironment } from '../environment/destroy.ts';
import { finishUnfinished } from '../environment/unfinished.ts';
import { environmentView } from '../environment/view.ts';
import type { CreateResult } from '../host/project.ts';
import type { Session } from '../host/session.ts';
import { ProviderError } from '../provider/error.ts';
import type { EnvironmentDocument } from '../state/documents.ts';
import type { Stored } from '../state/document-store.ts';
import { boundInputSchema, type BoundInput } from './input.ts';
import { firstDocument, makeBound, type BoundWork } from './make-bound.ts';
import { slotSettings } from './settings.ts';

/** After the environment of the commit is made: what `createSlotEnvironment` does then. */
export async function makeAhead(
  session: Session,
  source: EnvironmentDocument,
  slot: string,
  how: { readonly ttlSeconds?: number; readonly wait: boolean },
): Promise<CreateResult> {
  const { bound } = await slotSettings(session, slot, source);
  if (!bound) {
    const message = `slot ${slot} has no settings of its own: it takes ${source.id} as it runs, and nothing else was made`;
    session.emit({ type: 'warning', message });
    return { environment: environmentView(source), operation: '', existed: true, warnings: [message] };
  }
  for (;;) {
    const found = await read(session, bound.id);
    if (found?.document.owner) {
      await waitForOwner(session, found.document);
      const now = await read(session, bound.id);
      if (now?.revision !== found.revision || found.document.phase !== 'creating') continue;
    }
    if (found?.document.phase === 'ready') {
      const kept = await keepFor(session, bound.id, how.ttlSeconds);
      if (kept) return { environment: environmentView(kept), operation: '', existed: true, warnings: [] };
      continue;
    }
    if (found && found.document.phase !== 'gone' && found.document.phase !== 'creating') {
      await destroyEnvironment(session, bound.id); // it failed, or is going: its next life begins anew
      continue;
    }
    const input: BoundInput = {
      source: source.id,
      slot,
      ...(how.ttlSeconds !== undefined && { ttlSeconds: how.ttlSeconds }),
    };
    const run = await startOperation(session.operations, { kind: 'create', subject: bound.id, input });
    const claim = await claimAhead(session, run, input, found);
    if (!claim) continue;
    if (how.wait) await finishAhead(session, run, claim, input);
    else await run.interrupt();
    return { environment: environmentView(claim.document), operation: run.id, existed: false, warnings: [] };
  }
}

/** Goes on with one that was interrupted. @returns False: the operation is of another kind. */
export async function resumeAhead(session: Session, run: OperationRun): Promise<boolean> {
  const input = boundInputSchema.safeParse(run.document.input).data;
  if (!input) return false;
  const id = run.document.subject;
  const claim = await session.briefly(`read environment ${id}`, (call) => Claim.resume(session, id, run.id, call));
  if (claim) await finishAhead(session, run, claim, input);
  else if ((await read(session, id))?.document.phase === 'ready') await run.finish();
  else await run.abort();
  return true;
}

/** @returns Undefined: another process claimed it first. */
async function claimAhead(
  session: Session,
  run: OperationRun,
  input: BoundInput,
  found: Stored<EnvironmentDocument> | undefined,
): Promise<Claim | undefined> {
  try {
    const work = await workOf(session, run, input);
    const { bound } = work.settings;
    if (!bound) throw new ProviderError('conflict', `slot ${input.slot} has no settings of its own any more`);
    const next = found?.document.phase === 'creating' ? found.document : await firstDocument(work, bound, found);
    return await session.briefly(`claim environment ${bound.id}`, (call) =>
      Claim.take(session, found, next, run, call),
    );
  } catch (error) {
    await run.abort();
    if (ProviderError.is(error) && error.code === 'conflict') return undefined;
    throw error;
  }
}

async function finishAhead(session: Session, run: OperationRun, claim: Claim, input: BoundInput): Promise<void> {
  await run.conclude(async () => {
    await makeBound(await workOf(session, run, input), claim);
    await keepFor(session, claim.document.id, input.ttlSeconds);
  });
}

async function workOf(session: Session, run: OperationRun, { source, slot }: BoundInput): Promise<BoundWork> {
  const settings = await slotSettings(session, slot, await environmentDocument(session, source));
  return { session, run, settings, slot, source };
}

/** Whoever makes it, makes it for both. Where its process is gone, this one goes on: for its slot, who owns that decides the rest. */
async function waitForOwner(session: Session, document: EnvironmentDocument): Promise<void> {
  const id = document.owner?.operation ?? '';
  const operation = await session.briefly(`read operation ${id}`, (call) => session.documents.operations.get(id, call));
  if (!operation) return;
  if (operation.document.kind !== 'promote' && operation.document.kind !== 'rollback') {
    const wanted = operation.document.kind === 'destroy' ? 'destroy' : 'create';
    await finishUnfinished(session, document, wanted);
    return;
  }
  await attachToOperation(session.operations, id);
}

/** @returns Undefined: it is ready no more. */
async function keepFor(
  session: Session,
  id: string,
  ttlSeconds: number | undefined,
): Promise<EnvironmentDocument | undefined> {
  const { document } = await session.briefly(`write environment ${id}`, (call) =>
    session.documents.environments.update(
      id,
      (now) => {
        if (now.phase !== 'ready' || ttlSeconds === undefined) return undefined;
        return { ...now, expiresAt: new Date(session.clock.now().getTime() + ttlSeconds * 1000).toISOString() };
      },
      call,
    ),
  );
  return document.phase === 'ready' ? document : undefined;
}

/** @throws ProviderError `not-found`. */
export async function environmentDocument(session: Session, id: string): Promise<EnvironmentDocument> {
  const found = await read(session, id);
  if (found) return found.document;
  throw new ProviderError('not-found', `there is no environment ${id}`, { hint: 'clusternator env list' });
}

function read(session: Session, id: string): Promise<Stored<EnvironmentDocument> | undefined> {
  return session.briefly(`read environment ${id}`, (call) => session.documents.environments.get(id, call));
}
