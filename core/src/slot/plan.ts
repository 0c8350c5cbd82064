import type { Interruption, PromoteRequest, PromotionPlan, RollbackRequest } from '../host/slots.ts';
import type { Session } from '../host/session.ts';
import { ProviderError } from '../provider/error.ts';
import { findEnvironment } from '../environment/find.ts';
import { refuseDrift } from './drift.ts';
import { interruptionOf } from './interruption.ts';
import { around } from './moves.ts';
import { checkGeneration, intend } from './promote.ts';
import { readSlot } from './read.ts';
import { checkTarget, target, warmthOf } from './rollback.ts';
import { routerOf } from './settings.ts';
import { memberView } from './view.ts';
import { membersOf } from './work.ts';

type Change = PromotionPlan['changes'][number];

/** What a promotion would do. Writes nothing. */
export async function planPromotion(session: Session, request: PromoteRequest): Promise<PromotionPlan> {
  const candidate = await findEnvironment(session, request.environment);
  const name = request.slot;
  const stored = await session.briefly(`read slot ${name}`, (call) => session.documents.slots.get(name, call));
  const slot = stored?.document;
  const members = new Map(slot ? await membersOf(session, slot, [candidate.id]) : []);
  members.set(candidate.id, candidate);
  const base = {
    slot: name,
    kind: 'promote' as const,
    ...(slot?.head !== undefined && { from: memberView(slot.head, members, { name }) }),
    to: memberView(candidate.id, members),
    interruptsSeconds: 0,
  };
  try {
    const intended = await intend(session, request, 'only look');
    if (intended === 'again') return { ...base, changes: [] };
    const { to, settings } = intended;
    const plan = { ...base, to: memberView(to, members, { commit: candidate.commit }) };
    if (to === slot?.head) return { ...plan, changes: [] };
    const owned = slot?.owner && {
      refused: { code: 'conflict' as const, message: `operation ${slot.owner.operation} owns slot ${name}` },
    };
    const keeps = [...(slot?.head === undefined ? [] : [slot.head]), ...(slot?.standbys ?? [])].filter(
      (one) => one !== to,
    );
    const isMade = settings.bound !== undefined && !members.has(to);
    const changes: Change[] = [
      ...(slot?.generation ? [] : [{ action: 'create' as const, what: `slot ${name}` }]),
      ...(isMade ? [{ action: 'create' as const, what: `environment ${to}, of the same artefacts` }] : []),
      { action: 'change', what: `slot ${name}: ${slot?.head ?? 'nothing'} → ${to}` },
      ...keeps.slice(settings.slot.standbys).map((what): Change => ({ action: 'destroy', what: `standby ${what}` })),
    ];
    const unmade = { id: to, config: settings.config };
    const interruption = slot && (await interruptionOf(session, slot, members.get(to) ?? unmade));
    return { ...plan, changes, ...interrupts(interruption), ...owned };
  } catch (error) {
    return { ...base, changes: [], refused: refusalOf(error) };
  }
}

/** What a rollback would do. Writes nothing. */
export async function planRollback(session: Session, request: RollbackRequest): Promise<PromotionPlan> {
  const { document: slot } = await readSlot(session, request.slot);
  const members = await membersOf(session, slot);
  const { name, head } = slot;
  const to = target(slot, request.to);
  const { passed } = around(slot, to);
  const base = {
    slot: name,
    kind: 'rollback' as const,
    ...(head !== undefined && { from: memberView(head, members, { name }) }),
    to: memberView(to, members),
    interruptsSeconds: 0,
    changes: [
      {
        action: 'change' as const,
        what: `slot ${name}: ${(slot.kind === 'promote' ? slot.to : head) ?? 'nothing'} → ${to}`,
      },
      ...passed.map((what) => ({ action: 'destroy' as const, what: `standby ${what}, an hour later` })),
    ],
  };
  try {
    checkGeneration(slot, request.ifGeneration);
    await refuseDrift(session, slot, await (await routerOf(session, slot)).read(name), members);
    const { isCold, interruption } = await warmthOf(session, slot, to);
    if (!isCold) await checkTarget(session, slot, to, false);
    return { ...base, ...interrupts(interruption) };
  } catch (error) {
    return { ...base, refused: refusalOf(error) };
  }
}

function interrupts(interruption: Interruption | undefined): Partial<PromotionPlan> {
  return interruption ? { interruptsSeconds: interruption.seconds, interruption } : {};
}

export function refusalOf(error: unknown): NonNullable<PromotionPlan['refused']> {
  if (!ProviderError.is(error)) throw error;
  const { hint } = error.detail;
  return { code: error.code, message: error.message, ...(hint !== undefined && { hint }) };
}
