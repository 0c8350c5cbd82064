import { Claim } from '../environment/claim.ts';
import { destroyEnvironment } from '../environment/destroy.ts';
import { ProviderError } from '../provider/error.ts';
import type { Forward } from './forward.ts';
import { firstDocument, makeBound, type BoundWork } from './make-bound.ts';
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
  if (claim) await makeBound(partsOf(work), claim);
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
