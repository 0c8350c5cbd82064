import type { Interruption, PromotionResult, RollbackRequest } from '../host/slots.ts';
import type { Session } from '../host/session.ts';
import { ProviderError } from '../provider/error.ts';
import type { Stored } from '../state/document-store.ts';
import { backward, giveBackTo } from './backward.ts';
import { claimFor } from './claim-slot.ts';
import { conclude } from './conclude.ts';
import { slotDisks } from './disks.ts';
import type { SlotDocument } from './documents.ts';
import { refuseDriftUnlessMoved } from './drift.ts';
import { passGate } from './gate.ts';
import { scaleUp, sizeOf } from './head-services.ts';
import type { RollbackInput } from './input.ts';
import { readSlot } from './read.ts';
import { interruptionOf, tellOf } from './interruption.ts';
import { abort, rollBack, usedBy } from './moves.ts';
import { finishUnfinished } from './owned.ts';
import { checkGeneration, withTimeout } from './promote.ts';
import { endPreempted } from './preempt.ts';
import { promotionResult } from './result.ts';
import { routerOf } from './settings.ts';
import { serves } from './traffic.ts';
import {
  asProviderError,
  ended,
  enter,
  membersOf,
  settle,
  superseded,
  type SlotOutcome,
  type SlotWork,
} from './work.ts';

const GATE_SECONDS = 60;
/** Whoever rolls back is in a hurry. */
const WINDOW_SECONDS = 2;

/**
 * Goes back to a standby, which serves as it did: its artefacts, config and health check. Never data. It preempts a promotion in flight, whose
 * head then stays.
 * @throws ProviderError see `Slots.rollback`.
 */
export async function rollback(opened: Session, request: RollbackRequest): Promise<PromotionResult> {
  const session = withTimeout(opened, request.timeoutSeconds);
  const startedSeconds = session.clock.monotonicSeconds();
  let seen = request.ifGeneration;
  for (;;) {
    session.operations.signal.throwIfAborted();
    const stored = await readSlot(session, request.slot);
    const { document: slot } = stored;
    // Who rolls back means the release that they saw, not whatever is there by the time that it is their turn.
    seen ??= slot.generation;
    if (slot.kind === 'rollback' || slot.kind === 'destroy') {
      await finishUnfinished(session, stored);
      continue;
    }
    checkGeneration(slot, seen);
    const to = target(slot, request.to);
    const router = await routerOf(session, slot);
    const [live, { isCold, interruption }] = await Promise.all([router.read(slot.name), warmthOf(session, slot, to)]);
    const traffic = await refuseDriftUnlessMoved(session, slot, stored.revision, live);
    if (!traffic) continue;
    const candidateServed = serves(traffic, slot.to);
    if (!isCold) await checkTarget(session, slot, to);
    if (interruption) tellOf(session, slot.name, interruption);
    const work = await claimBack(session, request, stored, { router, startedSeconds }, { to, candidateServed });
    if (!work) continue;
    await conclude(work, async () => {
      const refused = isCold ? await takeBack(work, slot) : undefined;
      if (refused) return refused;
      enter(work, 'shifting');
      if (slot.owner) await router.outwaitLateWrites(work.run.signal);
      const outcome = await backward(work, live, { kind: 'rollback' });
      if (slot.owner) await endPreempted(session, slot.owner.operation).catch(toWarning(work));
      return outcome;
    });
    return promotionResult(work, slot, 'rollback');
  }
}

/** @throws ProviderError `refused`: there is none, or not the one that was named. */
export function target(slot: SlotDocument, asked: string | undefined): string {
  const { name, head, kind, standbys } = slot;
  const [newest] = standbys;
  if (kind === 'promote') {
    if (head !== undefined && (asked === undefined || asked === head || asked === name)) return head;
    throw new ProviderError(
      'refused',
      head === undefined
        ? `slot ${name} has had nothing before that`
        : `a promotion of ${name} is under way: a rollback takes it back to ${head}`,
      {
        hint:
          head === undefined ? `clusternator op abort ${slot.owner?.operation ?? ''}` : `clusternator rollback ${name}`,
      },
    );
  }
  if (newest === undefined) {
    throw new ProviderError('refused', `slot ${name} has no standby to go back to`, {
      hint: `clusternator slot releases ${name} shows what it served; clusternator promote <environment> ${name}`,
    });
  }
  if (asked === undefined) return newest;
  const place = new RegExp(`^(?:${name}\\.)?([1-9]\\d*)$`).exec(asked)?.[1];
  const found = place === undefined ? matching(standbys, asked) : standbys[Number(place) - 1];
  if (found !== undefined) return found;
  throw new ProviderError('refused', `"${asked}" is no standby of ${name}`, {
    hint: `it has ${standbys.map((one, at) => `${name}.${String(at + 1)} (${one})`).join(', ')}`,
  });
}

