import type { OperationRun } from '../engine/operation.ts';
import type { Session } from '../host/session.ts';
import { ProviderError } from '../provider/error.ts';
import { backward, followHead, goBack, reverted } from './backward.ts';
import { bake } from './bake.ts';
import { conclude } from './conclude.ts';
import type { SlotDocument, SlotOwner } from './documents.ts';
import { refuseDrift, refuseDriftUnlessMoved } from './drift.ts';
import { forward, type Forward } from './forward.ts';
import { SlotHold } from './hold.ts';
import { promoteInputSchema, rollbackInputSchema } from './input.ts';
import { completeLedger, hasMade } from './ledger.ts';
import { abort, bump, onlyFollows, take, turnBack, usedBy } from './moves.ts';
import { pinEnvironment } from './pins.ts';
import { routerOf, slotSettings } from './settings.ts';
import type { Slot } from './slot.ts';
import { serves, servesAlone, trafficOf } from './traffic.ts';
import {
  DONE,
  ended,
  enter,
  membersOf,
  restingRoutes,
  superseded,
  writeRoutes,
  type SlotOutcome,
  type SlotWork,
} from './work.ts';

/** `forward`: somebody wants it finished. `either`: it is in somebody's way, and goes on only where traffic has moved already. */
export type Direction = 'forward' | 'either' | 'back';
/** What becomes of routes that are not those that we wrote. */
export type Drift = 'refused' | 'overwritten';

/**
 * Goes on with what another process began on a slot. The first put raises the epoch; then the route is written again under it, even where it
 * is as wanted: that is what fences a process that only slept.
 * @param run - Just taken over.
 * @throws ProviderError what it ends with.
 */
export async function resumeSlot(
  session: Session,
  run: OperationRun,
  direction: Direction,
  drift: Drift = 'refused',
): Promise<void> {
  let ready: { readonly work: SlotWork; readonly goOn: () => Promise<SlotOutcome> } | undefined;
  try {
    ready = await takeSlot(session, run, direction, drift);
  } catch (error) {
    // Else this process would seem to work on it for as long as it lives.
    await run.interrupt().catch(() => undefined);
    throw error;
  }
  if (ready) await conclude(ready.work, ready.goOn);
}

/** @returns What goes on, in our hand. Undefined: there was nothing left to do, and the operation has ended. */
async function takeSlot(
  session: Session,
  run: OperationRun,
  direction: Direction,
  drift: Drift,
): Promise<{ readonly work: SlotWork; readonly goOn: () => Promise<SlotOutcome> } | undefined> {
  for (;;) {
    const name = run.document.subject;
    const stored = await session.briefly(`read slot ${name}`, (call) => session.documents.slots.get(name, call));
    if (!stored || !(await isOurs(session, stored.document, run))) {
      // It never came to own the slot, or it has let go of it.
      if (stored) await completeLedger(session, stored.document);
      await ((await hasMade(session, name, run.id, 0)) ? run.finish() : run.abort());
      return undefined;
    }
    const owner: SlotOwner = { operation: run.id, run: run.epoch, process: session.operations.identity };
    const hold = new SlotHold(session, owner, stored);
    const router = await routerOf(session, stored.document);
    const { spec, kind } = stored.document;
    const work = workFor(session, run, hold, router);
    if (kind === 'destroy') {
      if (!(await hold.put((now) => take(now, hold.owner, false)))) continue;
      return { work, goOn: () => goOnRemoving(work) };
    }
    const live = (await router.read(name)) ?? (drift === 'overwritten' && spec ? await router.ensure(spec) : undefined);
    const next = await tryTo(work, live, direction, drift);
    if (!next) continue; // the document moved: look again
    const goOn = async (): Promise<SlotOutcome> => {
      await router.outwaitLateWrites(run.signal);
      return next();
    };
    return { work, goOn };
  }
}

/**
 * Lets go of what is unfinished, and leaves the routes as they are: somebody changed them by hand, and wants them so. What the former owner
 * may still write fails on that change.
 */
export async function leaveAsRouted(session: Session, run: OperationRun): Promise<void> {
  const name = run.document.subject;
  for (;;) {
    const stored = await session.briefly(`read slot ${name}`, (call) => session.documents.slots.get(name, call));
    if (!stored || !(await isOurs(session, stored.document, run))) break;
    const owner: SlotOwner = { operation: run.id, run: run.epoch, process: session.operations.identity };
    if (await new SlotHold(session, owner, stored).put((now) => bump(abort(now)))) break;
  }
  await run.abort();
}

/** Whether the slot is this operation's, or was left to whoever comes: its owner has ended without letting it go. */
async function isOurs(session: Session, { owner }: SlotDocument, run: OperationRun): Promise<boolean> {
  if (!owner || owner.operation === run.id) return owner !== undefined;
  const found = await session.briefly(`read operation ${owner.operation}`, (call) =>
    session.documents.operations.get(owner.operation, call),
  );
  return found?.document.endedAt !== undefined;
}

/** Takes the slot. @returns What goes on then. Undefined: it moved. */
async function tryTo(
  work: SlotWork,
  live: Slot | undefined,
  direction: Direction,
  drift: Drift,
): Promise<(() => Promise<SlotOutcome>) | undefined> {
  const { session, hold } = work;
  const { slot } = hold;
  const traffic =
    drift === 'overwritten'
      ? trafficOf(live, await membersOf(session, slot))
      : await refuseDriftUnlessMoved(session, slot, hold.revision, live);
  if (!traffic) return undefined;
  if (slot.kind === 'rollback') {
    const leftServes = serves(traffic, slot.left);
    if (!(await hold.put((now) => take(now, hold.owner, leftServes)))) return undefined;
    enter(work, 'shifting');
    return () => backward(work, live, { kind: 'rollback' });
  }
  if (onlyFollows(slot)) {
    if (!(await hold.put((now) => take(now, hold.owner, false)))) return undefined;
    return () => followOn(work, live);
  }
  const promotion = await promotionOf(work);
  const goesOn =
    promotion !== undefined &&
    (slot.kind === 'bake' || direction === 'forward' || (direction === 'either' && servesAlone(traffic, slot.to)));
  if (!goesOn || direction === 'back') return back(work, live, serves(traffic, slot.to));
  if (slot.kind === 'bake') {
    if (!(await hold.put((now) => take(now, hold.owner, false)))) return undefined;
    return () => bakeOn(promotion, live);
  }
  return goOn(promotion, live);
}

