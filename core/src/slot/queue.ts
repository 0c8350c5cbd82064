import type { Session } from '../host/session.ts';
import type { PromoteRequest } from '../host/slots.ts';
import { livenessOf, type ProcessIdentity } from '../engine/identity.ts';
import { newOperationId } from '../engine/operation.ts';
import { ProviderError } from '../provider/error.ts';
import type { EnvironmentDocument } from '../state/documents.ts';
import type { Stored } from '../state/document-store.ts';
import type { QueueDocument, SlotDocument } from './documents.ts';
import { finishUnfinished } from './owned.ts';

const LOOK_EVERY_SECONDS = 0.25;
const TICKETS = new WeakMap<PromoteRequest, string>();

/**
 * An automatic promotion waits until the slot is free. One waits at a time: a newer one takes its place.
 * @throws ProviderError `superseded`: a newer one came.
 */
export async function awaitTurn(
  session: Session,
  request: PromoteRequest,
  candidate: EnvironmentDocument,
  stored: Stored<SlotDocument>,
): Promise<void> {
  const ticket = await takeTicket(session, request, candidate);
  session.emit({ type: 'progress', operation: ticket, step: 'queued', message: `waits for slot ${request.slot}` });
  for (let seen: Stored<SlotDocument> | undefined = stored; seen?.document.owner;) {
    await checkTicket(session, request.slot, ticket);
    try {
      await finishUnfinished(session, seen); // frees it at once where its owner is gone
    } catch (error) {
      if (!ProviderError.is(error) || error.code !== 'conflict') throw error;
      await session.clock.sleep(LOOK_EVERY_SECONDS, session.operations.signal);
    }
    seen = await session.briefly(`read slot ${request.slot}`, (call) =>
      session.documents.slots.get(request.slot, call),
    );
  }
  await checkTicket(session, request.slot, ticket);
}

/** The one that waits, if any. */
export async function waitingFor(session: Session, slot: string): Promise<QueueDocument['waiting']> {
  const found = await session.briefly(`read the queue of ${slot}`, (call) => session.documents.queues.get(slot, call));
  return found && isGone(session, found.document) ? undefined : found?.document.waiting;
}

/** What died while it waited is taken out. */
export async function tidyQueues(session: Session): Promise<void> {
  await session.briefly('tidy the queues of slots', async (call) => {
    const { queues } = session.documents;
    for await (const { id } of queues.list(call))
      await queues.update(id, (now) => (isGone(session, now) ? { schema: 1, slot: now.slot } : undefined), call);
  });
}

function isGone(session: Session, { waiting }: QueueDocument): boolean {
  const { identity, liveness = (one: ProcessIdentity) => livenessOf(one, identity) } = session.operations;
  return waiting?.process !== undefined && liveness(waiting.process) === 'dead';
}

/** Whoever waited has got its turn, or gave up. */
export async function leaveQueue(session: Session, request: PromoteRequest): Promise<void> {
  const ticket = TICKETS.get(request);
  if (ticket === undefined) return;
  await session.briefly(`leave the queue of ${request.slot}`, (call) =>
    session.documents.queues.update(
      request.slot,
      (queue) => (queue.waiting?.operation === ticket ? { schema: 1, slot: queue.slot } : undefined),
      call,
    ),
  );
}

async function takeTicket(session: Session, request: PromoteRequest, candidate: EnvironmentDocument): Promise<string> {
  const known = TICKETS.get(request);
  if (known !== undefined) return known;
  const ticket = newOperationId();
  TICKETS.set(request, ticket);
  const { queues } = session.documents;
  const waiting = {
    operation: ticket,
    environment: candidate.id,
    at: session.clock.now().toISOString(),
    process: session.operations.identity,
  };
  await session.briefly(`wait for slot ${request.slot}`, async (call) => {
    for (;;) {
      const found = await queues.get(request.slot, call);
      const next: QueueDocument = { schema: 1, slot: request.slot, waiting };
      try {
        return await queues.put(request.slot, next, found?.revision ?? null, call);
      } catch (error) {
        if (!ProviderError.is(error) || error.code !== 'conflict') throw error;
      }
    }
  });
  return ticket;
}

async function checkTicket(session: Session, slot: string, ticket: string): Promise<void> {
  const waiting = await waitingFor(session, slot);
  if (waiting?.operation === ticket) return;
  throw new ProviderError('superseded', `a newer promotion of ${slot} took the place of this one`, {
    effect: 'none',
    hint: waiting ? `${waiting.environment} is promoted next` : `clusternator slot show ${slot}`,
  });
}
