import type { Session } from '../host/session.ts';
import { ProviderError } from '../provider/error.ts';
import type { SlotDocument, SlotOwner } from './documents.ts';
import { refuseDriftUnlessMoved } from './drift.ts';
import { SlotHold } from './hold.ts';
import { bump } from './moves.ts';
import { finishUnfinished } from './owned.ts';
import { unpinEnvironment } from './pins.ts';
import { routerOf } from './settings.ts';
import { membersOf, restingRoutes, stampOf } from './work.ts';

const TRIES = 20;

/**
 * Takes an environment from a slot that keeps it, because somebody said so: a standby, what was rejected, what drains. Written down first, under
 * a new epoch that no claim before it outlives; then the routes are written without it; then its pins go. Made again after a crash it does
 * what is left.
 * @throws ProviderError `refused`: it is the head, and a slot is never without one; `conflict`: the slot's owner lives; `drifted`.
 */
export async function letGoOf(session: Session, id: string, name: string): Promise<void> {
  for (let tries = 0; tries < TRIES; tries++) {
    const stored = await session.briefly(`read slot ${name}`, (call) => session.documents.slots.get(name, call));
    if (!stored) throw notThere(name);
    if (stored.document.owner) {
      await finishUnfinished(session, stored);
      continue;
    }
    if (stored.document.head === id) throw isHead(stored.document, id);
    const router = await routerOf(session, stored.document);
    const live = await router.read(name); // before the put that raises the epoch
    if (!(await refuseDriftUnlessMoved(session, stored.document, stored.revision, live))) continue;
    const nobody: SlotOwner = { operation: 'none', run: 1, process: session.operations.identity };
    const hold = new SlotHold(session, nobody, stored);
    if (!(await hold.put((slot) => without(slot, id)))) continue;
    if (live) {
      const members = await membersOf(session, hold.slot);
      const { state } = await router.write(live, restingRoutes(hold.slot, members), stampOf(hold.slot));
      if (state === 'unclear') throw unclear(name);
      if (state === 'lost') continue;
    }
    const at = session.clock.now();
    await session.briefly(`unpin environment ${id}`, (call) =>
      unpinEnvironment(session.documents, id, { slot: name, upTo: hold.slot.epoch, at }, call),
    );
    return;
  }
  throw new ProviderError('conflict', `slot ${name} is changed by others all the time`, { effect: 'unknown' });
}

function without(slot: SlotDocument, id: string): SlotDocument {
  const isOther = ({ environment }: { readonly environment: string }): boolean => environment !== id;
  return {
    ...bump(slot),
    standbys: slot.standbys.filter((one) => one !== id),
    rejected: slot.rejected.filter(isOther),
    draining: slot.draining.filter(isOther),
  };
}

function isHead({ name, standbys }: SlotDocument, id: string): ProviderError {
  const way = standbys.length > 0 ? `clusternator rollback ${name}, or promote another environment` : 'promote another';
  return new ProviderError('refused', `environment ${id} is the head of ${name}, which would serve nothing then`, {
    effect: 'none',
    hint: `${way} first: clusternator promote <environment> ${name}`,
  });
}

function notThere(name: string): ProviderError {
  return new ProviderError('not-found', `there is no slot "${name}"`, { hint: 'clusternator slot list' });
}

function unclear(name: string): ProviderError {
  return new ProviderError('unavailable', `the router of ${name} gave no clear answer`, {
    effect: 'unknown',
    hint: `clusternator slot repair ${name}`,
  });
}
