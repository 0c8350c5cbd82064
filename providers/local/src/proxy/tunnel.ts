import { Socket } from 'node:net';
import type { Duplex } from 'node:stream';
import { closeFrame, FrameTracker } from './frames.ts';

const GOODBYE_MS = 2_000;
const BORDER_MS = 5_000;
/** What is no WebSocket may have one side that only listens from some time on. */
const HALF_CLOSED_MS = 60_000;

/** Two raw connections tied together after an upgrade. */
export class Tunnel {
  /** Resolves when both sides are closed. */
  readonly closed: Promise<void>;
  private readonly frames: FrameTracker | undefined;
  private goodbye: Buffer | undefined;
  private goodbyeSent = false;

  constructor(
    private readonly client: Duplex,
    private readonly upstream: Duplex,
    readonly isWebSocket: boolean,
  ) {
    this.frames = isWebSocket ? new FrameTracker() : undefined;
    this.closed = Promise.all([whenClosed(client, upstream), whenClosed(upstream, client)]).then(() => undefined);
  }

  /** @param clientHead - What the client sent right behind its request. @param upstreamHead - Likewise behind the upstream's 101. */
  open(clientHead: Buffer, upstreamHead: Buffer): void {
    if (clientHead.length > 0) this.upstream.write(clientHead);
    if (upstreamHead.length > 0) this.toClient(upstreamHead);
    this.client.pipe(this.upstream);
    this.upstream.on('data', (chunk: Buffer) => {
      this.toClient(chunk);
    });
    this.client.on('drain', () => this.upstream.resume());
    this.upstream.on('end', () => {
      this.client.end();
    });
    for (const side of [this.client, this.upstream]) side.once('end', () => this.expectEnd());
  }

  /**
   * Says goodbye with a close frame between two of the upstream's frames. The client's reply goes to the upstream, so that
   * both ends see a clean close. Connections of other protocols are just ended.
   */
  async close(code: number, reason: string): Promise<void> {
    if (this.frames === undefined || this.frames.sawClose) {
      this.end();
    } else {
      this.goodbye = closeFrame(code, reason);
      if (this.frames.atBorder) this.sayGoodbye();
      else this.later(BORDER_MS);
    }
    await this.closed;
  }

  destroy(): void {
    this.client.destroy();
    this.upstream.destroy();
  }

  /** Whoever ended may be gone for good, which nobody tells, and the other side may not care: it is cut off once nothing comes of it. */
  private expectEnd(): void {
    for (const side of [this.client, this.upstream]) {
      if (!(side instanceof Socket)) continue;
      side.setTimeout(this.isWebSocket ? GOODBYE_MS : HALF_CLOSED_MS, () => this.destroy());
    }
  }

  private toClient(chunk: Buffer): void {
    if (this.goodbyeSent) return;
    if (this.frames === undefined) {
      this.write(chunk);
      return;
    }
    const taken = this.frames.advance(chunk, this.goodbye !== undefined);
    this.write(taken === chunk.length ? chunk : chunk.subarray(0, taken));
    if (this.goodbye !== undefined && this.frames.atBorder) this.sayGoodbye();
  }

  private write(chunk: Buffer): void {
    if (this.client.writable && !this.client.write(chunk)) this.upstream.pause();
  }

  private sayGoodbye(): void {
    if (this.goodbyeSent || this.goodbye === undefined) return;
    this.goodbyeSent = true;
    if (this.frames?.sawClose === true) {
      this.end();
      return;
    }
    if (this.client.writable) this.client.write(this.goodbye);
    this.upstream.resume();
    this.later(GOODBYE_MS);
  }

  private later(ms: number): void {
    const timer = setTimeout(() => {
      this.end();
    }, ms);
    void this.closed.then(() => {
      clearTimeout(timer);
    });
  }

  private end(): void {
    this.client.end();
    this.upstream.end();
    const timer = setTimeout(() => {
      this.destroy();
    }, GOODBYE_MS);
    void this.closed.then(() => {
      clearTimeout(timer);
    });
  }
}

/** One side's end is the other's: what was written still goes out, nothing more is waited for. */
async function whenClosed(side: Duplex, other: Duplex): Promise<void> {
  await new Promise<void>((resolve) => {
    side.on('error', () => {
      other.destroy();
    });
    side.once('close', () => {
      if (!other.writableEnded) other.end();
      if (other.writableFinished) other.destroy();
      else other.once('finish', () => other.destroy());
      resolve();
    });
  });
}
