import type { Session } from '../host/session.ts';
import { ProviderError } from '../provider/error.ts';
import type { Call } from '../provider/host.ts';
import { retrying } from '../engine/retry.ts';
import type { Route, Slot, SlotDriver, SlotSpec } from './slot.ts';
import { isAsAsked } from './traffic.ts';

const ROUTE_SECONDS = 60;
const UNKNOWN_TRIES = 6;
const FIRST_PAUSE_SECONDS = 0.1;

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

  /** Makes the slot, or changes its hosts and paths. Its routes stay. */
  ensure(spec: SlotSpec): Promise<Slot> {
    const doing = `make slot ${spec.id}`;
    return this.session.briefly(
      doing,
      (call) =>
        retrying(() => this.driver.ensure(spec, call), {
          clock: this.session.clock,
          call,
          doing,
          observe: () => Promise.resolve({ state: 'again' }),
        }),
      600,
    );
  }

  /**
   * Writes routes on condition that nothing changed since `seen` was read. An answer that was lost is looked for in what is live; while that
   * is not ours, the same write is made again with the same expectation.
   */
  write(seen: Slot, routes: readonly Route[], stamp: string): Promise<RouteOutcome> {
    return this.session.briefly(
      `route ${seen.id}`,
      (call) => this.writeSurely(seen, routes, stamp, call),
      ROUTE_SECONDS,
    );
  }

  private async writeSurely(seen: Slot, routes: readonly Route[], stamp: string, call: Call): Promise<RouteOutcome> {
    const { clock } = this.session;
    if (!this.comparesAndSets && (await this.hasMoved(seen, call))) return { state: 'lost' };
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

  private async hasMoved(seen: Slot, call: Call): Promise<boolean> {
    const now = await this.driver.read({ id: seen.id }, call);
    return !now || !isAsAsked(now, seen.routes, seen.stamp ?? now.stamp ?? '');
  }
}
