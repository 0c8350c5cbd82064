import { Claim } from '../environment/claim.ts';
import { destroyEnvironment } from '../environment/destroy.ts';
import { ProviderError } from '../provider/error.ts';
import type { Forward } from './forward.ts';
import { hasSlotDisks, slotDisks } from './disks.ts';
import { startOn, takeDisks } from './handover.ts';
import { firstDocument, makeBound, type BoundWork } from './make-bound.ts';
import { enter, membersOf } from './work.ts';
import { pinEnvironment, unpinEnvironment, withPin, type Pin } from './pins.ts';

/**
 * Makes the slot's own environment of the artefacts of the one that was asked for. Nothing is built. Its document comes first, with its pin
 * in it from the start.
 * @throws ProviderError `unhealthy`; what its provider throws. It stays, failed, for its logs, and gc collects it.
 */
export async function prepareBound(
  work: Forward,
  bound: { readonly id: string; readonly settings: string },
): Promise<void> {
  const { hold, run } = work;
  const pin: Pin = { slot: hold.slot.name, holder: run.id, epoch: hold.slot.epoch };
  const claim = await claimBound(work, bound, pin);
  if (claim) {
    await makeBound({ ...partsOf(work), disks: disksOf(work) }, claim);
    return;
  }
  if (!hasSlotDisks(work.settings.config)) return;
  const member = (await membersOf(work.session, hold.slot, [bound.id])).get(bound.id);
  const ids = member ? (await slotDisks(work.session, hold.slot.name, member)).map(({ id }) => id) : [];
  if (!member || ids.length === 0) return;
  await takeFromHead(work, member.id, ids);
  await startOn(work, member, ids);
}

/** To what is made just now: stopped is what holds them as late as can be. */
function disksOf(work: Forward): NonNullable<BoundWork['disks']> {
  let taken: readonly string[] = [];
  return {
    take: async (to, ids) => {
      taken = ids;
      if (ids.length > 0) await takeFromHead(work, to, ids);
    },
    start: (made, environment) => startOn(work, made, taken, environment),
  };
}

/** From now on it takes more than to let go to give up: the head gets them back. */
async function takeFromHead(work: Forward, to: string, ids: readonly string[]): Promise<void> {
  if (work.hold.slot.head !== undefined) {
    enter(work, 'handover');
    work.fresh = false;
  }
  await takeDisks(work, to, ids);
}

function partsOf({ session, run, settings, source, hold }: Forward): BoundWork {
  return { session, run, settings, source, slot: hold.slot.name };
}

/** Whoever owns a slot owns what is made for it. @returns Undefined: it is ready, and pinned. */
async function claimBound(
  work: Forward,
  bound: { readonly id: string; readonly settings: string },
  pin: Pin,
): Promise<Claim | undefined> {
  const { session, run } = work;
  const { environments } = session.documents;
  for (;;) {
    const found = await session.briefly(`read environment ${bound.id}`, (call) => environments.get(bound.id, call));
    const phase = found?.document.phase;
    if (found && phase === 'ready') {
      await session.briefly(`pin environment ${bound.id}`, (call) =>
        pinEnvironment(session.documents, bound.id, pin, call),
      );
      return undefined;
    }
    if (found && (phase === 'failed' || phase === 'destroying')) {
      await destroyFormer(work, bound.id);
      continue;
    }
    const next = withPin(
      found && phase === 'creating' ? found.document : await firstDocument(partsOf(work), bound, found),
      pin,
    );
    try {
      return await session.briefly(`claim environment ${bound.id}`, (call) =>
        Claim.take(session, found, next, run, call),
      );
    } catch (error) {
      if (!ProviderError.is(error) || error.code !== 'conflict') throw error;
    }
  }
}

async function destroyFormer({ session, hold }: Forward, id: string): Promise<void> {
  const { name, epoch } = hold.slot;
  const at = session.clock.now();
  await session.briefly(`unpin ${id}`, (call) =>
    unpinEnvironment(session.documents, id, { slot: name, upTo: epoch, at }, call),
  );
  await destroyEnvironment(session, id);
}
