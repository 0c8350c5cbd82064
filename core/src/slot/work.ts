import type { OperationRun } from '../engine/operation.ts';
import type { Session } from '../host/session.ts';
import { ProviderError } from '../provider/error.ts';
import type { EnvironmentDocument } from '../state/documents.ts';
import type { ReleaseSource, SlotDocument } from './documents.ts';
import type { SlotHold } from './hold.ts';
import { completeLedger } from './ledger.ts';
import { around, usedBy } from './moves.ts';
import { unpinEnvironment } from './pins.ts';
import type { RouteOutcome, Router } from './router.ts';
import type { SlotSettings } from './settings.ts';
import type { Route, Slot } from './slot.ts';
import { routesFor, type Members } from './traffic.ts';
import type { SlotState } from './transitions.ts';

/** What all parts of a slot's operation work with. */
export interface SlotWork {
  readonly session: Session;
  readonly run: OperationRun;
  readonly hold: SlotHold;
  readonly router: Router;
  /** Of the commit that is promoted. Left out when the operation only goes back. */
  readonly settings?: SlotSettings;
  readonly by: string;
  readonly reason?: string;
  /** Monotonic. */
  readonly startedSeconds: number;
  flippedSeconds?: number;
  /** Where a disk of the slot went from one environment to the other, monotonic: since when the head did not answer. */
  handover?: { readonly sinceSeconds: number; stoppedSeconds?: number; heldSeconds?: number };
  state?: SlotState;
  readonly warnings: string[];
}

/**
 * How an operation ended that holds its slot no more. What it throws instead is not decided: then it stays, to be resumed.
 */
export type SlotOutcome = { readonly state: 'done' } | { readonly state: 'ended'; readonly error: ProviderError };

export const DONE: SlotOutcome = { state: 'done' };
export const ended = (error: ProviderError): Extract<SlotOutcome, { readonly state: 'ended' }> => ({
  state: 'ended',
  error,
});

const TITLES: Readonly<Partial<Record<SlotState, string>>> = {
  preparing: "make the slot's own environment",
  handover: 'hand the disk over',
  verifying: 'check that it is healthy',
  checking: 'check that it is healthy',
  approval: 'wait for approval',
  shifting: 'move the traffic',
  baking: 'watch it',
  reverting: 'move the traffic back',
  removing: 'take its names and routes away',
};

/** The operation is in another state now. Told at once, written with the next write of its journal. */
export function enter(work: SlotWork, state: SlotState): void {
  if (work.state === state) return;
  if (work.state !== undefined) work.run.note(work.state, TITLES[work.state] ?? work.state, 'done');
  work.state = state;
  work.run.note(state, TITLES[state] ?? state, 'started');
}

/** The documents of all environments that a slot has to do with. */
export async function membersOf(session: Session, slot: SlotDocument, more: readonly string[] = []): Promise<Members> {
  const ids = [...new Set([...usedBy(slot), ...more])];
  return session.briefly(`read the environments of ${slot.name}`, async (call) => {
    const found = await Promise.all(ids.map((id) => session.documents.environments.get(id, call)));
    return new Map(found.flatMap((one): [string, EnvironmentDocument][] => (one ? [[one.id, one.document]] : [])));
  });
}

/** The routes to `to` with a share of the traffic, and to the head with the rest, with the standbys that are then to be kept. */
export function routesOf(slot: SlotDocument, members: Members, percent = 100): readonly Route[] {
  const { to, head, kind } = slot;
  const rest =
    head !== undefined && head !== to && percent < 100 ? [{ environment: head, percent: 100 - percent }] : [];
  const shares = to === undefined ? [] : [{ environment: to, percent: rest.length > 0 ? percent : 100 }];
  const kept = around(slot, to).standbys;
  const behind = kind === 'promote' && head !== undefined ? [head, ...kept] : kept;
  const standbys = behind.filter((one) => one !== to && one !== slot.left).slice(0, (slot.keeping ?? slot).retain);
  return routesFor([...shares, ...rest], standbys, members, slot.mechanism);
}

/** The routes of a slot on which nothing goes on. */
export function restingRoutes(slot: SlotDocument, members: Members): readonly Route[] {
  const shares = slot.head === undefined ? [] : [{ environment: slot.head, percent: 100 }];
  return routesFor(shares, slot.standbys.slice(0, slot.retain), members, slot.mechanism);
}

/** Writes routes under the owner's epoch, and only while it still is the owner, as far as its router can hold to that. */
export function writeRoutes(
  { hold, router }: Pick<SlotWork, 'hold' | 'router'>,
  seen: Slot,
  routes: readonly Route[],
): Promise<RouteOutcome> {
  return router.write(seen, routes, stampOf(hold.slot), () => hold.isStillOurs());
}

export function stampOf({ epoch }: SlotDocument): string {
  return String(epoch);
}

export function releaseOf(work: SlotWork, kind: ReleaseSource['kind']): ReleaseSource {
  return {
    operation: work.run.id,
    kind,
    by: work.by,
    at: work.session.clock.now().toISOString(),
    ...(work.reason !== undefined && { reason: work.reason }),
  };
}

/** How long it took, once traffic is where the disk is: what the next one is expected to take. */
export function handedOver({ handover, flippedSeconds }: SlotWork): Pick<SlotDocument, 'handover'> {
  if (handover?.stoppedSeconds === undefined || handover.heldSeconds === undefined || flippedSeconds === undefined)
    return {};
  const { sinceSeconds, stoppedSeconds, heldSeconds } = handover;
  return {
    handover: {
      stopSeconds: stoppedSeconds - sinceSeconds,
      attachSeconds: heldSeconds - stoppedSeconds,
      startSeconds: flippedSeconds - heldSeconds,
    },
  };
}

/** Off the path, once the slot's document has let go: the ledger's line, then the pins of what is not used any more. */
export async function settle(work: SlotWork, usedBefore: ReadonlySet<string>): Promise<void> {
  const { session, hold, router, run } = work;
  const { slot } = hold;
  const used = usedBy(slot);
  const dropped = [...usedBefore].filter((one) => !used.has(one));
  try {
    await completeLedger(session, slot);
    // A route that was slow to be written may still lead there.
    if (dropped.length > 0) await router.outwaitLateWrites(run.signal);
    await session.briefly(`unpin what ${slot.name} let go`, async (call) => {
      const at = session.clock.now();
      for (const id of dropped)
        await unpinEnvironment(session.documents, id, { slot: slot.name, upTo: slot.epoch, at }, call);
    });
  } catch (error) {
    // What counts is on record. The next to own the slot completes the ledger, and gc drops the pins.
    work.warnings.push(`slot ${slot.name} was not tidied up: ${asProviderError(error).message}`);
  }
}

export function superseded({ hold }: { readonly hold: Pick<SlotHold, 'slot'> }): ProviderError {
  const { name } = hold.slot;
  return new ProviderError(
    'superseded',
    `slot ${name} was taken over by another operation; this one does nothing more`,
    {
      hint: `clusternator slot show ${name}`,
    },
  );
}

export function asProviderError(error: unknown): ProviderError {
  if (ProviderError.is(error)) return error;
  return new ProviderError('internal', error instanceof Error ? error.message : String(error), { cause: error });
}
