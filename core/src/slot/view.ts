import { describeOwner, livenessOf, type ProcessIdentity } from '../engine/identity.ts';
import type { ReleaseView, SlotMember, SlotOperationView, SlotView } from '../host/slots.ts';
import type { Session } from '../host/session.ts';
import type { OperationDocument } from '../state/documents.ts';
import type { ReleaseDocument, SlotDocument, SlotOwner } from './documents.ts';
import { onlyFollows } from './moves.ts';
import { waitingFor } from './queue.ts';
import type { Members } from './traffic.ts';
import type { SlotState } from './transitions.ts';
import { isFinal } from './transitions.ts';

/** A slot as commands show it, from the state alone. */
export async function slotView(session: Session, slot: SlotDocument, members: Members): Promise<SlotView> {
  const { name, generation, head, standbys, rejected, draining, mechanism, pinned, url, spec, owner } = slot;
  const [operation, queued] = await Promise.all([owner && operationOf(session, owner), waitingFor(session, name)]);
  return {
    name,
    generation,
    state: stateOf(slot, operation),
    mechanism,
    ...(url !== undefined && { url }),
    ...(head !== undefined && { head: memberView(head, members, { name, ...(url !== undefined && { url }) }) }),
    standbys: standbys.map((id, at) => {
      const host = spec?.standbyHosts[at];
      const address = host === undefined || url === undefined ? undefined : withHost(url, host);
      return memberView(id, members, {
        name: `${name}.${String(at + 1)}`,
        ...(address !== undefined && { url: address }),
      });
    }),
    rejected: rejected.map(({ environment, since }) => memberView(environment, members, { since })),
    draining: draining.map(({ environment, until }) => memberView(environment, members, { until })),
    ...(pinned && { pinned }),
    ...(owner && { operation: operationView(session, slot, owner, operation, members) }),
    // Whoever waits takes a free slot at once: what is written of a slot that is free waits no more.
    ...(queued && owner && { queued: { operation: queued.operation, environment: queued.environment, at: queued.at } }),
  };
}

export function memberView(id: string, members: Members, more: Partial<SlotMember> = {}): SlotMember {
  const document = members.get(id);
  return {
    environment: id,
    commit: document?.commit ?? id.split('@')[0] ?? id,
    phase: document?.phase ?? 'gone',
    ...(document?.subject !== undefined && { subject: document.subject }),
    ...(document?.author !== undefined && { author: document.author }),
    ...more,
  };
}

export function releaseView(release: ReleaseDocument): ReleaseView {
  const { schema: _, slot: _slot, ...line } = release;
  return line;
}

/** Router and standbys listen at the same port. */
function withHost(url: string, host: string): string {
  const address = new URL(url);
  address.hostname = host;
  return address.href;
}

function operationView(
  session: Session,
  { kind = 'promote', to, left, approval, bakeUntil }: SlotDocument,
  owner: SlotOwner,
  operation: OperationDocument | undefined,
  members: Members,
): SlotOperationView {
  const { identity, liveness = (one: ProcessIdentity) => livenessOf(one, identity) } = session.operations;
  const isLeft = operation !== undefined && operation.state !== 'running';
  return {
    id: owner.operation,
    kind,
    owner: describeOwner(owner.process),
    alive: !isLeft && liveness(owner.process) !== 'dead',
    ...(to !== undefined && { to: memberView(to, members) }),
    ...(left !== undefined && { left: memberView(left, members) }),
    ...(approval && { approval }),
    ...(bakeUntil !== undefined && { bakeUntil }),
  };
}

async function operationOf(session: Session, { operation }: SlotOwner): Promise<OperationDocument | undefined> {
  const found = await session.briefly(`read operation ${operation}`, (call) =>
    session.documents.operations.get(operation, call),
  );
  return found?.document;
}

/** As the operation noted it last, where that fits what the slot's document says. */
function stateOf(slot: SlotDocument, operation: OperationDocument | undefined): SlotView['state'] {
  const { owner, kind, approval } = slot;
  if (!owner) return 'idle';
  if (kind === 'bake') return onlyFollows(slot) ? 'shifting' : 'baking';
  if (approval && approval.at === undefined) return 'approval';
  const noted = operation?.steps.findLast(({ id }) => isState(id))?.id;
  if (noted !== undefined && isState(noted) && !isFinal('promote', noted)) return noted;
  if (kind === 'destroy') return 'removing';
  return kind === 'rollback' ? 'shifting' : 'owned';
}

const STATES: ReadonlySet<string> = new Set<SlotState>([
  'owned',
  'preflight',
  'preparing',
  'handover',
  'verifying',
  'approval',
  'shifting',
  'reverting',
  'degraded',
  'checking',
  'removing',
]);
function isState(text: string): text is SlotState {
  return STATES.has(text);
}
