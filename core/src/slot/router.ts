import type { Session } from '../host/session.ts';
import { ProviderError } from '../provider/error.ts';
import type { Call } from '../provider/host.ts';
import { retrying } from '../engine/retry.ts';
import type { Route, Slot, SlotDriver, SlotSpec } from './slot.ts';
import { isAsAsked, isCutShort } from './traffic.ts';

const ROUTE_SECONDS = 60;
const UNKNOWN_TRIES = 6;
const FIRST_PAUSE_SECONDS = 0.1;

/*
 * Of routers that take no condition, see the decision record on routers: what is written late by the writer's own clock is not
 * written at all, and whoever takes a slot over waits until no such write can come. All of it is well under the term of a heartbeat.
 */
/** From when the writer was seen to be the owner to when its write is sent. */
const FRESH_OWNER_SECONDS = 2;
/** How long one write may be under way before its answer counts as lost. */
const SEND_SECONDS = 4;
/** The two, and the time in which a call that was ended may still go on. */
const LATE_SECONDS = 8;
/** The same of what else nothing compares. */
export const LATE = {
  freshSeconds: FRESH_OWNER_SECONDS,
  sendSeconds: SEND_SECONDS,
  waitSeconds: LATE_SECONDS,
} as const;
/** So long the end of a slot is asked for before its operation is left, to be resumed. */
const REMOVE_SECONDS = 600;
const REMOVE_PAUSE_SECONDS = 1;

/** What writing routes came to. `lost`: they are another's, or were written anew since they were read. */
export type RouteOutcome =
  { readonly state: 'done'; readonly slot: Slot } | { readonly state: 'lost' } | { readonly state: 'unclear' };

/** A slot's driver, with lost answers found out. It never reads again and retries on its own: that would let a sleeper in. */
export class Router {
  constructor(
    private readonly session: Pick<Session, 'clock' | 'briefly'>,
    private readonly driver: SlotDriver,
    /** False: the cloud takes no condition, so it is read before and after. */
    private readonly comparesAndSets: boolean,
  ) {}

  read(name: string): Promise<Slot | undefined> {
    return this.session.briefly(`look at the routes of ${name}`, (call) =>
      retrying(() => this.driver.read({ id: name }, call), {
        clock: this.session.clock,
        call,
        doing: `look at the routes of ${name}`,
      }),
    );
  }

  /**
   * Makes the slot, or changes its hosts and paths. Its routes stay.
   * @param call - Of one who asks again until it is made: the token stays the same. Left out: one of its own.
   */
  ensure(spec: SlotSpec, call?: Call): Promise<Slot> {
    const doing = `make slot ${spec.id}`;
    const ask = (one: Call): Promise<Slot> =>
      retrying(() => this.driver.ensure(spec, one), {
        ...{ clock: this.session.clock, call: one, doing },
        observe: () => Promise.resolve({ state: 'again' }),
      });
    return call ? ask(call) : this.session.briefly(doing, ask, 600);
  }

  /**
   * Writes routes on condition that nothing changed since `seen` was read. An answer that was lost is looked for in what is live; while that
   * is not ours, the same write is made again with the same expectation.
   */
  write(
    seen: Slot,
    routes: readonly Route[],
    stamp: string,
    isOwner: () => Promise<boolean> = () => Promise.resolve(true),
  ): Promise<RouteOutcome> {
    return this.session.briefly(
      `route ${seen.id}`,
      (call) =>
        this.comparesAndSets
          ? this.writeSurely(seen, routes, stamp, call)
          : this.writeBlindly(seen, routes, { stamp, isOwner, call }),
      ROUTE_SECONDS,
    );
  }

  /** Where the router takes no condition: until no write of a former owner can come any more. */
  async outwaitLateWrites(signal: AbortSignal): Promise<void> {
    if (!this.comparesAndSets) await this.session.clock.sleep(LATE_SECONDS, signal);
  }

