import { ProviderError } from '../provider/error.ts';
import { refuseDrift } from './drift.ts';
import type { Forward } from './forward.ts';
import { abort, take, usedBy } from './moves.ts';
import type { Slot } from './slot.ts';
import { trafficOf, type Members } from './traffic.ts';
import { ended, enter, membersOf, routesOf, settle, superseded, writeRoutes, type SlotOutcome } from './work.ts';
import { watch } from './watch.ts';

/** `back`: it was or may have been routed, and has to be turned back. `served`: the candidate has had traffic. */
export type Shifted =
  | { readonly state: 'shifted' }
  | { readonly state: 'back'; readonly why: ProviderError; readonly served: boolean }
  | Ended;
type Ended = Extract<SlotOutcome, { readonly state: 'ended' }>;

/** As often may a route be lost to neighbours and our own late writes. */
const RETAKES = 20;

/**
 * Moves the traffic, in the stages that the slot's document names. Each write is on condition of what the one before left.
 * @param from - The routes as they were read before the claim.
 */
export async function shift(work: Forward, from: Slot): Promise<Shifted> {
  const { session, hold } = work;
  const stages = hold.slot.head === undefined ? [ALL] : (hold.slot.stages ?? [ALL]);
  let live = from;
  let retakes = 0;
  for (let at = firstStage(work, live, stages, await membersOf(session, hold.slot)); at < stages.length;) {
    const { percent, holdSeconds } = stages[at] ?? ALL;
    const members = await membersOf(session, hold.slot);
    let outcome;
    try {
      work.fresh = false;
      outcome = await writeRoutes(work, live, routesOf(hold.slot, members, percent));
    } catch (error) {
      if (!ProviderError.is(error)) throw error;
      return { state: 'back', why: error, served: at > 0 };
    }
    if (outcome.state === 'unclear') return { state: 'back', why: unclear(work), served: true };
    if (outcome.state === 'lost') {
      if (retakes++ === RETAKES) return { state: 'back', why: unclear(work), served: at > 0 };
      const again = await retake(work);
      if ('error' in again) return again;
      live = again;
      continue;
    }
    live = outcome.slot;
    at++;
    if (percent >= 100 || holdSeconds === 0) continue;
    const trouble = await watch(work, holdSeconds);
    if (!(await hold.isStillOurs())) return ended(superseded(work));
    if (trouble) return { state: 'back', why: trouble, served: true };
  }
  work.flippedSeconds = session.clock.monotonicSeconds();
  return { state: 'shifted' };
}

const ALL = { percent: 100, holdSeconds: 0 };

/** Where another process stopped: what it gave the candidate is not taken back. The routes are written again under our own stamp. */
function firstStage(
  { hold }: Forward,
  live: Slot,
  stages: readonly { readonly percent: number }[],
  members: Members,
): number {
  const share = trafficOf(live, members).find(({ environment }) => environment === hold.slot.to)?.percent ?? 0;
  const reached = stages.findIndex(({ percent }) => percent >= share);
  return reached < 0 ? stages.length - 1 : reached;
}

/** The routes moved since we read them: by a neighbour, by our own late write, or by whoever took the slot over. Only an owner goes on. */
async function retake(work: Forward): Promise<Slot | Ended> {
  const { session, hold, router } = work;
  const live = await router.read(hold.slot.name);
  if (!(await hold.isStillOurs())) return ended(superseded(work));
  try {
    await refuseDrift(session, hold.slot, live);
    if (!live) throw new ProviderError('drifted', `slot ${hold.slot.name} is gone from its router`);
  } catch (error) {
    if (!ProviderError.is(error) || error.code !== 'drifted') throw error;
    // Somebody routes by hand: what we wrote before is gone, and a late write of ours fails on the version.
    const usedBefore = usedBy(hold.slot);
    if (!(await hold.put(abort))) return ended(superseded(work));
    await settle(work, usedBefore);
    enter(work, 'aborted');
    return ended(error);
  }
  if (!(await hold.put((slot) => take(slot, hold.owner, false)))) return ended(superseded(work));
  return live;
}

function unclear({ hold }: Forward): ProviderError {
  return new ProviderError('unavailable', `the router of ${hold.slot.name} gave no clear answer`, {
    effect: 'unknown',
  });
}
