import { pollUntilSettled, type Polled } from '../engine/poll.ts';
import { newOperationId, resumeOperation } from '../engine/operation.ts';
import type { Reasoned } from '../host/slots.ts';
import type { Session } from '../host/session.ts';
import { ProviderError } from '../provider/error.ts';
import type { Call } from '../provider/host.ts';
import type { SlotDocument, SlotOwner } from './documents.ts';
import { liveTraffic } from './drift.ts';
import { mountsDisk } from './disks.ts';
import { SlotHold } from './hold.ts';
import { completeLedger } from './ledger.ts';
import { bump, usedBy } from './moves.ts';
import { NAMED_SECONDS, writeNames } from './names.ts';
import { finishPastDrift } from './owned.ts';
import { pinEnvironment, unpinEnvironment } from './pins.ts';
import { readSlot } from './read.ts';
import type { Router } from './router.ts';
import { routerOf } from './settings.ts';
import type { Slot } from './slot.ts';
import { describeTraffic } from './traffic.ts';
import { membersOf, restingRoutes, stampOf } from './work.ts';

const TRIES = 20;

/** Lets a promotion go on. Where its process is gone, this one goes on with it. @throws ProviderError `conflict`: none waits. */
export async function approve(session: Session, name: string, why: Reasoned): Promise<SlotDocument> {
  const by = why.by ?? session.operations.identity.user;
  const at = session.clock.now().toISOString();
  const { document } = await session.briefly(`approve the promotion of ${name}`, (call) =>
    session.documents.slots.update(
      name,
      (slot) => {
        if (!slot.owner || !slot.approval) {
          throw new ProviderError('conflict', `no promotion of ${name} waits for approval`, {
            hint: `clusternator slot show ${name}`,
          });
        }
        if (slot.approval.at !== undefined) return undefined;
        const reason = why.reason === undefined ? {} : { reason: why.reason };
        return { ...slot, approval: { ...slot.approval, by, at, ...reason } };
      },
      call,
    ),
  );
  await carryOnIfLeft(session, document);
  return (await readSlot(session, name)).document;
}

/** Lets automatic promotions go on. */
export async function unpin(session: Session, name: string): Promise<SlotDocument> {
  await readSlot(session, name);
  const { document } = await session.briefly(`unpin slot ${name}`, (call) =>
    session.documents.slots.update(name, ({ pinned, ...slot }) => (pinned === undefined ? undefined : slot), call),
  );
  return document;
}

/**
 * Writes the routes again as the state says, whoever changed them, and starts what the head lacks on its disks. What is unfinished is finished or
 * turned back first. Then what is missing of its names: traffic is worth more than those.
 */
export async function repair(session: Session, name: string): Promise<SlotDocument> {
  await idly(session, name, 'ours', async (hold) => {
    const router = await routerOf(session, hold.slot);
    const seen = await router.read(name); // before the put that raises the epoch
    if (!(await hold.put(bump))) return false;
    const live = seen ?? (hold.slot.spec && (await router.ensure(hold.slot.spec)));
    if (!live) throw new ProviderError('not-found', `slot ${name} is not at its router, and was never promoted to`);
    const members = await membersOf(session, hold.slot);
    const outcome = await router.write(live, restingRoutes(hold.slot, members), stampOf(hold.slot));
    if (outcome.state === 'unclear')
      throw new ProviderError('unavailable', `the router of ${name} gave no clear answer`, { effect: 'unknown' });
    if (outcome.state !== 'done') return false;
    await holdDisks(session, hold);
    return true;
  });
  return repairNames(session, name);
}

/** Until all are served. Nothing is routed by what the router says of them. */
async function repairNames(session: Session, name: string): Promise<SlotDocument> {
  const doing = `name slot ${name}`;
  let document: SlotDocument | undefined;
  const once = async (call: Call): Promise<Polled> => {
    let made: Polled = { phase: 'active' };
    document = await idly(session, name, 'ours', async (hold) => {
      const { spec } = hold.slot;
      if (!spec) return true;
      if (!(await hold.put(bump))) return false; // who owns it by now names it
      const slot = await (await routerOf(session, hold.slot)).ensure(spec, call);
      made = slot;
      // Whoever made it last may have died before its records were written.
      return writeNames(session, hold, slot.records ?? []);
    });
    return made;
  };
  const { phase, message = `it is ${phase}` } = await session.briefly(
    doing,
    (call) => pollUntilSettled(() => once(call), { clock: session.clock, call, doing, longestSeconds: 10 }),
    NAMED_SECONDS,
  );
  if (document && phase === 'active') return document;
  throw new ProviderError('unavailable', `${doing}: ${message}`, { effect: 'applied' });
}

