import type { TrafficShare } from '../host/slots.ts';
import type { Session } from '../host/session.ts';
import { ProviderError } from '../provider/error.ts';
import type { SlotDocument } from './documents.ts';
import type { Slot } from './slot.ts';
import { describeTraffic, mayServe, trafficOf, type Members } from './traffic.ts';
import { membersOf } from './work.ts';

/** What the document says that is served. */
export function expectedTraffic({ head }: SlotDocument, members: Members): readonly TrafficShare[] {
  if (head === undefined) return [];
  const commit = members.get(head)?.commit;
  return [{ environment: head, percent: 100, ...(commit !== undefined && { commit }) }];
}

/** What a router serves, in the names of all environments that there are. */
export async function liveTraffic(
  session: Session,
  live: Slot | undefined,
  members: Members,
): Promise<readonly TrafficShare[]> {
  const traffic = trafficOf(live, members);
  if (traffic.every(({ environment }) => environment !== undefined)) return traffic;
  const all = new Map(members);
  await session.briefly('read the environments', async (call) => {
    for await (const { id, document } of session.documents.environments.list(call)) all.set(id, document);
  });
  return trafficOf(live, all);
}

/**
 * Live truth beats the document: when the routes are not those that we wrote, nothing is overwritten.
 * @returns What is served. @throws ProviderError `drifted`, with both sides.
 */
export async function refuseDrift(
  session: Session,
  slot: SlotDocument,
  live: Slot | undefined,
  known?: Members,
): Promise<readonly TrafficShare[]> {
  const members = known ?? (await membersOf(session, slot));
  const traffic = trafficOf(live, members);
  if (mayServe(traffic, slot) || isBeingNamed(live, slot)) return traffic;
  const found = await liveTraffic(session, live, members);
  throw new ProviderError(
    'drifted',
    `slot ${slot.name} should serve ${describeTraffic(expectedTraffic(slot, members))}, but its router serves ${describeTraffic(found)}`,
    {
      hint: `clusternator slot repair ${slot.name} writes it again as it should be; clusternator slot adopt ${slot.name} takes it as it is`,
    },
  );
}

/** Names that a slot by DNS is just being given, in the place of all that it had: nothing was ever routed there. */
function isBeingNamed(live: Slot | undefined, { mechanism, owner }: SlotDocument): boolean {
  return mechanism === 'dns' && owner !== undefined && live?.handle.unrouted === 'true';
}

/**
 * As `refuseDrift`, of a document that may have moved while its router was asked: then the routes are those of its next generation.
 * @param revision - Under which the document was read. Null: there was none.
 * @returns Undefined: it moved, so look again.
 */
export async function refuseDriftUnlessMoved(
  session: Session,
  slot: SlotDocument,
  revision: string | null,
  live: Slot | undefined,
): Promise<readonly TrafficShare[] | undefined> {
  try {
    return await refuseDrift(session, slot, live);
  } catch (error) {
    if (!ProviderError.is(error) || error.code !== 'drifted') throw error;
    const now = await session.briefly(`read slot ${slot.name}`, (call) => session.documents.slots.get(slot.name, call));
    if ((now?.revision ?? null) === revision) throw error;
    return undefined;
  }
}
