import { systemClock, type Clock } from '@clusternator/core';

/** The machine's clock, which a case may set: what a driver sees of it is off by `skewSeconds`. Waits are real, and may be told shorter. */
export class KitClock implements Clock {
  skewSeconds = 0;
  /** Every wait that a driver asked for, in seconds. */
  readonly waits: number[] = [];
  /** Waits last this part of their time, so that what the cloud asks for in minutes is proven in seconds. */
  pace = 1;
  /** For deadlines: neither paced nor noted. */
  readonly steady: Clock = {
    now: () => this.now(),
    monotonicSeconds: () => systemClock.monotonicSeconds(),
    sleep: (seconds, signal) => systemClock.sleep(seconds, signal),
  };

  now(): Date {
    return new Date(systemClock.now().getTime() + this.skewSeconds * 1000);
  }

  monotonicSeconds(): number {
    return systemClock.monotonicSeconds();
  }

  sleep(seconds: number, signal?: AbortSignal): Promise<void> {
    this.waits.push(seconds);
    return systemClock.sleep(seconds * this.pace, signal);
  }
}
