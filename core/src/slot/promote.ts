import { newOperationId, startOperation } from '../engine/operation.ts';
import { findEnvironment } from '../environment/find.ts';
import { standOnFoundation } from '../foundation/stand-on.ts';
import type { PromoteRequest, PromotionResult } from '../host/slots.ts';
import type { Session } from '../host/session.ts';
import { ProviderError } from '../provider/error.ts';
import type { EnvironmentDocument } from '../state/documents.ts';
import type { Stored } from '../state/document-store.ts';
import { checkAutomatic } from './automatic.ts';
import { checkStages } from './check-stages.ts';
import { conclude, orLeave } from './conclude.ts';
import { hasSlotDisks } from './disks.ts';
import type { SlotDocument, SlotOwner } from './documents.ts';
import { refuseDriftUnlessMoved } from './drift.ts';
import { forward, type Forward } from './forward.ts';
import { SlotHold } from './hold.ts';
import type { PromoteInput } from './input.ts';
import { interruptionOf, tellOf } from './interruption.ts';
import { wasMade } from './ledger.ts';
import { SlotLife } from './life.ts';
import { abort, claim, emptySlot } from './moves.ts';
import { finishUnfinished } from './owned.ts';
import { pinEnvironment, unpinEnvironment } from './pins.ts';
import { awaitTurn } from './queue.ts';
import { existingResult, promotionResult } from './result.ts';
import type { Router } from './router.ts';
import { keepingOf, routerOf, slotSettings, type SlotSettings } from './settings.ts';
import type { Slot } from './slot.ts';
import { takenOver } from './whose.ts';
import { asProviderError, enter } from './work.ts';

/** A promotion that nothing speaks against, as far as it was looked at without writing. */
export interface Intended {
  readonly candidate: EnvironmentDocument;
  readonly settings: SlotSettings;
  readonly stored: Stored<SlotDocument> | undefined;
  readonly slot: SlotDocument;
  /** Where traffic is to go: the candidate, or the slot's own environment of its artefacts. */
  readonly to: string;
  readonly router: Router;
  /** Read before the claim. */
  readonly live: Slot | undefined;
}

/**
 * Sends a slot's traffic to another environment, without building anything again.
 * @throws ProviderError see `Slots.promote`.
 */
export async function promote(opened: Session, request: PromoteRequest): Promise<PromotionResult> {
  const session = withTimeout(opened, request.timeoutSeconds);
  session.giveSecrets(request.secrets ?? {});
  const startedSeconds = session.clock.monotonicSeconds();
  const life = new SlotLife();
  for (;;) {
    session.operations.signal.throwIfAborted();
    const intended = await intend(session, request, 'act', life);
    if (intended === 'again') continue;
    if (intended.slot.head === intended.to) return existingResult(session, intended.slot, 'promote');
    await tellOfInterruption(session, intended);
    const claimed = await claimSlot(session, request, intended, startedSeconds);
    if (!claimed) continue;
    if (request.wait === false) {
      await claimed.run.interrupt();
      return promotionResult(claimed, intended.slot, 'promote');
    }
    await conclude(claimed, () => forward(claimed, intended.live));
    return promotionResult(claimed, intended.slot, 'promote');
  }
}

