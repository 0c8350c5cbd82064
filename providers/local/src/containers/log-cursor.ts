import { ProviderError } from '@clusternator/core/provider';

const SECOND = 1_000_000_000n;

/**
 * A place in a container's log, to go on from without a line lost or seen twice.
 *
 * A time alone won't do: several lines may have the same one, and as stdout and stderr are stamped before they are
 * written, a line may come after one that is a little younger. So the place is a whole second, the one before the newest
 * line's, and how many frames from then on were seen: asked for that second, the engine gives the same ones in the same order.
 */
export class LogCursor {
  /** Frames seen, by the second of their time; of the newest second and the one before. */
  private readonly seen = new Map<bigint, number>();
  private newestNs: bigint | undefined;

  /** What to ask the engine for, in seconds; undefined for all. */
  get sinceSeconds(): bigint | undefined {
    return this.newestNs === undefined ? undefined : this.newestNs / SECOND - 1n;
  }

  /** How many of the first frames of that answer were seen. */
  get seenFrames(): number {
    const since = this.sinceSeconds ?? 0n;
    return [...this.seen].reduce((sum, [second, count]) => (second >= since ? sum + count : sum), 0);
  }

  /** Whether a frame of the answer can be one of those. If not, the engine threw some of them away, and it is new. */
  mayHaveSeen(atNs: bigint): boolean {
    return this.newestNs !== undefined && atNs <= this.newestNs;
  }

  count(atNs: bigint): void {
    const second = atNs / SECOND;
    if (this.newestNs === undefined || atNs > this.newestNs) this.newestNs = atNs;
    this.seen.set(second, (this.seen.get(second) ?? 0) + 1);
    for (const old of this.seen.keys()) if (old < this.newestNs / SECOND - 1n) this.seen.delete(old);
  }

  toString(): string {
    return `${this.newestNs ?? 0n}-${this.seenFrames}`;
  }

  /** @throws ProviderError `invalid`. */
  static parse(text: string): LogCursor {
    const [, newest, frames] = /^(\d{1,20})-(\d{1,15})$/.exec(text) ?? [];
    if (newest === undefined || frames === undefined) {
      throw new ProviderError('invalid', `not a place in a container's log: ${JSON.stringify(text)}`, {
        path: 'after',
      });
    }
    const cursor = new LogCursor();
    if (newest === '0') return cursor;
    cursor.newestNs = BigInt(newest);
    cursor.seen.set(cursor.newestNs / SECOND, Number(frames));
    return cursor;
  }
}
