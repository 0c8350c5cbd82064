import { newOperationId } from '../engine/operation.ts';
import type { Session } from '../host/session.ts';
import { ProviderError } from '../provider/error.ts';
import type { SlotDocument } from '../slot/documents.ts';
import { emptySlot } from '../slot/moves.ts';
import { keepingOf, slotSettings, slotSpec } from '../slot/settings.ts';
import type { Slot } from '../slot/slot.ts';
import { describeTraffic, leadsTo, trafficOf, type Members } from '../slot/traffic.ts';
import type { EnvironmentDocument } from '../state/documents.ts';
import type { Planned } from './environments.ts';
import type { Unknown } from './result.ts';

/** How long what can't be asked any more may take to let go of its requests. */
const LONGEST_DRAIN_SECONDS = 3600;
const WHY = 'the state was rebuilt';

/** What a slot is beside what its router tells. */
export type SlotPlace = Pick<SlotDocument, 'mechanism' | 'provider'> & Partial<Pick<SlotDocument, 'dns' | 'spec'>>;

/**
 * A slot as its router has it: a release of its own, of a generation that was never there. Nothing is routed.
 * @param members - All environments that there are.
 */
export async function slotDocument(
  session: Session,
  live: Slot,
  members: Members,
  place: SlotPlace,
): Promise<Planned<SlotDocument>> {
  const { id: name } = live;
  const shares = sharesOf(live, members);
  const [first, ...others] = shares;
  const head = first === undefined ? undefined : members.get(first);
  const standbys = [...new Set([...others, ...standbysOf(live, members)])].filter((id) => id !== first);
  const serves = live.routes.some(({ percent }) => percent > 0);
  const epoch = nextEpoch(session, live);
  const at = session.clock.now().toISOString();
  const settings = head && (await settingsOf(session, name, head));
  const kept = standbys.flatMap((id) => members.get(id) ?? []);
  const spec = place.spec ?? (settings && slotSpec(session, name, settings, [head, ...kept]));
  const url =
    live.url ?? (spec?.hosts[0] === undefined ? undefined : `${spec.tls ? 'https' : 'http'}://${spec.hosts[0]}`);
  const document: SlotDocument = {
    ...emptySlot(name, head?.provider ?? place.provider),
    retain: standbys.length,
    drainSeconds: LONGEST_DRAIN_SECONDS,
    ...(settings && keepingOf(settings)),
    mechanism: place.mechanism,
    epoch,
    generation: epoch,
    standbys,
    ...(place.dns && { dns: place.dns }),
    ...(first !== undefined && {
      head: first,
      release: { operation: newOperationId(), kind: 'adopt', by: session.operations.identity.user, at, reason: WHY },
    }),
    ...(serves && {
      pinned: {
        by: session.operations.identity.user,
        at,
        why: `${WHY}: whether automatic promotions were held is not known`,
      },
    }),
    ...(spec && { spec }),
    ...(url !== undefined && { url }),
  };
  return { document, unknown: unknownOf(document, live, members) };
}

/** Those that serve, the largest share first: of a split that nobody goes on with, that is the head. */
function sharesOf(live: Slot, members: Members): readonly string[] {
  const percent = new Map<string, number>();
  for (const { environment, percent: share } of trafficOf(live, members))
    if (environment !== undefined) percent.set(environment, (percent.get(environment) ?? 0) + share);
  const age = (id: string): string => members.get(id)?.createdAt ?? '';
  return [...percent.keys()].sort(
    (a, b) => (percent.get(b) ?? 0) - (percent.get(a) ?? 0) || age(a).localeCompare(age(b)),
  );
}

function standbysOf(live: Slot, members: Members): readonly string[] {
  return live.routes
    .filter(({ percent }) => percent === 0)
    .flatMap((route) => {
      const found = [...members.values()].find((one) => leadsTo({ ...live, routes: [route] }, one));
      return found ? [found.id] : [];
    });
}

/**
 * Above all that there were: each generation takes an epoch of its own at least, and the stamp is the epoch of the last routes. Where the router
 * keeps none, the seconds since 1970 are more than there can have been.
 */
function nextEpoch(session: Session, { stamp, routes }: Slot): number {
  const last = stamp !== undefined && /^\d{1,15}$/.test(stamp) ? Number(stamp) : undefined;
  if (last !== undefined) return last + 1;
  return routes.length === 0 ? 0 : Math.floor(session.clock.now().getTime() / 1000);
}

/** Undefined: its config is not known, or has no such slot. */
async function settingsOf(session: Session, name: string, head: EnvironmentDocument) {
  try {
    return await slotSettings(session, name, head);
  } catch (error) {
    if (ProviderError.is(error) && (error.code === 'refused' || error.code === 'not-found')) return undefined;
    throw error;
  }
}

function unknownOf({ name, head, generation, pinned }: SlotDocument, live: Slot, members: Members): readonly Unknown[] {
  const traffic = trafficOf(live, members);
  const found: Unknown[] = [];
  if (traffic.some(({ environment }) => environment === undefined))
    found.push({
      what: `what it serves: ${describeTraffic(traffic)}`,
      hint: `clusternator slot repair ${name} sends all of it to ${head ?? 'nothing'}`,
    });
  else if (traffic.length > 1)
    found.push({
      what: `where a promotion was to go: it serves ${describeTraffic(traffic)}`,
      hint: `clusternator slot repair ${name} sends all of it to ${head ?? 'nothing'}`,
    });
  if (generation > 0)
    found.push({
      what: `its releases before generation ${String(generation)}, and what was rolled back`,
    });
  if (pinned)
    found.push({ what: 'whether automatic promotions were held: they are', hint: `clusternator slot unpin ${name}` });
  return found;
}
