import type { Clock } from '../clock.ts';

interface Sleeper {
  readonly until: number;
  wake(): void;
}

/** Stands still until it is told to go on. */
export class VirtualClock implements Clock {
  private elapsed = 0;
  private sleepers: Sleeper[] = [];

  constructor(private readonly startedAt = new Date('2026-01-01T00:00:00Z')) {}

  now(): Date {
    return new Date(this.startedAt.getTime() + this.elapsed * 1000);
  }

  monotonicSeconds(): number {
    return 1000 + this.elapsed;
  }

  /** How many sleep now. */
  get sleeping(): number {
    return this.sleepers.length;
  }

  sleep(seconds: number, signal?: AbortSignal): Promise<void> {
    return new Promise((resolve, reject) => {
      if (signal?.aborted) {
        reject(signal.reason as Error); // what an aborted sleep is to end with
        return;
      }
      const sleeper = { until: this.elapsed + seconds, wake: () => end(resolve) };
      const aborted = () => end(() => reject(signal?.reason as Error)); // as above
      const end = (settle: () => void) => {
        this.sleepers = this.sleepers.filter((one) => one !== sleeper);
        signal?.removeEventListener('abort', aborted);
        settle();
      };
      signal?.addEventListener('abort', aborted);
      this.sleepers.push(sleeper);
    });
  }

  /** Wakes the sleepers in their order, and lets each do what it wants to before the next. */
  async advance(seconds: number): Promise<void> {
    const target = this.elapsed + seconds;
    await settle();
    for (let next = this.nextUntil(target); next; next = this.nextUntil(target)) {
      this.elapsed = Math.max(this.elapsed, next.until);
      next.wake();
      await settle();
    }
    this.elapsed = target;
  }

  private nextUntil(target: number): Sleeper | undefined {
    return this.sleepers.filter((one) => one.until <= target).sort((a, b) => a.until - b.until)[0];
  }
}

/** Lets everything run that is ready to. */
async function settle(): Promise<void> {
  for (let turn = 0; turn < 5; turn++) await new Promise((resolve) => setImmediate(resolve));
}
