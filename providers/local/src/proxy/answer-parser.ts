import { parseFields, parseHead, UnreadableAnswer } from './answer-head.ts';
import type { AnswerHead } from './answer-head.ts';

/** Who hears what the parser reads. */
export interface AnswerSink {
  /** A 1xx; the answer itself follows. */
  onInformation(head: AnswerHead): void;
  onHead(head: AnswerHead): void;
  onBody(chunk: Buffer): void;
  /** @param isReusable - Whether the connection can carry another answer. */
  onComplete(trailers: readonly string[], isReusable: boolean): void;
}
type State = 'idle' | 'head' | 'length' | 'size' | 'data' | 'data-end' | 'trailers' | 'until-close';

const MAX_HEAD_BYTES = 65_536;
/** A chunk's size with its extensions, which nobody reads. */
const MAX_SIZE_LINE_BYTES = 4_096;

/** Reads the answers of one connection, one after the other, however the bytes are cut. */
export class AnswerParser {
  private state: State = 'idle';
  private isForHead = false;
  private head: AnswerHead | undefined;
  /** Of the body, or of the chunk. */
  private remaining = 0;
  /** The start of a head or of a line whose end isn't here yet. */
  private held: Buffer | undefined;

  constructor(private readonly sink: AnswerSink) {}

  /** The next answer is to a request of this method. */
  expect(method: string): void {
    this.state = 'head';
    this.isForHead = method === 'HEAD';
  }

  /** @throws UnreadableAnswer */
  execute(chunk: Buffer): void {
    for (let at = 0; at < chunk.length;) at = this.step(chunk, at);
  }

  /** The upstream will send no more. @returns false when that breaks an answer off. */
  finish(): boolean {
    if (this.state === 'until-close') this.complete([], false);
    return this.state === 'idle';
  }

  /** @returns Where to read on. */
  private step(chunk: Buffer, at: number): number {
    switch (this.state) {
      case 'idle':
        throw new UnreadableAnswer('not-http');
      case 'head':
        return this.readHead(chunk, at);
      case 'length':
      case 'data':
        return this.readCounted(chunk, at);
      case 'size':
        return this.readSize(chunk, at);
      case 'data-end':
        return this.readDataEnd(chunk, at);
      case 'trailers':
        return this.readTrailers(chunk, at);
      case 'until-close':
        this.sink.onBody(at === 0 ? chunk : chunk.subarray(at));
        return chunk.length;
    }
  }

  private readHead(chunk: Buffer, at: number): number {
    const found = this.upTo(HEAD_END, chunk, at, MAX_HEAD_BYTES);
    if (found === undefined) return chunk.length;
    const head = parseHead(found.text);
    if (head.status === 101) throw new UnreadableAnswer('not-http'); // nobody asked for it
    if (head.status < 200) {
      this.sink.onInformation(head);
      return found.next;
    }
    this.head = head;
    this.sink.onHead(head);
    if (this.isForHead || head.status === 204 || head.status === 304 || head.length === 0) {
      this.complete([], found.next === chunk.length);
    } else if (head.isChunked) {
      this.state = 'size';
    } else if (head.length === undefined) {
      this.state = 'until-close';
    } else {
      this.state = 'length';
      this.remaining = head.length;
    }
    return found.next;
  }

  private readCounted(chunk: Buffer, at: number): number {
    const end = Math.min(chunk.length, at + this.remaining);
    this.remaining -= end - at;
    this.sink.onBody(at === 0 && end === chunk.length ? chunk : chunk.subarray(at, end));
    if (this.remaining > 0) return end;
    if (this.state === 'data') this.state = 'data-end';
    else this.complete([], end === chunk.length);
    return end;
  }

  private readSize(chunk: Buffer, at: number): number {
    const found = this.upTo(LINE_END, chunk, at, MAX_SIZE_LINE_BYTES);
    if (found === undefined) return chunk.length;
    const match = SIZE_LINE.exec(found.text);
    if (match?.[1] === undefined) throw new UnreadableAnswer('not-http');
    this.remaining = Number.parseInt(match[1], 16);
    this.state = this.remaining === 0 ? 'trailers' : 'data';
    return found.next;
  }

  private readDataEnd(chunk: Buffer, at: number): number {
    const found = this.upTo(LINE_END, chunk, at, LINE_END.length);
    if (found === undefined) return chunk.length;
    if (found.text !== '') throw new UnreadableAnswer('not-http');
    this.state = 'size';
    return found.next;
  }

  private readTrailers(chunk: Buffer, at: number): number {
    // Without trailers the empty line is all there is.
    const isBare = this.held === undefined && chunk.length >= at + 2 && chunk[at] === CR && chunk[at + 1] === LF;
    if (isBare) {
      this.complete([], at + 2 === chunk.length);
      return at + 2;
    }
    const pending = this.held === undefined ? chunk.subarray(at) : Buffer.concat([this.held, chunk.subarray(at)]);
    const isEmpty = pending.length >= 2 && pending[0] === CR && pending[1] === LF;
    const end = isEmpty ? 0 : pending.indexOf(HEAD_END);
    if (end === -1) {
      if (pending.length > MAX_HEAD_BYTES) throw new UnreadableAnswer('too-large');
      this.held = pending;
      return chunk.length;
    }
    const next = chunk.length - (pending.length - end - (isEmpty ? LINE_END.length : HEAD_END.length));
    this.held = undefined;
    this.complete(isEmpty ? [] : parseFields(pending.toString('latin1', 0, end), 0), next === chunk.length);
    return next;
  }

  /** The text before `mark`, once that is here. */
  private upTo(mark: string, chunk: Buffer, at: number, maxBytes: number): { text: string; next: number } | undefined {
    if (this.held === undefined) {
      const end = chunk.indexOf(mark, at, 'latin1');
      if (end !== -1 && end - at <= maxBytes)
        return { text: chunk.toString('latin1', at, end), next: end + mark.length };
    }
    const held = this.held ?? EMPTY;
    const pending = Buffer.concat([held, chunk.subarray(at)]);
    const end = pending.indexOf(mark, Math.max(0, held.length - mark.length), 'latin1');
    if (end > maxBytes || (end === -1 && pending.length > maxBytes)) throw new UnreadableAnswer('too-large');
    if (end === -1) {
      this.held = pending;
      return undefined;
    }
    this.held = undefined;
    return { text: pending.toString('latin1', 0, end), next: chunk.length - (pending.length - end - mark.length) };
  }

  /** @param isAtEnd - Nothing came behind the answer. What did would pass for the answer to whoever asks next. */
  private complete(trailers: readonly string[], isAtEnd: boolean): void {
    this.state = 'idle';
    const keepsAlive = this.head?.keepsAlive === true;
    this.head = undefined;
    this.sink.onComplete(trailers, keepsAlive && isAtEnd);
  }
}

const HEAD_END = '\r\n\r\n';
const LINE_END = '\r\n';
const CR = 0x0d;
const LF = 0x0a;
const EMPTY = Buffer.alloc(0);
// 12 digits are more than a number can count bytes with precision of.
const SIZE_LINE = /^([0-9a-fA-F]{1,12})[ \t]*(?:;[\t\x20-\x7e\x80-\xff]*)?$/;