/** Takes what the router serves as the head: a release of its own. @throws ProviderError `not-found`, `refused`. */
export async function adopt(session: Session, name: string, why: Reasoned): Promise<SlotDocument> {
  const operation = newOperationId();
  return idly(session, name, 'theirs', async (hold) => {
    const { slot } = hold;
    const router = await routerOf(session, slot);
    const seen = await router.read(name); // before the put that raises the epoch
    const traffic = await liveTraffic(session, seen, await membersOf(session, slot));
    const [only, ...more] = traffic;
    if (!only?.environment || more.length > 0) {
      throw new ProviderError(
        only?.environment === undefined ? 'not-found' : 'refused',
        `slot ${name} serves ${describeTraffic(traffic)}: that is not one environment of the state`,
        { hint: `clusternator slot repair ${name} writes the routes again as they should be` },
      );
    }
    const found = only.environment;
    if (found === slot.head) return true;
    const pin = { slot: name, holder: operation, epoch: slot.epoch + 1 };
    await session.briefly(`pin environment ${found}`, (call) => pinEnvironment(session.documents, found, pin, call));
    await completeLedger(session, slot);
    const usedBefore = usedBy(slot);
    const at = session.clock.now();
    const adopted = await hold.put((now) =>
      adoption(now, found, operation, why.by ?? hold.owner.process.user, at, why),
    );
    if (!adopted) {
      await session.briefly(`unpin environment ${found}`, (call) =>
        unpinEnvironment(session.documents, found, { slot: name, upTo: pin.epoch, holder: operation, at }, call),
      );
      return false;
    }
    await completeLedger(session, hold.slot);
    if (seen) await stampRoutes(session, hold, router, seen);
    const used = usedBy(hold.slot);
    await session.briefly(`unpin what ${name} let go`, async (call) => {
      for (const id of usedBefore) {
        if (used.has(id)) continue;
        await unpinEnvironment(session.documents, id, { slot: name, upTo: hold.slot.epoch, at }, call);
      }
    });
    await holdDisks(session, hold);
    return true;
  });
}

/**
 * Gives routes that were taken as they are the stamp of the generation that took them: no stamp is then older than the generation. Where that
 * fails they lead to the head all the same.
 */
async function stampRoutes(session: Session, { slot }: SlotHold, router: Router, seen: Slot): Promise<void> {
  try {
    await router.write(seen, restingRoutes(slot, await membersOf(session, slot)), stampOf(slot));
  } catch (error) {
    if (!ProviderError.is(error)) throw error;
    session.emit({ type: 'warning', message: `the routes of ${slot.name} keep their stamp: ${error.message}` });
  }
}

/** The head of a slot that nobody owns has the slot's disks, and runs on them. @throws ProviderError why they can't be handed over. */
async function holdDisks(session: Session, { slot }: SlotHold): Promise<void> {
  const head = slot.head === undefined ? undefined : (await membersOf(session, slot)).get(slot.head);
  if (!head || !mountsDisk(head)) return;
  const { handBack } = await import('./handover.ts');
  const isStillOurs = async (): Promise<boolean> => {
    const { document } = await readSlot(session, slot.name);
    return document.epoch === slot.epoch && document.owner === undefined;
  };
  const run = { signal: session.operations.signal, note: () => undefined };
  const handed = await handBack({ session, hold: { slot, isStillOurs }, run }, head);
  if (handed.state === 'stuck') throw handed.error;
  if (handed.state === 'unwell')
    session.emit({ type: 'warning', message: `${head.id} has its disk, and is not healthy: ${handed.why}` });
}

function adoption(
  slot: SlotDocument,
  head: string,
  operation: string,
  by: string,
  at: Date,
  { reason }: Reasoned,
): SlotDocument {
  const before = slot.head;
  const standbys = [...(before === undefined ? [] : [before]), ...slot.standbys].filter((one) => one !== head);
  return {
    ...bump(slot),
    head,
    generation: slot.generation + 1,
    standbys: standbys.slice(0, slot.retain),
    rejected: slot.rejected.filter(({ environment }) => environment !== head),
    draining: slot.draining.filter(({ environment }) => environment !== head),
    release: {
      operation,
      kind: 'adopt',
      by,
      at: at.toISOString(),
      ...(before !== undefined && { from: before }),
      ...(reason !== undefined && { reason }),
    },
  };
}

/** Works on a slot that nobody owns, again whenever it moved. */
async function idly(
  session: Session,
  name: string,
  routes: 'ours' | 'theirs',
  work: (hold: SlotHold) => Promise<boolean>,
): Promise<SlotDocument> {
  for (let tries = 0; tries < TRIES; tries++) {
    const stored = await readSlot(session, name);
    if (stored.document.owner) {
      await finishPastDrift(session, stored, routes);
      continue;
    }
    const owner: SlotOwner = { operation: 'none', run: 1, process: session.operations.identity };
    const hold = new SlotHold(session, owner, stored);
    if (await work(hold)) return (await readSlot(session, name)).document;
  }
  throw new ProviderError('conflict', `slot ${name} is changed by others all the time`, { effect: 'unknown' });
}

async function carryOnIfLeft(session: Session, { owner }: SlotDocument): Promise<void> {
  if (!owner) return;
  const found = await session.briefly(`read operation ${owner.operation}`, (call) =>
    session.documents.operations.get(owner.operation, call),
  );
  if (found?.document.state !== 'interrupted') return;
  await session.carryOn(await resumeOperation(session.operations, owner.operation));
}
