import { canStand } from '../foundation/outputs.ts';
import type { SlotDestroyRequest, SlotDestruction } from '../host/slots.ts';
import type { Session } from '../host/session.ts';
import { claimFor } from './claim-slot.ts';
import { conclude } from './conclude.ts';
import type { SlotDocument } from './documents.ts';
import { refuseDriftUnlessMoved } from './drift.ts';
import { beginDestroy, DESTROY_SLOT } from './ending.ts';
import { keptVolumes, refuseGuarded } from './guard.ts';
import { rollbackInputSchema } from './input.ts';
import { usedBy } from './moves.ts';
import { finishUnfinished } from './owned.ts';
import { unpinEnvironment } from './pins.ts';
import { checkGeneration, withTimeout } from './promote.ts';
import { removeLeftover } from './leftover.ts';
import { readSlotOrRest } from './read.ts';
import { removeSlot } from './remove.ts';
import { routerOf } from './settings.ts';
import { memberView } from './view.ts';
import { enter, membersOf, type SlotWork } from './work.ts';

/**
 * Destroys a slot: its names and routes go, and its environments are let go. Data is never touched. To destroy what is gone succeeds.
 * @throws ProviderError see `Slots.destroy`.
 */
export async function destroySlot(opened: Session, request: SlotDestroyRequest): Promise<SlotDestruction> {
  const session = withTimeout(opened, request.timeoutSeconds);
  const startedSeconds = session.clock.monotonicSeconds();
  let seen = request.ifGeneration;
  for (;;) {
    session.operations.signal.throwIfAborted();
    const stored = await readSlotOrRest(session, request.slot);
    const { document: slot } = stored;
    if (slot.owner) {
      seen ??= slot.kind === 'destroy' ? undefined : slot.generation;
      await finishUnfinished(session, stored);
      continue;
    }
    if (slot.destroyed && !(await hasRouter(session, slot)))
      return alreadyGone(session, slot, slot.destroyed.operation);
    const router = await routerOf(session, slot);
    const live = await router.read(slot.name);
    if (slot.destroyed) {
      if (live && !(await removeLeftover(session, slot.name))) continue;
      return alreadyGone(session, slot, slot.destroyed.operation);
    }
    // Who destroys it means the release that they saw, not whatever is there by the time that it is their turn.
    seen ??= slot.generation;
    checkGeneration(slot, seen);
    await refuseGuarded(session, slot, request.force);
    if (!(await refuseDriftUnlessMoved(session, slot, stored.revision, live))) continue;
    const work = await claim(session, request, stored, { router, startedSeconds });
    if (!work) continue;
    await conclude(work, () => removeSlot(work, 'claimed'));
    return destruction(work, slot);
  }
}

/** @returns Undefined: the slot moved. */
async function claim(
  session: Session,
  request: SlotDestroyRequest,
  stored: Parameters<typeof claimFor>[1],
  parts: Pick<SlotWork, 'router' | 'startedSeconds'>,
): Promise<SlotWork | undefined> {
  const by = request.by ?? session.operations.identity.user;
  const reason = request.reason === undefined ? {} : { reason: request.reason };
  const input = rollbackInputSchema.parse({ slot: stored.document.name, by, ...reason });
  const claimed = await claimFor(session, stored, { kind: DESTROY_SLOT, input }, beginDestroy);
  if (!claimed) return undefined;
  const work: SlotWork = { ...parts, ...claimed, session, by, warnings: [], ...reason };
  enter(work, 'owned');
  return work;
}

/** Where the foundation is gone, so is all that was at its router. */
async function hasRouter(session: Session, { mechanism, provider }: SlotDocument): Promise<boolean> {
  return mechanism === 'dns' || canStand(session, await session.bind(provider));
}

/** Whoever destroyed it may have died before the environments were let go. */
async function alreadyGone(session: Session, slot: SlotDocument, operation: string): Promise<SlotDestruction> {
  const { name, epoch, generation } = slot;
  const released = await session.briefly(`let go of what ${name} kept`, async (call) => {
    const pinned: string[] = [];
    for await (const { id, document } of session.documents.environments.list(call))
      if (document.pins[name]) pinned.push(id);
    const at = session.clock.now();
    for (const id of pinned) await unpinEnvironment(session.documents, id, { slot: name, upTo: epoch, at }, call);
    return pinned;
  });
  const members = await membersOf(session, slot, released);
  return {
    operation,
    slot: name,
    generation,
    wasGone: true,
    released: released.map((id) => memberView(id, members)),
    keeps: await keptVolumes(session, name),
    warnings: [],
  };
}

async function destruction({ session, hold, run, warnings }: SlotWork, before: SlotDocument): Promise<SlotDestruction> {
  const released = [...usedBy(before)];
  const members = await membersOf(session, before);
  const { name, generation } = hold.slot;
  return {
    operation: run.id,
    slot: name,
    generation,
    wasGone: false,
    released: released.map((id) => memberView(id, members)),
    keeps: await keptVolumes(session, name),
    warnings: [...warnings],
  };
}