/** Reads all that decides. @returns `again`: something was waited for or finished first. @throws ProviderError why not. */
export async function intend(
  session: Session,
  request: PromoteRequest,
  look: 'act' | 'only look' = 'act',
  life = new SlotLife(),
): Promise<Intended | 'again'> {
  const candidate = await findEnvironment(session, request.environment);
  if (candidate.phase !== 'ready') throw notReady(candidate);
  const settings = await slotSettings(session, request.slot, candidate);
  checkStages(settings, request);
  const stored = await session.briefly(`read slot ${request.slot}`, (call) =>
    session.documents.slots.get(request.slot, call),
  );
  life.check(stored?.document);
  if (stored?.document.owner && look === 'act') {
    if (request.automatic === true) await awaitTurn(session, request, candidate, stored);
    else await finishUnfinished(session, stored);
    return 'again';
  }
  const slot = stored?.document ?? {
    ...emptySlot(request.slot, candidate.provider),
    mechanism: settings.mechanism,
  };
  checkGeneration(slot, request.ifGeneration);
  const isThere = slot.generation > 0 && !slot.destroyed;
  if (isThere && slot.provider.name !== candidate.provider.name) throw otherProvider(slot, candidate);
  if (isThere && slot.mechanism !== settings.mechanism) throw otherMechanism(slot, settings);
  const to = settings.bound?.id ?? candidate.id;
  if (look === 'act') await standOnFoundation(session, candidate.provider, settings.config);
  if (request.automatic === true) await checkAutomatic(session, slot, candidate, request.allowOlder === true);
  const router = await routerOf(session, {
    provider: candidate.provider,
    mechanism: settings.mechanism,
    ...(settings.config.dns && { dns: settings.config.dns }),
  });
  const live = await router.read(slot.name);
  if (!(await refuseDriftUnlessMoved(session, slot, stored?.revision ?? null, live))) return 'again';
  return { candidate, settings, stored, slot, to, router, live };
}

/** Before anything is done. */
async function tellOfInterruption(session: Session, { settings, slot, to }: Intended): Promise<void> {
  if (!hasSlotDisks(settings.config)) return;
  const found = await session.briefly(`read environment ${to}`, (call) => session.documents.environments.get(to, call));
  const interruption = await interruptionOf(session, slot, found?.document ?? { id: to, config: settings.config });
  if (interruption) tellOf(session, slot.name, interruption);
}

/** @throws ProviderError `conflict`: the slot moved on since the caller looked. */
export function checkGeneration({ name, generation, head }: SlotDocument, expected: number | undefined): void {
  if (expected === undefined || expected === generation) return;
  throw new ProviderError(
    'conflict',
    `slot ${name} is at generation ${String(generation)} (${head ?? 'empty'}), not at ${String(expected)}`,
    { effect: 'none', hint: `clusternator slot show ${name}` },
  );
}

/**
 * The claim, the pin of the candidate and the operation's document, at the same time: the one write on the way to the flip.
 * @returns Undefined: another was faster, so look again.
 */
async function claimSlot(
  session: Session,
  request: PromoteRequest,
  { candidate, settings, stored, slot, to, router }: Intended,
  startedSeconds: number,
): Promise<Forward | undefined> {
  const id = newOperationId();
  const by = request.by ?? session.operations.identity.user;
  const owner: SlotOwner = { operation: id, run: 1, process: session.operations.identity };
  const hold = new SlotHold(session, owner, stored ?? { document: slot, revision: null });
  const { stages } = settings.slot;
  const input: PromoteInput = {
    slot: slot.name,
    environment: candidate.id,
    to,
    by,
    automatic: request.automatic === true,
    ...(request.reason !== undefined && { reason: request.reason }),
    ...(request.bakeSeconds !== undefined && { bakeSeconds: request.bakeSeconds }),
    ...(request.stages && { stages: [...request.stages] }),
  };
  const asked = request.stages ?? stages;
  const pin = { slot: slot.name, holder: id, epoch: slot.epoch + 1 };
  // Its own environment is made under the claim, with its pin in it.
  const pinned = to === candidate.id ? [pinBriefly(session, to, pin)] : [];
  const [claimed, started, ...pins] = await Promise.allSettled([
    hold.put((now) =>
      claim(now, owner, to, {
        keeping: keepingOf(settings),
        mechanism: settings.mechanism,
        provider: candidate.provider,
        ...(settings.config.dns && { dns: settings.config.dns }),
        ...(asked.length > 1 && { stages: asked }),
      }),
    ),
    startOperation(session.operations, { kind: 'promote', subject: slot.name, input, id }),
    ...pinned,
  ]);
  const run = started.status === 'fulfilled' ? started.value : undefined;
  const unpin = (): Promise<void> => unpinAttempt(session, to, pin);
  if (claimed.status === 'rejected') {
    // It may be there or not: whoever comes next finds out.
    await run?.interrupt();
    throw claimed.reason;
  }
  if (!claimed.value) {
    const made = await orLeave(run, async () => {
      await unpin();
      return wasMade(session, id, slot);
    });
    await run?.abort();
    if (!made) return undefined;
    throw takenOver(slot);
  }
  const refused = pins.find((one) => one.status === 'rejected');
  if (!run || refused?.status === 'rejected') {
    const isOurs = await orLeave(run, async () => {
      const aborted = await hold.put(abort);
      await unpin();
      return aborted;
    });
    const why = asProviderError(started.status === 'rejected' ? started.reason : refused?.reason);
    if (!isOurs) throw new ProviderError('superseded', why.message, { cause: why });
    await run?.fail(why);
    throw why;
  }
  const work = workOf(session, { run, hold, router, settings, by, startedSeconds }, input, true);
  enter(work, 'owned');
  return work;
}

