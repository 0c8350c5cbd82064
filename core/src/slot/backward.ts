import { ProviderError } from '../provider/error.ts';
import { mountsDisk } from './disks.ts';
import { hasHeadServices, runOnHead } from './head-services.ts';
import { completeLedger, hasMade } from './ledger.ts';
import { restoreNames } from './names.ts';
import { endBake, record, take, turnBack, usedBy } from './moves.ts';
import type { EnvironmentDocument } from '../state/documents.ts';
import type { ReleaseSource } from './documents.ts';
import type { Slot } from './slot.ts';
import { refuseDrift } from './drift.ts';
import { serves, type Members } from './traffic.ts';
import {
  asProviderError,
  DONE,
  ended,
  enter,
  handedOver,
  membersOf,
  releaseOf,
  routesOf,
  settle,
  superseded,
  writeRoutes,
  type SlotOutcome,
  type SlotWork,
} from './work.ts';

/** So long a way back is tried before the operation is left as degraded, to be resumed. */
const TRYING_SECONDS = 60;
const PAUSE_SECONDS = 1;

/**
 * Turns a promotion or a baking head back. It is written down before it is routed, and names what may be live.
 * @param why - What the operation ends with.
 * @param rejects - The candidate served.
 */
export async function goBack(work: SlotWork, why: ProviderError, rejects: boolean): Promise<SlotOutcome> {
  const { session, hold } = work;
  enter(work, 'reverting');
  const live = await readBefore(work); // before the put that names the route
  if (!(await hold.isStillOurs())) return ended(superseded(work));
  await refuseDrift(session, hold.slot, live);
  if (!(await hold.put((slot) => turnBack(slot, hold.owner, rejects)))) return ended(superseded(work));
  return backward(work, live, { kind: 'revert', why });
}

/** @throws ProviderError `degraded`: the router is out of reach, so nothing can be turned back. The slot stays owned, and all of it pinned. */
async function readBefore(work: SlotWork): Promise<Slot | undefined> {
  try {
    return await work.router.read(work.hold.slot.name);
  } catch (error) {
    if (work.run.signal.aborted) throw error;
    const told = degraded(work, error);
    enter(work, 'degraded');
    throw told;
  }
}

/**
 * Routes to where the document says that it goes back to, and records it.
 * @param live - As read before the put that said so.
 * @throws ProviderError `degraded`: it can't be routed. Both environments stay.
 */
export async function backward(
  work: SlotWork,
  live: Slot | undefined,
  end: { readonly kind: ReleaseSource['kind']; readonly why?: ProviderError },
): Promise<SlotOutcome> {
  const { session, hold } = work;
  const usedBefore = usedBy(hold.slot);
  const since = hold.slot.generation;
  const members = await membersOf(session, hold.slot);
  const goal = hold.slot.to === undefined ? undefined : members.get(hold.slot.to);
  if (goal) await giveBackTo(work, goal);
  const named = live && goal ? await restoreNames(work, live, goal, members) : live;
  const routed = await routeBack(work, named, members);
  if (!routed) return ended(superseded(work));
  await completeLedger(session, hold.slot);
  const { left, rejects } = hold.slot;
  const at = session.clock.now();
  const why = end.why?.message ?? work.reason ?? 'rolled back';
  const moves = hold.slot.to !== undefined && hold.slot.to !== hold.slot.head;
  const staysOwned = moves && (await hasHeadServices(work));
  const written = await hold.put((slot) =>
    record(slot, {
      release: releaseOf(work, end.kind),
      at,
      ...handedOver(work),
      ...(staysOwned && { bakeUntil: at }),
      ...(rejects === true && left !== undefined && { pin: { by: work.by, at: at.toISOString(), why } }),
    }),
  );
  if (written) {
    if (staysOwned) await followHead(work, usedBefore);
    else await settle(work, usedBefore);
  } else if (!(await hasMade(session, hold.slot.name, work.run.id, since))) return ended(superseded(work));
  if (!end.why) {
    enter(work, 'done');
    return DONE;
  }
  enter(work, rejects === true ? 'reverted' : 'aborted');
  return ended(rejects === true ? reverted(work, end.why) : end.why);
}

