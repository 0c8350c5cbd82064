import type { ProviderError } from '../provider/error.ts';
import { waitForApproval } from './approval.ts';
import { goBack } from './backward.ts';
import { bake } from './bake.ts';
import { hasSlotDisks } from './disks.ts';
import { FRESH_SECONDS, passGate, windowOf } from './gate.ts';
import { hasHeadServices } from './head-services.ts';
import { completeLedger, hasMade } from './ledger.ts';
import { nameSlot } from './names.ts';
import { expandSchema, hasContract } from './migration.ts';
import { abort, record, usedBy } from './moves.ts';
import { prepareBound } from './prepare.ts';
import { shift } from './shift.ts';
import { slotSpec, type SlotSettings } from './settings.ts';
import type { Slot } from './slot.ts';
import {
  asProviderError,
  DONE,
  ended,
  enter,
  handedOver,
  membersOf,
  releaseOf,
  settle,
  superseded,
  type SlotOutcome,
  type SlotWork,
} from './work.ts';

const GATE_SECONDS = 120;
const READY_WINDOW_SECONDS = 10;

/** What a promotion goes on with, once the slot is claimed and its candidate pinned. */
export interface Forward extends SlotWork {
  readonly settings: SlotSettings;
  /** Of the command, in place of the config's. */
  readonly bakeSeconds?: number;
  readonly stages?: readonly { readonly percent: number; readonly holdSeconds: number }[];
  /** The environment that was asked for. */
  readonly source: string;
  /** Nothing was routed or taken from the head under this claim, and nothing can still come: to give up takes no more than to let go. */
  fresh: boolean;
}

/**
 * A promotion, from its claim to its end. See docs/guide/promotion-and-rollback.md.
 * @param live - The routes as they were read before the claim. Undefined: the router has never heard of the slot.
 */
export async function forward(work: Forward, live: Slot | undefined): Promise<SlotOutcome> {
  const { hold, run } = work;
  const usedBefore = new Set([...usedBy(hold.slot), work.source]);
  let routed: Slot;
  try {
    enter(work, 'preflight');
    routed = await readyToShift(work, live);
  } catch (error) {
    if (run.signal.aborted) throw error;
    return giveUp(work, asProviderError(error), usedBefore);
  }
  enter(work, 'shifting');
  const shifted = await shift(work, routed);
  if (shifted.state !== 'shifted')
    return shifted.state === 'ended' ? shifted : goBack(work, shifted.why, shifted.served);
  return recordAndWatch(work, usedBefore);
}

/** Everything that can still say no while the slot is untouched. @returns The router's slot, to flip on condition that it stays as it is. */
async function readyToShift(work: Forward, live: Slot | undefined): Promise<Slot> {
  const { session, hold, settings } = work;
  const to = hold.slot.to ?? work.source;
  const { approvalSeconds } = settings.slot;
  // What takes the disk of the head stops it: that waits for nobody.
  const stopsHead = hasSlotDisks(settings.config);
  const approved = async (): Promise<void> => {
    if (approvalSeconds === undefined) return;
    enter(work, 'approval');
    await waitForApproval(work, approvalSeconds);
  };
  if (stopsHead) await approved();
  if (settings.bound?.id === to) {
    enter(work, 'preparing');
    await prepareBound(work, settings.bound);
  }
  enter(work, 'verifying');
  const verifiedAt = await verify(work, to);
  const routed = await ensureSlot(work, live);
  if (!stopsHead) await approved();
  // Whoever approves a promotion approves what it does to the data. Then it has to be well with the schema that it will find.
  const isExpanded = await expandSchema(work, to);
  if (isExpanded || session.clock.monotonicSeconds() - verifiedAt > FRESH_SECONDS / 2) await verify(work, to);
  return routed;
}

async function verify({ session, hold, settings, run }: Forward, to: string): Promise<number> {
  const document = (await membersOf(session, hold.slot, [to])).get(to);
  if (document) {
    const { health } = settings.slot;
    // What was just given its disk has yet to start.
    const windowSeconds = hasSlotDisks(settings.config) ? windowOf(document, hold.slot.name) : READY_WINDOW_SECONDS;
    const options = { ...(health && { health }), windowSeconds };
    await session.briefly(
      `check environment ${to}`,
      (call) => passGate(session, document, options, { ...call, signal: AbortSignal.any([call.signal, run.signal]) }),
      GATE_SECONDS + windowSeconds,
    );
  }
  return session.clock.monotonicSeconds();
}

/** Makes the slot at its router, or changes its names and paths where they differ. */
async function ensureSlot(work: Forward, live: Slot | undefined): Promise<Slot> {
  const { session, hold, settings } = work;
  const { slot } = hold;
  const members = await membersOf(session, slot);
  const spec = slotSpec(session, slot.name, settings, [...members.values()]);
  // The document has a spec once the records of its names are written.
  const known = [live?.fingerprint ?? spec.fingerprint, slot.spec?.fingerprint];
  if (live?.phase === 'active' && known.every((one) => one === spec.fingerprint)) return live;
  return nameSlot(work, spec, members);
}

/** Nothing was done: to let go is enough. A process that was taken over may have routed: only a route of our own is sure to be the last. */
async function giveUp(work: Forward, why: ProviderError, usedBefore: ReadonlySet<string>): Promise<SlotOutcome> {
  const { hold } = work;
  if (why.code === 'superseded') return ended(why);
  if (!work.fresh) return goBack(work, why, false);
  if (!(await hold.put(abort))) return ended(superseded(work));
  await settle(work, usedBefore);
  enter(work, 'aborted');
  return ended(why);
}

/** The put that is the commit, and what comes after it. */
async function recordAndWatch(work: Forward, usedBefore: ReadonlySet<string>): Promise<SlotOutcome> {
  const { session, hold, settings } = work;
  const since = hold.slot.generation;
  await completeLedger(session, hold.slot);
  const bakeSeconds = work.bakeSeconds ?? settings.slot.bakeSeconds;
  const at = session.clock.now();
  const staysOwned = bakeSeconds > 0 || (await hasHeadServices(work)) || (await hasContract(work));
  const written = await hold.put((slot) =>
    record(slot, {
      release: releaseOf(work, 'promote'),
      at,
      pin: null,
      ...handedOver(work),
      ...(staysOwned && { bakeUntil: new Date(at.getTime() + bakeSeconds * 1000) }),
    }),
  );
  if (!written) {
    // Ours may have been there, with others on top of it.
    return (await hasMade(session, hold.slot.name, work.run.id, since)) ? DONE : ended(superseded(work));
  }
  if (staysOwned) return bake(work, usedBefore);
  enter(work, 'committed');
  await settle(work, usedBefore);
  enter(work, 'done');
  return DONE;
}
