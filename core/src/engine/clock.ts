import { setTimeout as timer } from 'node:timers/promises';

/** Time, passed in wherever the engine needs it. */
export interface Clock {
  now(): Date;
  /** Seconds that only ever go up, on this machine until it restarts: for measuring, where somebody may set the date. */
  monotonicSeconds(): number;
  /** Ends at once, with the signal's reason, when the signal aborts. */
  sleep(seconds: number, signal?: AbortSignal): Promise<void>;
}

/** Node's timers fire at once beyond this. @see https://nodejs.org/api/timers.html#settimeoutcallback-delay-args */
const LONGEST_TIMER_MS = 2 ** 31 - 1;

/** The machine's own. */
export const systemClock: Clock = {
  now: () => new Date(),
  // The same for all processes of one machine: CLOCK_MONOTONIC on Linux.
  monotonicSeconds: () => Number(process.hrtime.bigint()) / 1e9,
  async sleep(seconds, signal) {
    let leftMs = Math.max(0, seconds * 1000);
    do {
      const partMs = Math.min(leftMs, LONGEST_TIMER_MS);
      await timer(partMs, undefined, signal && { signal }).catch((error: unknown) => {
        throw signal?.aborted ? signal.reason : error;
      });
      leftMs -= partMs;
    } while (leftMs > 0);
  },
};