/** What goes forward, of a promotion's own input. */
export function workOf(
  session: Session,
  parts: Pick<Forward, 'run' | 'hold' | 'router' | 'settings' | 'by' | 'startedSeconds'>,
  input: PromoteInput,
  fresh: boolean,
): Forward {
  return {
    ...parts,
    session,
    source: input.environment,
    fresh,
    warnings: [],
    ...(input.reason !== undefined && { reason: input.reason }),
    ...(input.bakeSeconds !== undefined && { bakeSeconds: input.bakeSeconds }),
    ...(input.stages && { stages: input.stages }),
  };
}

function pinBriefly(session: Session, id: string, pin: Parameters<typeof pinEnvironment>[2]): Promise<unknown> {
  return session.briefly(`pin environment ${id}`, (call) => pinEnvironment(session.documents, id, pin, call));
}

/** The pin of this attempt alone. */
async function unpinAttempt(
  session: Session,
  id: string,
  { slot, holder, epoch }: { readonly slot: string; readonly holder: string; readonly epoch: number },
): Promise<void> {
  const at = session.clock.now();
  await session.briefly(`unpin environment ${id}`, (call) =>
    unpinEnvironment(session.documents, id, { slot, upTo: epoch, holder, at }, call),
  );
}

/** After the time the operation is left to be resumed, as after an abort. */
export function withTimeout(session: Session, timeoutSeconds: number | undefined): Session {
  if (timeoutSeconds === undefined) return session;
  const { operations } = session;
  const signal = AbortSignal.any([operations.signal, AbortSignal.timeout(timeoutSeconds * 1000)]);
  return { ...session, operations: { ...operations, signal } };
}

function notReady({ id, phase, commit }: EnvironmentDocument): ProviderError {
  return new ProviderError('unhealthy', `environment ${id} can't be promoted: it is ${phase}`, {
    effect: 'none',
    hint: phase === 'gone' ? `clusternator env create --sha ${commit.slice(0, 12)}` : `clusternator env show ${id}`,
  });
}

function otherProvider(slot: SlotDocument, { id, provider }: EnvironmentDocument): ProviderError {
  return new ProviderError(
    'refused',
    `slot ${slot.name} is routed by ${slot.provider.name}, and environment ${id} runs on ${provider.name}`,
    { hint: 'use another slot, or a stage of its own for the other provider' },
  );
}

/** Each would know nothing of the routes of the other. */
function otherMechanism({ name, mechanism }: SlotDocument, settings: SlotSettings): ProviderError {
  const called = { router: 'its provider’s router', dns: 'DNS' };
  return new ProviderError(
    'refused',
    `slot ${name} moves by ${called[mechanism]}, and the config of this commit says ${called[settings.mechanism]}`,
    {
      effect: 'none',
      path: `slots.${name}.mechanism`,
      hint: `say \`mechanism: ${mechanism}\` for it, or use a slot of another name`,
    },
  );
}
