import type { Clock } from '../../engine/clock.ts';

interface Sleeper {
  readonly until: number;
  wake(): void;
}

/** Virtual time that goes on by itself whenever everybody waits. */
export class SimClock implements Clock {
  private elapsed = 0;
  private offsetSeconds = 0;
  private sleepers: Sleeper[] = [];

  now(): Date {
    return new Date(Date.UTC(2026, 0, 1) + (this.elapsed + this.offsetSeconds) * 1000);
  }

  monotonicSeconds(): number {
    return 1000 + this.elapsed;
  }

  /** Somebody sets the date. */
  jump(seconds: number): void {
    this.offsetSeconds += seconds;
  }

  sleep(seconds: number, signal?: AbortSignal): Promise<void> {
    return new Promise((resolve, reject) => {
      if (signal?.aborted) {
        reject(signal.reason as Error); // what an aborted sleep is to end with
        return;
      }
      const sleeper = { until: this.elapsed + Math.max(0, seconds), wake: () => end(resolve) };
      const aborted = () => end(() => reject(signal?.reason as Error)); // as above
      const end = (settle: () => void) => {
        const at = this.sleepers.indexOf(sleeper);
        if (at >= 0) this.sleepers.splice(at, 1);
        signal?.removeEventListener('abort', aborted);
        settle();
      };
      signal?.addEventListener('abort', aborted);
      this.sleepers.push(sleeper);
    });
  }

  /** Wakes who is next. @returns False: nobody sleeps. */
  tick(): boolean {
    let next: Sleeper | undefined;
    for (const one of this.sleepers) if (!next || one.until < next.until) next = one;
    if (!next) return false;
    this.elapsed = Math.max(this.elapsed, next.until);
    next.wake();
    return true;
  }

  /** Time goes on for so long, and everybody does what is due. */
  async pass(seconds: number): Promise<void> {
    const end = this.elapsed + seconds;
    await quiet();
    while (this.sleepers.some(({ until }) => until <= end)) {
      this.tick();
      await quiet();
    }
    this.elapsed = Math.max(this.elapsed, end);
  }

  /** Lets time go on until the work has settled. */
  async run<T>(work: Promise<T>): Promise<T> {
    const ended = new AbortController();
    const done = () => ended.abort();
    work.then(done, done);
    for (let ticks = 0; ; ticks++) {
      await quiet();
      if (ended.signal.aborted) return work;
      if (!this.tick() || ticks > 200_000) throw new Error('nothing is left that could settle it');
    }
  }
}

/** Everything runs that is ready to. */
export async function quiet(): Promise<void> {
  for (let turn = 0; turn < 3; turn++) await new Promise((resolve) => setImmediate(resolve));
}
