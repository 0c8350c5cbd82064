import type { IncomingMessage } from 'node:http';
import type { UpstreamConnection } from './connection.ts';
import { endToEndTrailers } from './headers.ts';

/** Takes a request's body to the upstream as it comes, and no faster than it is taken. */
export class Upload {
  private isStopped = false;

  constructor(
    private readonly request: IncomingMessage,
    private readonly connection: UpstreamConnection,
    private readonly isChunked: boolean,
  ) {
    request.on('data', this.onData).on('end', this.onEnd);
    connection.onDrain(this.onDrain);
  }

  /** What is still to come is read and dropped, so that the client's connection lives on. */
  stop(): void {
    if (this.isStopped) return;
    this.detach();
    if (!this.request.complete) this.request.resume();
  }

  private readonly onData = (chunk: Buffer): void => {
    const takesMore = this.isChunked
      ? this.connection.send(`${chunk.length.toString(16)}\r\n`, chunk, '\r\n')
      : this.connection.send(chunk);
    if (!takesMore) this.request.pause();
  };

  private readonly onDrain = (): void => {
    this.request.resume();
  };

  private readonly onEnd = (): void => {
    this.detach();
    if (this.isChunked) this.connection.send(`0\r\n${lines(endToEndTrailers(this.request.rawTrailers))}\r\n`);
    this.connection.endRequest();
  };

  private detach(): void {
    this.isStopped = true;
    this.request.off('data', this.onData).off('end', this.onEnd);
    this.connection.offDrain(this.onDrain);
  }
}

/** Fields as they stand in a message. */
export function lines(flat: readonly string[]): string {
  let text = '';
  for (let i = 0; i < flat.length; i += 2) text += `${flat[i] ?? ''}: ${flat[i + 1] ?? ''}\r\n`;
  return text;
}
