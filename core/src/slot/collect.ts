import type { Session } from '../host/session.ts';
import { ProviderError } from '../provider/error.ts';
import type { EnvironmentDocument } from '../state/documents.ts';
import type { Stored } from '../state/document-store.ts';
import { busyOnes } from './busy.ts';
import type { SlotDocument } from './documents.ts';
import { dropFormerHosts } from './former-hosts.ts';
import { completeLedger } from './ledger.ts';
import { letGoOf } from './let-go.ts';
import { bump, emptySlot, letExpire, usedBy } from './moves.ts';
import { unpinEnvironment } from './pins.ts';
import { tidyQueues } from './queue.ts';
import { routerOf } from './settings.ts';
import { leadsTo } from './traffic.ts';

/** How long what was rolled back stays for diagnosis. */
export const REJECTED_SECONDS = 3600;

/** Completes ledgers, lets go of what slots kept only for a while, then of pins that no slot uses. @returns The environments that lost one. */
export async function collectPins(session: Session): Promise<readonly string[]> {
  await tidy(session);
  await tidyQueues(session);
  const found: string[] = [];
  for (const [id, slot] of await leftovers(session)) {
    if (await dropLeftover(session, id, slot, 'may raise')) found.push(id);
  }
  return found;
}

/** The pins that no slot seems to use: environment and slot. */
async function leftovers(session: Session): Promise<readonly (readonly [environment: string, slot: string])[]> {
  return session.briefly('look for pins', async (call) => {
    const pinned: EnvironmentDocument[] = [];
    for await (const { document } of session.documents.environments.list(call))
      if (Object.keys(document.pins).length > 0) pinned.push(document);
    const slots = new Map<string, SlotDocument>();
    for await (const { id, document } of session.documents.slots.list(call)) slots.set(id, document);
    return pinned.flatMap(({ id, pins }) =>
      Object.keys(pins)
        .filter((slot) => !usedBy(slots.get(slot)).has(id))
        .map((slot) => [id, slot] as const),
    );
  });
}

/**
 * The pins first, then the slot's document: a claim that is under way writes both. A pin that is newer than the slot may belong to a claim that
 * can still come: raising the slot's epoch makes that impossible, and then it is looked at again, once.
 */
async function dropLeftover(
  session: Session,
  id: string,
  name: string,
  mode: 'may raise' | 'raised',
): Promise<boolean> {
  const { environments, slots } = session.documents;
  const environment = await session.briefly(`read environment ${id}`, (call) => environments.get(id, call));
  const slot = await session.briefly(`read slot ${name}`, (call) => slots.get(name, call));
  const pins = Object.values(environment?.document.pins[name] ?? {});
  if (pins.length === 0 || usedBy(slot?.document).has(id)) return false;
  const epoch = slot?.document.epoch ?? 0;
  if (pins.some((pin) => pin > epoch)) {
    if (mode === 'raised' || slot?.document.owner || !environment) return false;
    // Its document was lost while it serves: to write an empty one would be to forget it.
    if (!slot && (await isServed(session, name, environment.document)) !== false) return false;
    if (!(await (slot ? raise(session, slot) : makeUnclaimed(session, name, environment.document, pins)))) return false;
    return dropLeftover(session, id, name, 'raised');
  }
  if (slot && environment && !slot.document.owner) {
    const routed = await isRouted(session, slot.document, environment.document);
    if (routed === 'unknown') return false;
    // Whoever took it from the slot died before the routes were written without it.
    if (routed) return letGoOf(session, id, name).then(() => true, leaveIt);
  }
  const at = session.clock.now();
  await session.briefly(`unpin environment ${id}`, (call) =>
    unpinEnvironment(session.documents, id, { slot: name, upTo: epoch, at }, call),
  );
  return true;
}

async function isRouted(
  session: Session,
  slot: SlotDocument,
  environment: EnvironmentDocument,
): Promise<boolean | 'unknown'> {
  try {
    return leadsTo(await (await routerOf(session, slot)).read(slot.name), environment);
  } catch (error) {
    if (ProviderError.is(error)) return 'unknown';
    throw error;
  }
}

/** Whether a slot without a document leads to an environment. */
async function isServed(
  session: Session,
  name: string,
  environment: EnvironmentDocument,
): Promise<boolean | 'unknown'> {
  const { capabilities } = await session.bind(environment.provider);
  const router = await isRouted(session, emptySlot(name, environment.provider), environment);
  if (router === true || !environment.config?.slots[name]) return router;
  try {
    const { dnsSlotOf } = await import('../rebuild/dns-slots.ts');
    const byDns = await dnsSlotOf(session, name, environment, new Map([[environment.id, environment]]));
    if (byDns) return byDns.document.head === environment.id;
    return capabilities['slots.router']?.can === 'yes' ? router : false;
  } catch (error) {
    if (ProviderError.is(error)) return 'unknown';
    throw error;
  }
}

/** It stays pinned, for the next one that comes by. */
function leaveIt(error: unknown): false {
  if (ProviderError.is(error)) return false;
  throw error;
}

async function tidy(session: Session): Promise<void> {
  const all = await session.briefly('read the slots', async (call) => {
    const found: Stored<SlotDocument>[] = [];
    for await (const stored of session.documents.slots.list(call)) found.push(stored);
    return found;
  });
  for (const stored of all) {
    await completeLedger(session, stored.document);
    await letGoOfExpired(session, stored);
  }
}

async function letGoOfExpired(session: Session, stored: Stored<SlotDocument>): Promise<void> {
  if (stored.document.owner) return;
  const busy = await busyOnes(session, stored.document);
  const expired = letExpire(stored.document, session.clock.now(), REJECTED_SECONDS, busy);
  const next = await dropFormerHosts(session, expired);
  if (next !== stored.document) await putIfSame(session, stored, next);
}

/** What a slot kept only for a while goes when its time is over: also for whoever is about to destroy it, before gc comes by. */
export async function letGoOfOne(session: Session, id: string, slots: readonly string[]): Promise<void> {
  for (const name of slots) {
    const stored = await session.briefly(`read slot ${name}`, (call) => session.documents.slots.get(name, call));
    if (stored) await letGoOfExpired(session, stored);
    await dropLeftover(session, id, name, 'may raise');
  }
}

/** The first claim of a slot expects that there is no document of it. */
function makeUnclaimed(
  session: Session,
  name: string,
  { provider }: EnvironmentDocument,
  pins: readonly number[],
): Promise<boolean> {
  const document = { ...emptySlot(name, provider), epoch: Math.max(...pins) };
  return putIfSame(session, { id: name, revision: null }, document);
}

function raise(session: Session, stored: Stored<SlotDocument>): Promise<boolean> {
  return putIfSame(session, stored, bump(stored.document));
}

/** @returns False: it moved meanwhile. */
async function putIfSame(
  session: Session,
  { id, revision }: { readonly id: string; readonly revision: string | null },
  next: SlotDocument,
): Promise<boolean> {
  try {
    await session.briefly(`write slot ${id}`, (call) => session.documents.slots.put(id, next, revision, call));
    return true;
  } catch (error) {
    if (ProviderError.is(error) && error.code === 'conflict') return false;
    throw error;
  }
}
