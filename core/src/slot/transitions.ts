/** Every state that a promotion, a rollback or the end of a slot can be in, and what leads from one to the next. The one place that says so: the guide's
 *  diagram is made from it, and `PhaseLog` refuses a step that is not in it. */
export const TRANSITIONS = {
  promote: [
    ['start', 'queued', 'automatic, and the slot is owned'],
    ['start', 'owned', 'claimed'],
    ['queued', 'owned', 'its turn'],
    ['queued', 'aborted', 'a newer one came'],
    ['owned', 'preflight', 'pinned'],
    ['owned', 'aborted', 'the environment is going'],
    ['preflight', 'preparing', 'the slot has settings of its own'],
    ['preflight', 'verifying', 'straight'],
    ['preflight', 'approval', 'somebody has to approve, and the head would stop'],
    ['preflight', 'aborted', 'drift, or refused'],
    ['preparing', 'handover', 'a disk is with the head'],
    ['preparing', 'verifying', 'made of the same artefacts'],
    ['preparing', 'aborted', 'it did not start'],
    ['handover', 'verifying', 'the disk changed hands'],
    ['handover', 'reverting', 'it did not start'],
    ['verifying', 'approval', 'somebody has to approve'],
    ['verifying', 'shifting', 'healthy'],
    ['verifying', 'aborted', 'not healthy'],
    ['verifying', 'reverting', 'not healthy, and it has the disk'],
    ['approval', 'preparing', 'approved, and then the head stops'],
    ['approval', 'shifting', 'approved'],
    ['approval', 'aborted', 'not approved in time'],
    ['shifting', 'baking', 'all traffic moved, and recorded'],
    ['shifting', 'committed', 'recorded, with nothing to watch'],
    ['shifting', 'reverting', 'turned bad, or unclear'],
    ['baking', 'committed', 'stayed healthy'],
    ['baking', 'reverting', 'turned bad'],
    ['committed', 'draining', 'the former head is let go'],
    ['draining', 'done', ''],
    ['reverting', 'reverted', 'back on the former head'],
    ['reverting', 'aborted', 'nothing had been routed'],
    ['reverting', 'degraded', 'it could not be turned back'],
    ['degraded', 'reverting', 'tried again'],
  ],
  rollback: [
    ['start', 'owned', 'bound to the generation that was seen'],
    ['owned', 'checking', ''],
    ['checking', 'shifting', 'healthy, and written down before it is routed'],
    ['checking', 'handover', 'a disk is with the head'],
    ['checking', 'aborted', 'the standby is not healthy'],
    ['handover', 'shifting', 'the disk changed hands, and it is healthy'],
    ['handover', 'aborted', 'not healthy: the head has its disk again'],
    ['handover', 'degraded', 'the disk could not be handed back'],
    ['shifting', 'done', 'recorded'],
    ['shifting', 'degraded', 'it could not be routed'],
    ['degraded', 'shifting', 'tried again'],
  ],
  destroy: [
    ['start', 'owned', 'bound to the generation that was seen'],
    ['owned', 'removing', 'written down before anything goes'],
    ['removing', 'destroyed', 'names and routes are gone, and that is recorded'],
  ],
} as const satisfies Record<string, readonly (readonly [from: string, to: string, why: string])[]>;

type Kind = keyof typeof TRANSITIONS;
type Transition = (typeof TRANSITIONS)[Kind][number];
/** Of a promotion, a rollback or the end of a slot. */
export type SlotState = Exclude<Transition[0] | Transition[1], 'start'>;

/** A state that nothing leads out of. */
export function isFinal(kind: Kind, state: SlotState): boolean {
  return !TRANSITIONS[kind].some(([from]) => from === state);
}

export function mayFollow(kind: Kind, from: SlotState | 'start', to: SlotState): boolean {
  return TRANSITIONS[kind].some((transition) => transition[0] === from && transition[1] === to);
}

/** The state machine as Mermaid draws it. @see https://mermaid.js.org/syntax/stateDiagram.html */
export function promotionDiagram(kind: Kind = 'promote'): string {
  const name = (state: string): string => (state === 'start' ? '[*]' : state);
  const arrows = TRANSITIONS[kind].map(([from, to, why]) => {
    const label = why === '' ? '' : `: ${why}`;
    return `  ${name(from)} --> ${name(to)}${label}`;
  });
  const states = [...new Set(TRANSITIONS[kind].map(([, to]) => to))];
  const ends = states.filter((state) => isFinal(kind, state)).map((state) => `  ${state} --> [*]`);
  return ['stateDiagram-v2', ...arrows, ...ends].join('\n');
}
