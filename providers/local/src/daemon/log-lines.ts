import { StringDecoder } from 'node:string_decoder';

/** One line of one instance, as it is kept: `<cursor> <at> <instance> <mark> <text>`. */
export interface StoredLine {
  /** Rises within an environment, over all its services. Microseconds since the epoch, or just above the line before. */
  readonly cursor: number;
  readonly at: Date;
  readonly instance: string;
  /** Of lines that come from elsewhere: where to go on there. `-` for none. */
  readonly mark: string;
  readonly text: string;
}

export function formatLine(line: StoredLine): string {
  return `${String(line.cursor)} ${line.at.toISOString()} ${line.instance} ${line.mark} ${line.text}\n`;
}

/** Undefined: the line was cut short, by a machine that went down for example. */
export function parseLine(raw: string): StoredLine | undefined {
  const match = /^(\d+) (\S+) (\S+) (\S+) (.*)$/s.exec(raw);
  if (!match) return undefined;
  const [, cursor, time, instance, mark, text] = match;
  const at = new Date(time ?? '');
  if (instance === undefined || mark === undefined || text === undefined || Number.isNaN(at.getTime()))
    return undefined;
  return { cursor: Number(cursor), at, instance, mark, text };
}

/** A line longer than this is told in pieces. */
const LONGEST_LINE = 16 * 1024;

/** Cuts what a process writes into lines, whatever its pieces are. */
export class LineSplitter {
  readonly #decoder = new StringDecoder('utf8');
  #rest = '';

  /** @returns The lines that these bytes end. */
  write(bytes: Buffer): readonly string[] {
    const lines = (this.#rest + this.#decoder.write(bytes)).split('\n');
    this.#rest = lines.pop() ?? '';
    const whole = lines.flatMap(piecesOf);
    if (this.#rest.length > LONGEST_LINE) {
      const pieces = piecesOf(this.#rest);
      this.#rest = pieces.at(-1) ?? '';
      whole.push(...pieces.slice(0, -1));
    }
    return whole;
  }

  /** @returns The last line, which has no end. */
  end(): readonly string[] {
    const rest = this.#rest + this.#decoder.end();
    this.#rest = '';
    return rest === '' ? [] : piecesOf(rest);
  }
}

function piecesOf(line: string): string[] {
  const text = line.endsWith('\r') ? line.slice(0, -1) : line;
  if (text.length <= LONGEST_LINE) return [text];
  const count = Math.ceil(text.length / LONGEST_LINE);
  return Array.from({ length: count }, (_, i) => text.slice(i * LONGEST_LINE, (i + 1) * LONGEST_LINE));
}
