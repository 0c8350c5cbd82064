/**
 * Follows the frames of one direction of a WebSocket (RFC 6455 §5.2), so that a frame of our own can be put between two of them.
 * Reads headers only: payloads are counted, never looked at.
 */
export class FrameTracker {
  /** A close frame passed by: nothing may follow it. */
  sawClose = false;
  private readonly header = Buffer.alloc(14);
  private headerLength = 0;
  private payloadLeft = 0;

  get atBorder(): boolean {
    return this.headerLength === 0 && this.payloadLeft === 0;
  }

  /** Takes `chunk` in, to its end or to the first border. @returns how many of its bytes were taken in. */
  advance(chunk: Buffer, stopAtBorder: boolean): number {
    let at = 0;
    while (at < chunk.length) {
      if (stopAtBorder && this.atBorder) return at;
      if (this.payloadLeft > 0) {
        const taken = Math.min(this.payloadLeft, chunk.length - at);
        this.payloadLeft -= taken;
        at += taken;
      } else {
        this.header[this.headerLength++] = chunk[at++] ?? 0;
        this.endHeader();
      }
    }
    return at;
  }

  private endHeader(): void {
    if (this.headerLength < 2) return;
    const second = this.header[1] ?? 0;
    const short = second & 0x7f;
    const lengthBytes = short === 126 ? 2 : short === 127 ? 8 : 0;
    const maskBytes = (second & 0x80) === 0 ? 0 : 4;
    if (this.headerLength < 2 + lengthBytes + maskBytes) return;
    if (lengthBytes === 0) this.payloadLeft = short;
    else if (lengthBytes === 2) this.payloadLeft = this.header.readUInt16BE(2);
    else this.payloadLeft = Number(this.header.readBigUInt64BE(2));
    if (((this.header[0] ?? 0) & 0x0f) === CLOSE_OPCODE) this.sawClose = true;
    this.headerLength = 0;
  }
}

const CLOSE_OPCODE = 8;

/** A server's close frame. @param reason - At most 123 bytes are sent. */
export function closeFrame(code: number, reason: string): Buffer {
  let text = Buffer.from(reason);
  if (text.length > 123)
    text = Buffer.from(
      text
        .subarray(0, 123)
        .toString()
        .replace(/\uFFFD$/, ''),
    );
  const frame = Buffer.alloc(4 + text.length);
  frame[0] = 0x80 | CLOSE_OPCODE;
  frame[1] = 2 + text.length;
  frame.writeUInt16BE(code, 2);
  text.copy(frame, 4);
  return frame;
}
