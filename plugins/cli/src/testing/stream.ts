import { Writable } from 'node:stream';

/** Stands in for a terminal or a pipe, and keeps what was written. */
export class FakeStream extends Writable {
  text = '';
  readonly columns = 40;

  constructor(readonly isTTY: boolean) {
    super();
  }
  override _write(chunk: Buffer, _encoding: string, done: () => void): void {
    this.text += chunk.toString();
    done();
  }
  /** As the type that outputs want: the parts of it that are used are here. */
  asOutput(): NodeJS.WriteStream {
    return this as unknown as NodeJS.WriteStream;
  }
}
