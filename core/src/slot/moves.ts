import { ProviderError } from '../provider/error.ts';
import type { ReleaseSource, SlotDocument, SlotOwner } from './documents.ts';

/**
 * The puts of a slot's document, as `protocol.md` has them. Each is a pure step from one document to the next; who may make it, and when, is
 * for those who call.
 */

/** How long what a rollback went past stays: it may be wanted after all, by name. */
const PASSED_SECONDS = 3600;

/** Before anything was promoted to it. */
export function emptySlot(name: string, provider: SlotDocument['provider']): SlotDocument {
  const nobody = { standbys: [], rejected: [], draining: [] };
  return {
    schema: 1,
    name,
    epoch: 0,
    generation: 0,
    ...nobody,
    retain: 0,
    drainSeconds: 0,
    mechanism: 'router',
    provider,
  };
}

/** A promotion takes an idle slot: where traffic is about to go is written before it goes. */
export function claim(
  slot: SlotDocument,
  owner: SlotOwner,
  to: string,
  more: Pick<SlotDocument, 'mechanism' | 'provider' | 'keeping'> & Partial<Pick<SlotDocument, 'stages' | 'dns'>>,
): SlotDocument {
  must(slot.owner === undefined, slot, 'is owned');
  const { destroyed: _, ...there } = slot; // one that was destroyed is made anew
  return checked({ ...there, ...more, owner, kind: 'promote', to, epoch: slot.epoch + 1 });
}

/** Back to where traffic was. Of a promotion: the head stays. Of a head that bakes: to the newest standby. */
export function turnBack(slot: SlotDocument, owner: SlotOwner, rejects: boolean): SlotDocument {
  must(slot.kind === 'promote' || (slot.kind === 'bake' && !onlyFollows(slot)), slot, 'has nothing to turn back');
  return slot.kind === 'promote'
    ? goingBack(slot, owner, { to: slot.head, left: slot.to, rejects })
    : goingBack(slot, owner, { to: slot.standbys[0], left: slot.head, rejects: true });
}

/** A person's rollback, of an idle slot, of a head that bakes, or in place of a promotion. */
export function rollBack(
  slot: SlotDocument,
  owner: SlotOwner,
  how: { to?: string; candidateServed: boolean },
): SlotDocument {
  must(slot.kind !== 'rollback', slot, 'is being rolled back');
  if (slot.kind === 'promote')
    return goingBack(slot, owner, { to: slot.head, left: slot.to, rejects: how.candidateServed });
  const to = how.to ?? slot.standbys[0];
  must(to !== undefined && slot.standbys.includes(to), slot, 'has no such standby');
  return goingBack(slot, owner, { to, left: slot.head, rejects: true });
}

/** Goes on where another process stopped, or after a lost race at the router: a new epoch, and so a new stamp. */
export function take(slot: SlotDocument, owner: SlotOwner, leftServes: boolean): SlotDocument {
  must(slot.owner !== undefined, slot, 'is not owned');
  return checked({
    ...slot,
    owner,
    epoch: slot.epoch + 1,
    ...(slot.kind === 'rollback' && leftServes && slot.left !== undefined && { rejects: true }),
  });
}

/** What the record is written with. */
export interface RecordDetail {
  readonly release: ReleaseSource;
  readonly at: Date;
  /** The owner stays, to watch the head until then and to do what comes after the flip. */
  readonly bakeUntil?: Date;
  /** Holds automatic promotions, or lets them go on. */
  readonly pin?: SlotDocument['pinned'] | null;
  /** Of a disk of the slot, which went with the traffic. */
  readonly handover?: SlotDocument['handover'];
}

/** The commit: traffic is where it should be. */
export function record(slot: SlotDocument, { release, at, bakeUntil, pin, handover }: RecordDetail): SlotDocument {
  must(slot.kind === 'promote' || slot.kind === 'rollback', slot, 'has nothing to record');
  const { to, left, rejects, keeping, stages: _stages, approval: _approval, ...rest } = slot;
  const before = slot.head;
  const moved = to !== before;
  let next: Omit<SlotDocument, 'to' | 'left'> = rest;
  if (moved && to !== undefined) {
    const { standbys, passed } = around(slot, to);
    const until = new Date(at.getTime() + PASSED_SECONDS * 1000).toISOString();
    next = {
      ...next,
      ...keeping,
      ...(handover && { handover }),
      head: to,
      generation: slot.generation + 1,
      release: { ...release, ...(before !== undefined && { from: before }) },
      standbys: slot.kind === 'promote' && before !== undefined ? [before, ...standbys] : standbys,
      rejected: slot.rejected.filter(({ environment }) => environment !== to),
      ...(before !== undefined && { leftAt: { ...slot.leftAt, [before]: at.toISOString() } }),
      draining: [
        ...passed.map((environment) => ({ environment, until })),
        ...slot.draining.filter(({ environment }) => environment !== to && !passed.includes(environment)),
      ],
    };
  }
  if (rejects && left !== undefined) {
    next = {
      ...next,
      standbys: next.standbys.filter((one) => one !== left),
      rejected: [
        { environment: left, since: at.toISOString() },
        ...next.rejected.filter(({ environment }) => environment !== left),
      ],
    };
  }
  if (pin === null) delete next.pinned;
  else if (pin) next = { ...next, pinned: pin };
  if (bakeUntil) return checked({ ...next, kind: 'bake', bakeUntil: bakeUntil.toISOString() });
  return checked(letGo(next, at));
}