function matching(standbys: readonly string[], asked: string): string | undefined {
  const exact = standbys.find((one) => one === asked);
  const starting = standbys.filter((one) => one.startsWith(asked) || asked.startsWith(one));
  return exact ?? (starting.length === 1 ? starting[0] : undefined);
}

/**
 * Whether what it goes back to can be looked at before. It is cold where a disk of the slot is with another environment, or may be just now.
 * @returns With how long the slot would not answer.
 */
export async function warmthOf(
  session: Session,
  slot: SlotDocument,
  to: string,
): Promise<{ readonly isCold: boolean; readonly interruption: Interruption | undefined }> {
  const found = await session.briefly(`read environment ${to}`, (call) => session.documents.environments.get(to, call));
  const disks = found ? await slotDisks(session, slot.name, found.document) : [];
  if (!found || disks.length === 0) return { isCold: false, interruption: undefined };
  const isCold = slot.kind === 'promote' || disks.some(({ holder }) => holder !== to);
  return { isCold, interruption: isCold ? await interruptionOf(session, slot, found.document) : undefined };
}

/**
 * Healthy, and as large as the head has to be.
 * @param mayScale - Whether what is too small is made larger. No: it is not looked at further.
 * @throws ProviderError `unhealthy`, with what to try next.
 */
export async function checkTarget(session: Session, slot: SlotDocument, to: string, mayScale = true): Promise<void> {
  const member = (await membersOf(session, slot)).get(to);
  if (!member) throw new ProviderError('not-found', `environment ${to} is not in the state`);
  try {
    const size = await sizeOf(session, member);
    const isSmall = Object.keys(size.small).length > 0;
    if (isSmall && !mayScale) return; // how it is then can't be looked at before
    if (isSmall) await scaleUp(session, member, size);
    const said = isSmall ? undefined : size.said;
    const health = member.config?.slots[slot.name]?.health;
    const options = { ...(health && { health }), ...(said && { said }), windowSeconds: WINDOW_SECONDS };
    await session.briefly(`check environment ${to}`, (call) => passGate(session, member, options, call), GATE_SECONDS);
  } catch (error) {
    if (!ProviderError.is(error)) throw error;
    const next = slot.standbys[slot.standbys.indexOf(to) + 1];
    const place = slot.standbys.indexOf(to) + 2;
    throw new ProviderError(error.code === 'not-found' ? 'unhealthy' : error.code, error.message, {
      ...error.detail,
      effect: 'none',
      hint:
        next === undefined
          ? `no other standby is left; clusternator env logs ${to}`
          : `clusternator rollback ${slot.name} --to ${slot.name}.${String(place)} goes to ${next}`,
    });
  }
}

/**
 * A standby whose disk is with the head can only be looked at once it has it. Where it is not healthy then, the head gets it back: nothing was
 * routed. A promotion that is under way is always turned back.
 * @returns Why the slot stays as it is. @throws ProviderError `degraded`.
 */
async function takeBack(work: SlotWork, before: SlotDocument): Promise<SlotOutcome | undefined> {
  const { session, hold } = work;
  const { to, head } = hold.slot;
  const usedBefore = usedBy(hold.slot);
  const members = await membersOf(session, hold.slot);
  const member = to === undefined ? undefined : members.get(to);
  const former = head === undefined || head === to ? undefined : members.get(head);
  if (!member || !former) return undefined;
  enter(work, 'handover');
  let why: ProviderError;
  try {
    const { handBack } = await import('./handover.ts');
    const handed = await handBack(work, member);
    if (handed.state === 'stuck') throw handed.error;
    await checkTarget(session, before, member.id);
    return undefined;
  } catch (error) {
    why = asProviderError(error);
    if (work.run.signal.aborted || why.code === 'superseded') throw error;
  }
  await giveBackTo(work, former);
  if (!(await hold.put(abort))) return ended(superseded(work));
  await settle(work, usedBefore);
  enter(work, 'aborted');
  return ended(why);
}

/** The slot is where it should be; what is left over of the other operation is told by whoever looks at it. */
function toWarning({ warnings }: SlotWork): (error: unknown) => void {
  return (error) => void warnings.push(asProviderError(error).message);
}

/** Writes down where it goes and what may be live, before anything is routed. @returns Undefined: the slot moved. */
async function claimBack(
  session: Session,
  request: RollbackRequest,
  stored: Stored<SlotDocument>,
  parts: Pick<SlotWork, 'router' | 'startedSeconds'>,
  how: { readonly to: string; readonly candidateServed: boolean },
): Promise<SlotWork | undefined> {
  const { document: slot } = stored;
  const by = request.by ?? session.operations.identity.user;
  const reason = request.reason === undefined ? {} : { reason: request.reason };
  const input: RollbackInput = { slot: slot.name, by, ...reason };
  const claimed = await claimFor(session, stored, { kind: 'rollback', input }, (now, owner) =>
    rollBack(now, owner, how),
  );
  if (!claimed) return undefined;
  const work: SlotWork = { ...parts, ...claimed, session, by, warnings: [], ...reason };
  enter(work, 'owned');
  return work;
}
