import type { SlotMember, SlotView } from '../host/slots.ts';
import type { Session } from '../host/session.ts';
import { nearest } from '../names/nearest.ts';
import { ProviderError } from '../provider/error.ts';
import type { Call } from '../provider/host.ts';
import type { ReleaseDocument, SlotDocument } from './documents.ts';
import { expectedTraffic, liveTraffic } from './drift.ts';
import { wasDestroyed } from './ending.ts';
import { lookAt } from './gate.ts';
import { releaseId } from './ledger.ts';
import { routerOf } from './settings.ts';
import { mayServe, type Members } from './traffic.ts';
import { releaseView, slotView } from './view.ts';
import { membersOf } from './work.ts';

const RELEASES_SHOWN = 5;
const HEALTH_SECONDS = 10;

/** All slots, by name: those of the state, and those of the work tree's config that nothing was promoted to yet. */
export async function listSlots(session: Session, configured: readonly string[]): Promise<readonly SlotView[]> {
  const documents = await session.briefly('read the slots', async (call) => {
    const all: SlotDocument[] = [];
    for await (const { document } of session.documents.slots.list(call)) if (!document.destroyed) all.push(document);
    return all;
  });
  const views = await Promise.all(
    documents.map(async (slot) => slotView(session, slot, await membersOf(session, slot))),
  );
  const empty = configured.filter((name) => !documents.some((slot) => slot.name === name)).map(emptyView);
  return [...views, ...empty].sort((a, b) => (a.name < b.name ? -1 : 1));
}

/** One slot, with what its router and the providers say now. @throws ProviderError `not-found`. */
export async function showSlot(session: Session, name: string, configured: readonly string[]): Promise<SlotView> {
  const stored = await session.briefly(`read slot ${name}`, (call) => session.documents.slots.get(name, call));
  if (!stored || stored.document.destroyed) {
    if (configured.includes(name)) return emptyView(name);
    if (stored?.document.destroyed) throw wasDestroyed(stored.document, stored.document.destroyed);
    const known = [...configured, ...(await listSlots(session, [])).map((slot) => slot.name)];
    const meant = nearest(name, known);
    throw new ProviderError('not-found', `there is no slot "${name}"`, {
      hint: meant === undefined ? 'clusternator slot list' : `did you mean ${meant}?`,
    });
  }
  const slot = stored.document;
  const members = await membersOf(session, slot);
  const [view, releases, routing] = await Promise.all([
    slotView(session, slot, members),
    newestReleases(session, slot, { limit: RELEASES_SHOWN }),
    routingOf(session, slot, members),
  ]);
  const withHealth = (list: readonly SlotMember[]): Promise<SlotMember[]> =>
    Promise.all(list.map((member) => withHealthOf(session, slot, member, members)));
  const [heads, standbys, rejected] = await Promise.all([
    withHealth(view.head ? [view.head] : []),
    withHealth(view.standbys),
    withHealth(view.rejected),
  ]);
  return {
    ...view,
    ...(heads[0] && { head: heads[0] }),
    standbys,
    rejected,
    releases: releases.map(releaseView),
    ...routing,
  };
}

/** Newest first. @param before - Only older generations. */
export async function newestReleases(
  session: Session,
  { name, generation }: Pick<SlotDocument, 'name' | 'generation'>,
  page: { readonly limit: number; readonly before?: number },
): Promise<readonly ReleaseDocument[]> {
  return session.briefly(`read the releases of ${name}`, async (call) => {
    const found: ReleaseDocument[] = [];
    const first = Math.min(generation, (page.before ?? Infinity) - 1);
    for (let at = first; at > 0 && found.length < page.limit; at--) {
      const release = await session.documents.releases.get(releaseId(name, at), call);
      if (release) found.push(release.document);
      else at = (await newestBefore(session, name, at, call)) + 1;
    }
    return found;
  });
}

/** Of a ledger with a gap, as after a rebuild of the state: the newest generation before it. 0: there is none. */
async function newestBefore(session: Session, name: string, generation: number, call: Call): Promise<number> {
  let newest = 0;
  for await (const id of session.documents.releases.ids(call, { prefix: `${name}/` })) {
    if (id < releaseId(name, generation)) newest = Number(id.slice(name.length + 1));
  }
  return newest;
}

async function routingOf(
  session: Session,
  slot: SlotDocument,
  members: Members,
): Promise<Pick<SlotView, 'traffic' | 'drift'>> {
  try {
    const router = await routerOf(session, slot);
    const traffic = await liveTraffic(session, await router.read(slot.name), members);
    if (mayServe(traffic, slot)) return { traffic };
    return { traffic, drift: { expected: expectedTraffic(slot, members), found: traffic } };
  } catch (error) {
    session.emit({
      type: 'warning',
      message: `the router of ${slot.name} could not be asked: ${error instanceof Error ? error.message : String(error)}`,
    });
    return {};
  }
}

async function withHealthOf(
  session: Session,
  slot: SlotDocument,
  member: SlotMember,
  members: Members,
): Promise<SlotMember> {
  const document = members.get(member.environment);
  if (document?.phase !== 'ready') return member;
  try {
    const health = document.config?.slots[slot.name]?.health;
    const { troubles } = await session.briefly(
      `look at ${document.id}`,
      (call) => lookAt(session, document, health, call),
      HEALTH_SECONDS,
    );
    return { ...member, healthy: troubles.length === 0, ...(troubles.length > 0 && { message: troubles.join('; ') }) };
  } catch (error) {
    return { ...member, message: error instanceof Error ? error.message : String(error) };
  }
}

function emptyView(name: string): SlotView {
  return { name, generation: 0, state: 'idle', mechanism: 'router', standbys: [], rejected: [], draining: [] };
}