  /**
   * Takes the slot away with its routes, and asks again until it is gone. What is asked for names the slot as it was read before its owner was
   * looked at: one that somebody made since is another, which a process that slept does not touch.
   * @returns `lost`: somebody else owns it. @throws ProviderError what the router says, once there is no use in asking again.
   */
  async remove(name: string, isOwner: () => Promise<boolean>, signal: AbortSignal): Promise<'gone' | 'lost'> {
    const { clock } = this.session;
    const until = clock.monotonicSeconds() + REMOVE_SECONDS;
    for (let isUnclear = false; ;) {
      const sinceSeconds = clock.monotonicSeconds();
      const seen = await this.read(name);
      if (!seen) {
        if (isUnclear) await this.outwaitLateWrites(signal);
        return 'gone';
      }
      if (!(await isOwner())) return 'lost';
      try {
        const isFresh = clock.monotonicSeconds() - sinceSeconds <= FRESH_OWNER_SECONDS;
        if (isFresh || this.comparesAndSets) await this.sendRemoval(seen);
      } catch (error) {
        signal.throwIfAborted();
        if (!ProviderError.is(error)) throw error;
        const isFinal = error.effect === 'none' && error.retry === 'never' && error.code !== 'conflict';
        if (isFinal || clock.monotonicSeconds() >= until) throw error;
        isUnclear ||= error.effect !== 'none';
      }
      await clock.sleep(REMOVE_PAUSE_SECONDS * Math.random(), signal);
    }
  }

  private sendRemoval({ id, handle }: Slot): Promise<void> {
    return this.session.briefly(
      `remove slot ${id}`,
      (call) => this.driver.destroy({ id, handle }, call),
      this.comparesAndSets ? ROUTE_SECONDS : SEND_SECONDS,
    );
  }

  private async writeSurely(seen: Slot, routes: readonly Route[], stamp: string, call: Call): Promise<RouteOutcome> {
    const { clock } = this.session;
    for (let tries = 1; tries <= UNKNOWN_TRIES; tries++) {
      try {
        const slot = await this.driver.route(seen, routes, stamp, call);
        // What the cloud reports may be what another wrote just after.
        return isAsAsked(slot, routes, stamp) ? { state: 'done', slot } : { state: 'lost' };
      } catch (error) {
        if (!ProviderError.is(error)) throw error;
        const isConflict = error.code === 'conflict';
        if (!isConflict && error.effect === 'none' && tries === 1 && error.retry === 'never') throw error;
        const live = await this.driver.read({ id: seen.id }, call).catch(() => undefined);
        if (live && isAsAsked(live, routes, stamp)) return { state: 'done', slot: live };
        if (isConflict && live) return { state: 'lost' };
      }
      if (call.signal.aborted) break;
      await clock.sleep(FIRST_PAUSE_SECONDS * 2 ** (tries - 1) * Math.random(), call.signal).catch(() => undefined);
    }
    return { state: 'unclear' };
  }

  /** Each time that it is sent: the owner, the routes before, the clock; then the routes after. */
  private async writeBlindly(
    seen: Slot,
    routes: readonly Route[],
    { stamp, isOwner, call }: { readonly stamp: string; readonly isOwner: () => Promise<boolean>; readonly call: Call },
  ): Promise<RouteOutcome> {
    const { clock } = this.session;
    const read = () => this.driver.read({ id: seen.id, handle: seen.handle }, call).catch(() => undefined);
    let wasSent = false;
    for (let tries = 1; tries <= UNKNOWN_TRIES && !call.signal.aborted; tries++) {
      const sinceSeconds = clock.monotonicSeconds();
      if (!(await isOwner())) return { state: 'lost' };
      const live = await read();
      if (live && wasSent && isAsAsked(live, routes, stamp)) return { state: 'done', slot: live };
      const isAsSeen = live && isAsAsked(live, seen.routes, seen.stamp ?? live.stamp ?? '');
      // Of several parts some may have been written: by us, since we sent it and own the slot.
      if (live && !isAsSeen && !(wasSent && isCutShort(live, seen.routes, routes))) return { state: 'lost' };
      const isFresh = clock.monotonicSeconds() - sinceSeconds <= FRESH_OWNER_SECONDS;
      if (live && isFresh) {
        wasSent = true;
        await this.send(seen, routes, stamp);
        continue; // what is there then tells
      }
      await clock.sleep(FIRST_PAUSE_SECONDS * 2 ** (tries - 1) * Math.random(), call.signal).catch(() => undefined);
    }
    const live = await read();
    return live && wasSent && isAsAsked(live, routes, stamp) ? { state: 'done', slot: live } : { state: 'unclear' };
  }

  /** @throws ProviderError where nothing was written, and asking again is of no use. */
  private async send(seen: Slot, routes: readonly Route[], stamp: string): Promise<void> {
    try {
      await this.session.briefly(
        `route ${seen.id}`,
        (call) => this.driver.route(seen, routes, stamp, call),
        SEND_SECONDS,
      );
    } catch (error) {
      if (!ProviderError.is(error)) throw error;
      if (error.effect === 'none' && error.retry === 'never' && error.code !== 'conflict') throw error;
    }
  }
}
