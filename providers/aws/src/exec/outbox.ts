import { encodeMessage } from './agent-message.ts';

/** AWS's own client sends a thousand a second at most, and so does the agent. */
const PAUSE_MILLISECONDS = 1;
/** How many may be on their way: the agent keeps what comes early, but not without end. */
const WINDOW = 64;
/** The longest that AWS's own client waits. */
const RESEND_MILLISECONDS = 1000;
/** It sends again for five minutes. Nobody waits that long to learn that a network is gone. */
const LOST_MILLISECONDS = 60_000;
const LOOK_MILLISECONDS = 100;

interface Sent {
  readonly bytes: Buffer;
  readonly first: number;
  last: number;
}

/**
 * Sends messages of a stream, one after the other, and again until they are acknowledged.
 * @see https://github.com/aws/session-manager-plugin/blob/mainline/src/config/config.go
 */
export class Outbox {
  private sequence = 0;
  private last: Promise<void> = Promise.resolve();
  private readonly unacknowledged = new Map<number, Sent>();
  private readonly waiting: (() => void)[] = [];
  private isPaused = false;
  private isClosed = false;
  private readonly timer: NodeJS.Timeout;

  /** @param onLost - The oldest was not acknowledged for a minute. */
  constructor(
    private readonly put: (bytes: Buffer) => void,
    private readonly onLost: () => void,
  ) {
    this.timer = setInterval(() => this.sendAgain(performance.now()), LOOK_MILLISECONDS);
    this.timer.unref();
  }

  /** Resolves once it is sent. What is sent after the end is dropped. */
  async send(payloadType: number, payload: Buffer): Promise<void> {
    const sent = this.last.then(() => this.sendNext(payloadType, payload));
    this.last = sent.then(() => new Promise((resolve) => setTimeout(resolve, PAUSE_MILLISECONDS)));
    return sent;
  }

  acknowledge(sequence: number): void {
    this.unacknowledged.delete(sequence);
    this.wake();
  }

  pause(does: boolean): void {
    this.isPaused = does;
    if (!does) this.wake();
  }

  close(): void {
    this.isClosed = true;
    clearInterval(this.timer);
    this.wake();
  }

  private async sendNext(payloadType: number, payload: Buffer): Promise<void> {
    while (!this.isClosed && (this.isPaused || this.unacknowledged.size >= WINDOW))
      await new Promise<void>((resolve) => void this.waiting.push(resolve));
    if (this.isClosed) return;
    const sequence = this.sequence++;
    const flags = sequence === 0 ? 1 : 0;
    const bytes = encodeMessage({ type: 'input_stream_data', sequence, flags, payloadType, payload });
    const now = performance.now();
    this.unacknowledged.set(sequence, { bytes, first: now, last: now });
    this.put(bytes);
  }

  private sendAgain(now: number): void {
    const [oldest] = this.unacknowledged.values();
    if (!oldest || this.isPaused || now - oldest.last < RESEND_MILLISECONDS) return;
    if (now - oldest.first > LOST_MILLISECONDS) {
      this.onLost();
      return;
    }
    oldest.last = now;
    this.put(oldest.bytes);
  }

  private wake(): void {
    for (const resolve of this.waiting.splice(0)) resolve();
  }
}
