import type { Interruption } from '../host/slots.ts';
import type { Session } from '../host/session.ts';
import type { EnvironmentDocument } from '../state/documents.ts';
import { servicesOn, slotDisks } from './disks.ts';
import type { SlotDocument } from './documents.ts';
import { windowOf } from './gate.ts';

/** Of what was never seen here. Most programs end within it when they are asked to; what does not is waited for. */
const STOP_SECONDS = 10;
const ATTACH_SECONDS = 1;
/** Of a slot that moves by DNS: so long its former address is remembered. */
const DNS_SECONDS = 30;

/**
 * How long a slot would not answer because a disk goes from its head to another environment, and from what that is known.
 * @param to - One that is not made yet: by its config alone.
 * @returns Undefined: nothing has to stop.
 */
export async function interruptionOf(
  session: Session,
  slot: SlotDocument,
  to: Pick<EnvironmentDocument, 'id' | 'config' | 'spec'>,
): Promise<Interruption | undefined> {
  const { head: headId, name } = slot;
  if (headId === undefined || headId === to.id) return undefined;
  const disks = await slotDisks(session, name, to);
  if (disks.length === 0) return undefined;
  const head = await session.briefly(`read environment ${headId}`, (call) =>
    session.documents.environments.get(headId, call),
  );
  const { spec } = head?.document ?? {};
  const volumes = disks
    .filter(({ id, holder = headId }) => holder === headId && spec && servicesOn(spec, [id]).length > 0)
    .map(({ id }) => id);
  if (!head || volumes.length === 0) return undefined;
  const parts = partsOf(slot, head.document);
  return { volumes, from: headId, to: to.id, seconds: parts.reduce((sum, { seconds }) => sum + seconds, 0), parts };
}

/** Says it to whoever watches, before anything is done. */
export function tellOf(session: Session, slot: string, { seconds, volumes, from, to, parts }: Interruption): void {
  const made = parts.map((part) => `${part.what} ${rounded(part.seconds)} s (${part.basis})`).join(', ');
  session.emit({
    type: 'warning',
    message: `zero-downtime: no. Slot ${slot} will not answer for about ${rounded(seconds)} s while ${volumes.join(', ')} goes from ${from} to ${to}: ${made}`,
  });
}

function partsOf({ handover, mechanism, name }: SlotDocument, head: EnvironmentDocument): Interruption['parts'] {
  const last = 'as the last time';
  const dns = { what: 'dns', seconds: DNS_SECONDS, basis: 'its time to live' } as const;
  const own = handover
    ? ([
        { what: 'stop', seconds: handover.stopSeconds, basis: last },
        { what: 'attach', seconds: handover.attachSeconds, basis: last },
        { what: 'start', seconds: handover.startSeconds, basis: last },
      ] as const)
    : ([
        { what: 'stop', seconds: STOP_SECONDS, basis: 'a guess: it was not seen yet' },
        { what: 'attach', seconds: ATTACH_SECONDS, basis: 'a guess: it was not seen yet' },
        { what: 'start', ...startOf(head, name) },
      ] as const);
  return mechanism === 'dns' ? [...own, dns] : own;
}

/** Until it is healthy: as long as the head took, with all that came before. */
function startOf(head: EnvironmentDocument, slot: string): { readonly seconds: number; readonly basis: string } {
  const { createdAt, readyAt, id } = head;
  const seconds = readyAt === undefined ? NaN : (Date.parse(readyAt) - Date.parse(createdAt)) / 1000;
  if (seconds >= 0) return { seconds, basis: `as long as ${id} took to be made` };
  return { seconds: windowOf(head, slot), basis: 'as long as its health check allows' };
}

function rounded(seconds: number): string {
  return seconds < 1 ? seconds.toFixed(1) : String(Math.round(seconds));
}
