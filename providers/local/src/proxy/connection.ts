import type { Socket } from 'node:net';
import { UnreadableAnswer } from './answer-head.ts';
import type { AnswerFault, AnswerHead } from './answer-head.ts';
import { AnswerParser } from './answer-parser.ts';
import type { AnswerSink } from './answer-parser.ts';

/** `unused`: it closed before a byte of the answer, on a connection that had served before, as when an idle one times out just then. */
export type Break = AnswerFault | 'closed' | 'unused' | 'timeout';

/** Who asked hears the answer. */
export interface AnswerHandler {
  onInformation(head: AnswerHead): void;
  onHead(head: AnswerHead): void;
  onBody(chunk: Buffer): void;
  /** What has come so far was passed on, and nothing more is here yet. */
  onPause(): void;
  onComplete(trailers: readonly string[]): void;
  onBreak(reason: Break): void;
}

/** Who keeps the connection. */
export interface ConnectionKeeper {
  readonly now: () => number;
  release(connection: UpstreamConnection): void;
  forget(connection: UpstreamConnection): void;
}

/** How long an idle connection is kept when the upstream doesn't say: less than the five seconds that many servers have. */
const KEEP_ALIVE_MS = 4_000;
/** Let go so long before the upstream would, so that no request meets its closing. */
const MARGIN_MS = 1_000;

/** A connection to an upstream, with one request at a time. */
export class UpstreamConnection implements AnswerSink {
  /** When the upstream was last heard or told something, while an answer's head is waited for. */
  waitsSinceMs: number | undefined;
  /** Until when it may be used again, while it is idle. */
  usableUntilMs = 0;
  private readonly parser = new AnswerParser(this);
  private handler: AnswerHandler | undefined;
  private hasServed = false;
  private heardBytes = false;
  private requestIsWhole = true;
  private keepAliveMs = KEEP_ALIVE_MS;

  /** @param socket - Connected. */
  constructor(
    private readonly socket: Socket,
    private readonly keeper: ConnectionKeeper,
  ) {
    socket.setNoDelay(true);
    socket.on('data', (chunk: Buffer) => {
      this.receive(chunk);
    });
    socket.on('end', () => {
      if (!this.parser.finish()) this.break('closed');
    });
    socket.on('error', () => {
      this.break('closed');
    });
    socket.on('close', () => {
      this.break('closed');
      keeper.forget(this);
    });
  }

  get isUsable(): boolean {
    return this.handler === undefined && this.socket.writable && !this.socket.readableEnded;
  }

  /** @param head - The request's, with the empty line. @param isWhole - No body follows. */
  begin(method: string, head: string, isWhole: boolean, handler: AnswerHandler): void {
    this.handler = handler;
    this.heardBytes = false;
    this.requestIsWhole = isWhole;
    this.waitsSinceMs = this.keeper.now();
    this.parser.expect(method);
    this.socket.write(head, 'latin1');
  }

  /** A part of the request's body, in its framing. @returns false when the next one should wait for `onDrain`. */
  send(...parts: readonly (Buffer | string)[]): boolean {
    if (this.waitsSinceMs !== undefined) this.waitsSinceMs = this.keeper.now();
    let takesMore = true;
    if (parts.length > 1) this.socket.cork();
    for (const part of parts) takesMore = this.write(part);
    if (parts.length > 1) this.socket.uncork();
    return takesMore;
  }

  /** Back to whoever keeps it, when nothing was asked. */
  release(): void {
    this.usableUntilMs = this.keeper.now() + this.keepAliveMs;
    this.keeper.release(this);
  }

  /** The request's body was sent. */
  endRequest(): void {
    this.requestIsWhole = true;
  }

  onDrain(listener: () => void): void {
    this.socket.on('drain', listener);
  }

  offDrain(listener: () => void): void {
    this.socket.off('drain', listener);
  }

  pause(): void {
    this.socket.pause();
  }

  resume(): void {
    this.socket.resume();
  }

  /** Nobody wants the answer any more. */
  abandon(): void {
    this.handler = undefined;
    this.socket.destroy();
  }

  timeOut(): void {
    this.break('timeout');
  }

  destroy(): void {
    this.socket.destroy();
  }

  onInformation(head: AnswerHead): void {
    this.handler?.onInformation(head);
  }

  onHead(head: AnswerHead): void {
    this.waitsSinceMs = undefined;
    if (head.keepsAliveSeconds !== undefined) this.keepAliveMs = head.keepsAliveSeconds * 1000 - MARGIN_MS;
    this.handler?.onHead(head);
  }

  onBody(chunk: Buffer): void {
    this.handler?.onBody(chunk);
  }

  onComplete(trailers: readonly string[], isReusable: boolean): void {
    const { handler } = this;
    this.handler = undefined;
    this.hasServed = true;
    if (isReusable && this.requestIsWhole && this.keepAliveMs > 0 && this.socket.writable) {
      this.socket.resume();
      this.release();
    } else {
      this.socket.destroy();
    }
    handler?.onComplete(trailers);
  }

  private receive(chunk: Buffer): void {
    this.heardBytes = true;
    const { handler } = this;
    try {
      this.parser.execute(chunk);
    } catch (error) {
      this.break(error instanceof UnreadableAnswer ? error.fault : 'not-http');
      return;
    }
    if (handler !== undefined && handler === this.handler) handler.onPause();
  }

  private break(reason: Break): void {
    const { handler } = this;
    this.handler = undefined;
    this.waitsSinceMs = undefined;
    this.socket.destroy();
    handler?.onBreak(reason === 'closed' && this.hasServed && !this.heardBytes ? 'unused' : reason);
  }

  private write(part: Buffer | string): boolean {
    return typeof part === 'string' ? this.socket.write(part, 'latin1') : this.socket.write(part);
  }
}