/** The bake has ended: only now the oldest standbys go. */
export function endBake(slot: SlotDocument, at: Date): SlotDocument {
  must(slot.kind === 'bake', slot, 'does not bake');
  return checked(letGo(slot, at));
}

/** Nothing was routed under this claim. */
export function abort(slot: SlotDocument): SlotDocument {
  return checked(idle(slot));
}

/** Makes a claim that is under way impossible. */
export function bump(slot: SlotDocument): SlotDocument {
  return checked({ ...slot, epoch: slot.epoch + 1 });
}

/**
 * What is kept only for a while and whose time is over. The same document: nothing is.
 * @param busy - Those that drain and still have traffic.
 */
export function letExpire(
  slot: SlotDocument,
  now: Date,
  keepRejectedSeconds: number,
  busy: ReadonlySet<string> = new Set(),
): SlotDocument {
  const rejected = slot.rejected.filter(({ since }) => now.getTime() - Date.parse(since) < keepRejectedSeconds * 1000);
  const draining = slot.draining.filter((one) => !isDrained(one, now) || busy.has(one.environment));
  if (rejected.length === slot.rejected.length && draining.length === slot.draining.length) return slot;
  return { ...slot, rejected, draining };
}

/** It may go as far as time tells. */
export function isDrained({ until }: SlotDocument['draining'][number], now: Date): boolean {
  return Date.parse(until) <= now.getTime();
}

/** Every environment that a slot keeps or is about to use. */
export function usedBy(slot: SlotDocument | undefined): ReadonlySet<string> {
  if (!slot) return new Set();
  const named = [slot.head, ...slot.standbys, ...(slot.owner ? [slot.to, slot.left] : [])];
  const kept = [...slot.rejected, ...slot.draining].map(({ environment }) => environment);
  return new Set([...named, ...kept].filter((one) => one !== undefined));
}

/**
 * The standbys beside `to`. What a rollback goes past is newer than what is then the head, so it is no standby any more: a second rollback goes
 * further back.
 */
export function around(
  { kind, standbys }: Pick<SlotDocument, 'kind' | 'standbys'>,
  to: string | undefined,
): { readonly standbys: readonly string[]; readonly passed: readonly string[] } {
  const place = to === undefined ? -1 : standbys.indexOf(to);
  if (kind === 'promote' || place < 0) return { standbys: standbys.filter((one) => one !== to), passed: [] };
  return { standbys: standbys.slice(place + 1), passed: standbys.slice(0, place) };
}

/** It has gone back, and its owner only brings there what runs on the head alone: nobody watches, and there is nothing to turn back. */
export function onlyFollows({ kind, release }: SlotDocument): boolean {
  return kind === 'bake' && release !== undefined && release.kind !== 'promote';
}

export function isOwned({ owner }: SlotDocument): boolean {
  return owner !== undefined;
}

export function isRejected(slot: SlotDocument, environment: string): boolean {
  return slot.rejected.some((one) => one.environment === environment);
}

function goingBack(
  slot: SlotDocument,
  owner: SlotOwner,
  how: { readonly to: string | undefined; readonly left: string | undefined; readonly rejects: boolean },
): SlotDocument {
  const {
    to: _to,
    left: _left,
    rejects: _rejects,
    keeping: _keeping,
    bakeUntil: _bake,
    approval: _approval,
    ...rest
  } = slot;
  must(how.to === undefined || !isRejected(slot, how.to), slot, `would go back to ${how.to ?? ''}, which is rejected`);
  return checked({
    ...rest,
    owner,
    kind: 'rollback',
    epoch: slot.epoch + 1,
    ...(how.to !== undefined && { to: how.to }),
    ...(how.left !== undefined && { left: how.left }),
    ...(how.rejects && { rejects: true }),
  });
}

/** What was the head not long ago drains: it still answers what it began, and by DNS it is still asked. */
function letGo(slot: SlotDocument, at: Date): SlotDocument {
  const { leftAt = {}, ...free } = idle(slot);
  const standbys = free.standbys.slice(0, free.retain);
  const draining = free.standbys.slice(free.retain).flatMap((environment) => {
    const left = leftAt[environment];
    const until = left === undefined ? 0 : Date.parse(left) + free.drainSeconds * 1000;
    return until > at.getTime() ? [{ environment, until: new Date(until).toISOString() }] : [];
  });
  const kept = Object.entries(leftAt).filter(([environment]) => standbys.includes(environment));
  return {
    ...free,
    standbys,
    draining: [...draining, ...free.draining],
    ...(kept.length > 0 && { leftAt: Object.fromEntries(kept) }),
  };
}

function idle(slot: SlotDocument): SlotDocument {
  const {
    owner: _owner,
    kind: _kind,
    to: _to,
    left: _left,
    rejects: _rejects,
    keeping: _keeping,
    stages: _stages,
    approval: _approval,
    bakeUntil: _bake,
    ...rest
  } = slot;
  return rest;
}

function checked(slot: SlotDocument): SlotDocument {
  const { head, standbys } = slot;
  must(head === undefined || !isRejected(slot, head), slot, 'would have a rejected head');
  must(!standbys.some((one) => isRejected(slot, one)), slot, 'would have a rejected standby');
  must(head === undefined || !standbys.includes(head), slot, 'would be its own standby');
  must(new Set(standbys).size === standbys.length, slot, 'would have a standby twice');
  return slot;
}

function must(holds: boolean, { name }: SlotDocument, what: string): asserts holds {
  if (!holds) throw new ProviderError('internal', `slot ${name} ${what}`, { effect: 'none' });
}
