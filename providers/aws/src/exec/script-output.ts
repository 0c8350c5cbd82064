/** What our script says, in the order in which it may. `count`: the bytes of the output, and of the line with the exit code. */
export type Said =
  | { readonly kind: 'missing'; readonly program: string }
  | { readonly kind: 'asks' | 'begins' }
  | { readonly kind: 'output'; readonly bytes: Buffer }
  | { readonly kind: 'exit'; readonly code: number; readonly bytesBefore: number }
  | { readonly kind: 'count'; readonly bytes: number };

const NONE = Buffer.alloc(0);
const EXIT = /^(\d{1,3});/;
const MISSING = /^!([^;]*);/;
const LONGEST_NOISE = 4096;

/** Tells the output of a command from what the script around it says. Keeps back only what may be the beginning of a marker. */
export class ScriptOutput {
  private state: 'before' | 'asked' | 'running' | 'counting' = 'before';
  private held: Buffer = NONE;
  private bytes = 0;

  constructor(private readonly marker: string) {}

  /** What came before the script, of which nobody should be. */
  get noise(): string {
    return this.state === 'before' || this.state === 'asked' ? this.held.toString().trim() : '';
  }

  *take(chunk: Buffer): Generator<Said> {
    this.held = Buffer.concat([this.held, chunk]);
    for (let said = this.next(); said; said = this.next()) yield said;
  }

  private next(): Said | undefined {
    switch (this.state) {
      case 'before':
      case 'asked':
        return this.preparation();
      case 'running':
        return this.output();
      case 'counting':
        return this.count();
    }
  }

  private preparation(): Said | undefined {
    const at = this.held.indexOf(this.marker);
    if (at < 0) {
      this.held = this.held.subarray(-LONGEST_NOISE);
      return undefined;
    }
    const rest = this.held.subarray(at + this.marker.length);
    const program = MISSING.exec(rest.toString('latin1'))?.[1];
    if (program !== undefined) {
      this.held = NONE;
      return { kind: 'missing', program };
    }
    const sign = this.state === 'before' ? '<' : '>';
    if (!rest.toString('latin1').startsWith(sign)) return undefined;
    this.held = rest.subarray(1);
    this.state = this.state === 'before' ? 'asked' : 'running';
    return { kind: this.state === 'asked' ? 'asks' : 'begins' };
  }

  private output(): Said | undefined {
    const at = this.held.indexOf(this.marker);
    if (at === 0) return this.exit();
    const end = at > 0 ? at : this.held.length - this.begunMarker();
    return end > 0 ? this.give(end) : undefined;
  }

  private exit(): Said | undefined {
    const rest = this.held.toString('latin1', this.marker.length, this.marker.length + 4);
    const code = EXIT.exec(rest)?.[1];
    if (code !== undefined) {
      this.held = this.held.subarray(this.marker.length + code.length + 1);
      this.state = 'counting';
      return { kind: 'exit', code: Number(code), bytesBefore: this.bytes + this.marker.length + code.length + 1 };
    }
    // The command knows the marker as well as we do, and may have written it.
    return /^\d{0,3}$/.test(rest) ? undefined : this.give(1);
  }

  private give(length: number): Said {
    const bytes = this.held.subarray(0, length);
    this.held = this.held.subarray(length);
    this.bytes += length;
    return { kind: 'output', bytes };
  }

  private count(): Said | undefined {
    const [, count] = /^\s*(\d+)\s*\n/.exec(this.held.toString('latin1')) ?? [];
    if (count === undefined) return undefined;
    this.held = NONE;
    return { kind: 'count', bytes: Number(count) };
  }

  /** How many bytes at the end may be the beginning of a marker. */
  private begunMarker(): number {
    for (let length = Math.min(this.marker.length - 1, this.held.length); length > 0; length -= 1)
      if (this.held.toString('latin1', this.held.length - length) === this.marker.slice(0, length)) return length;
    return 0;
  }
}