/** Part of it may be gone: there is only forward. */
async function goOnRemoving(work: SlotWork): Promise<SlotOutcome> {
  const { removeSlot } = await import('./remove.ts');
  await work.router.outwaitLateWrites(work.run.signal);
  return removeSlot(work, 'taken over');
}

async function back(
  work: SlotWork,
  live: Slot | undefined,
  candidateServed: boolean,
): Promise<(() => Promise<SlotOutcome>) | undefined> {
  const { hold } = work;
  const cannot = hold.slot.kind === 'bake' && hold.slot.standbys.length === 0;
  if (cannot) throw new ProviderError('refused', `slot ${hold.slot.name} has no standby to go back to`);
  if (!(await hold.put((now) => turnBack(now, hold.owner, candidateServed)))) return undefined;
  enter(work, 'reverting');
  const why = new ProviderError(
    'superseded',
    `the promotion of ${hold.slot.name} was left unfinished, and turned back`,
    {
      effect: 'none',
    },
  );
  return () => backward(work, live, { kind: 'revert', why });
}

/** Pins for itself: the old owner's pin may never have come. */
async function goOn(work: Forward, live: Slot | undefined): Promise<(() => Promise<SlotOutcome>) | undefined> {
  const { session, hold, run } = work;
  const { to, name } = hold.slot;
  const isBound = to !== undefined && work.settings.bound?.id === to;
  const pin = { slot: name, holder: run.id, epoch: hold.slot.epoch + 1 };
  const pins =
    to === undefined || isBound
      ? []
      : [session.briefly(`pin environment ${to}`, (call) => pinEnvironment(session.documents, to, pin, call))];
  const [taken, ...pinned] = await Promise.allSettled([hold.put((now) => take(now, hold.owner, false)), ...pins]);
  if (taken.status === 'rejected') throw taken.reason;
  if (!taken.value) return undefined;
  const refused = pinned.find((one) => one.status === 'rejected');
  if (refused?.status !== 'rejected') return () => forward(work, live);
  const why: unknown = refused.reason;
  if (!ProviderError.is(why) || (why.code !== 'unhealthy' && why.code !== 'not-found')) throw why;
  return () => goBack(work, why, false);
}

/** The head is on record; it is watched for as long as is left. */
async function bakeOn(work: Forward, live: Slot | undefined): Promise<SlotOutcome> {
  const usedBefore = usedBy(work.hold.slot);
  return (await routeAgain(work, live)) ? bake(work, usedBefore) : ended(superseded(work));
}

/** It has gone back; what runs on the head alone may not have. */
async function followOn(work: SlotWork, live: Slot | undefined): Promise<SlotOutcome> {
  const { slot } = work.hold;
  if (!(await routeAgain(work, live))) return ended(superseded(work));
  await followHead(work, usedBy(slot));
  if (slot.release?.kind !== 'revert') return DONE;
  return ended(reverted(work, new ProviderError('superseded', 'its promotion was left unfinished')));
}

/** Under our own stamp, which fences whoever only slept. @returns False: another operation took the slot over. */
async function routeAgain(work: SlotWork, live: Slot | undefined): Promise<boolean> {
  const { session, hold, router } = work;
  for (let seen = live; seen;) {
    const members = await membersOf(session, hold.slot);
    const outcome = await writeRoutes(work, seen, restingRoutes(hold.slot, members));
    if (outcome.state === 'done') break;
    if (!(await hold.isStillOurs())) return false;
    seen = await router.read(hold.slot.name);
    await refuseDrift(session, hold.slot, seen);
    if (!(await hold.put((now) => take(now, hold.owner, false)))) return false;
  }
  return true;
}

function workFor(session: Session, run: OperationRun, hold: SlotHold, router: SlotWork['router']): SlotWork {
  const input = rollbackInputSchema.safeParse(run.document.input).data;
  return {
    session,
    run,
    hold,
    router,
    by: input?.by ?? session.operations.identity.user,
    startedSeconds: session.clock.monotonicSeconds(),
    warnings: [],
    ...(input?.reason !== undefined && { reason: input.reason }),
  };
}

/** Undefined: what it needs to go forward is not known. */
async function promotionOf(work: SlotWork): Promise<Forward | undefined> {
  const { session, hold, run } = work;
  const input = promoteInputSchema.safeParse(run.document.input).data;
  // A head that is on record is watched on, whoever inherits that.
  const environment = input?.environment ?? (hold.slot.kind === 'bake' ? hold.slot.head : undefined);
  if (environment === undefined) return undefined;
  const ids = [environment, hold.slot.to, hold.slot.head].filter((id) => id !== undefined);
  const members = await membersOf(session, hold.slot, ids);
  const source = ids.map((id) => members.get(id)).find((one) => one?.config !== undefined);
  if (!source) return undefined;
  const settings = await slotSettings(session, hold.slot.name, source);
  return Object.assign(work, {
    settings,
    source: environment,
    fresh: false,
    ...(input?.bakeSeconds !== undefined && { bakeSeconds: input.bakeSeconds }),
  });
}
