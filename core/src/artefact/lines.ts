import { stripVTControlCharacters } from 'node:util';
import { StringDecoder } from 'node:string_decoder';

/** Of one line; a program that writes no line ends must not fill the memory. */
const MAX_LENGTH = 16_384;

/** Cuts output into lines, as they come. A carriage return alone begins a line anew, as progress bars do. */
export class Lines {
  private readonly decoder = new StringDecoder('utf8');
  private rest = '';

  constructor(private readonly onLine: (line: string) => void) {}

  write(chunk: Buffer): void {
    this.take(this.rest + this.decoder.write(chunk));
  }

  /** The last line may have no end. */
  end(): void {
    this.take(this.rest + this.decoder.end());
    if (this.rest !== '') this.tell(this.rest);
    this.rest = '';
  }

  private take(text: string): void {
    const lines = text.split('\n');
    this.rest = lines.pop() ?? '';
    for (const line of lines) this.tell(line);
    while (this.rest.length > MAX_LENGTH) {
      this.tell(this.rest.slice(0, MAX_LENGTH));
      this.rest = this.rest.slice(MAX_LENGTH);
    }
  }

  private tell(line: string): void {
    const shown = line.replace(/\r+$/, '');
    this.onLine(shown.slice(shown.lastIndexOf('\r') + 1));
  }
}

/** Remembers the last lines, for an error. */
export class LastLines {
  private readonly lines: string[] = [];

  constructor(private readonly count = 20) {}

  add(line: string): void {
    this.lines.push(stripVTControlCharacters(line));
    if (this.lines.length > this.count) this.lines.shift();
  }

  /** Indented, to stand below a message; empty without lines. */
  toString(): string {
    return this.lines.map((line) => `\n  ${line}`).join('');
  }
}