/**
 * What runs on the head alone follows it. Only then the slot is let go: whoever finds it owned by a process that is gone does the rest. One that
 * another operation took meanwhile is that one's to do.
 */
export async function followHead(work: SlotWork, usedBefore: ReadonlySet<string>): Promise<void> {
  const { session, hold } = work;
  await completeLedger(session, hold.slot);
  if (!(await hold.isStillOurs())) return;
  await runOnHead(work, usedBefore);
  const at = session.clock.now();
  if (await hold.put((slot) => endBake(slot, at))) await settle(work, usedBefore);
}

/**
 * What it goes back to has the slot's disks again before traffic comes. It was well before: that it is not any more is told, and it is still the
 * better place to be.
 * @throws ProviderError `degraded`: they could not be handed back.
 */
export async function giveBackTo(work: SlotWork, member: EnvironmentDocument): Promise<void> {
  if (!mountsDisk(member)) return;
  const { handBack } = await import('./handover.ts');
  const back = await handBack(work, member);
  if (back.state === 'unwell') work.warnings.push(`${member.id} has its disk again, and is not healthy: ${back.why}`);
  if (back.state !== 'stuck') return;
  const error = degraded(work, back.error, 'handed back, with its disk, to');
  enter(work, 'degraded');
  throw error;
}

/** @returns False: another operation took the slot over. */
async function routeBack(work: SlotWork, first: Slot | undefined, known: Members): Promise<boolean> {
  const { session, hold, router } = work;
  const { clock } = session;
  const until = clock.monotonicSeconds() + TRYING_SECONDS;
  let trouble: unknown;
  let members = known;
  for (let live = first; ; members = await membersOf(session, hold.slot)) {
    if (!live && hold.slot.head === undefined) return true; // the router has never heard of it
    try {
      const outcome = live ? await writeRoutes(work, live, routesOf(hold.slot, members)) : ({ state: 'lost' } as const);
      if (outcome.state === 'done') {
        work.flippedSeconds = clock.monotonicSeconds();
        return true;
      }
    } catch (error) {
      trouble = error;
    }
    if (clock.monotonicSeconds() >= until) {
      const error = degraded(work, trouble);
      enter(work, 'degraded');
      throw error;
    }
    if (!(await hold.isStillOurs())) return false;
    await clock.sleep(PAUSE_SECONDS * Math.random(), work.run.signal);
    // The routes moved, or may have: a new epoch, and with it a new stamp, over what is there now.
    try {
      const { name, spec } = hold.slot;
      live = (await router.read(name)) ?? (spec && (await router.ensure(spec)));
    } catch {
      continue; // the write that follows says why
    }
    const traffic = await refuseDrift(session, hold.slot, live, members);
    const leftServes = serves(traffic, hold.slot.left);
    if (!(await hold.put((slot) => take(slot, hold.owner, leftServes)))) return false;
  }
}

export function reverted({ hold }: SlotWork, why: ProviderError): ProviderError {
  const { name, head } = hold.slot;
  return new ProviderError('reverted', `slot ${name} was turned back to ${head ?? 'nothing'}: ${why.message}`, {
    effect: 'applied',
    hint: `clusternator slot show ${name}`,
    cause: why,
  });
}

function degraded({ hold, run, state }: SlotWork, cause: unknown, what = 'routed back to'): ProviderError {
  // Before the way back is written down, what is to be left is where traffic goes or is about to.
  const { name, kind, head, standbys } = hold.slot;
  const [to, left] =
    kind === 'rollback' ? [hold.slot.to, hold.slot.left] : kind === 'bake' ? [standbys[0], head] : [head, hold.slot.to];
  const why = cause === undefined ? 'its router gives no clear answer' : asProviderError(cause).message;
  return new ProviderError(
    'degraded',
    `slot ${name} could not be ${what} ${to ?? 'nothing'} (${state ?? ''}): ${why}. ${left ?? 'What was before'} may still be live; both are kept`,
    { effect: 'unknown', hint: `clusternator op resume ${run.id} tries again`, cause },
  );
}
