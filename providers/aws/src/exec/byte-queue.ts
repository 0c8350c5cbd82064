/** Bytes on their way to one reader: what is there is read before it ends or fails. */
export class ByteQueue implements AsyncIterable<Uint8Array> {
  private readonly chunks: Uint8Array[] = [];
  private end: { readonly error?: unknown } | undefined;
  private wake: () => void = () => undefined;

  push(chunk: Uint8Array): void {
    this.chunks.push(chunk);
    this.wake();
  }

  /** The first is what counts. */
  finish(end: { readonly error?: unknown } = {}): void {
    this.end ??= end;
    this.wake();
  }

  async *[Symbol.asyncIterator](): AsyncGenerator<Uint8Array> {
    for (;;) {
      const chunk = this.chunks.shift();
      if (chunk) yield chunk;
      else if (this.end === undefined) await new Promise<void>((resolve) => (this.wake = resolve));
      else if ('error' in this.end) throw this.end.error;
      else return;
    }
  }
}
