import { closeSync, fstatSync, openSync, readSync, renameSync, statSync, writeSync } from 'node:fs';
import { formatLine, parseLine, type StoredLine } from './log-lines.ts';

const PIECE_BYTES = 64 * 1024;

/** A service's log file is renamed to this when it is full; the one before goes. */
const older = (file: string): string => `${file}.1`;

/** Appends to a service's log, and keeps it below twice `maxBytes`. */
export class LogWriter {
  readonly #file: string;
  readonly #maxBytes: number;
  #handle: number | undefined;
  #bytes = 0;

  constructor(file: string, maxBytes: number) {
    this.#file = file;
    this.#maxBytes = maxBytes;
  }

  /** A full disk loses lines, and stops no service. */
  append(lines: readonly StoredLine[]): void {
    const bytes = Buffer.from(lines.map(formatLine).join(''));
    try {
      if (this.#bytes + bytes.length > this.#maxBytes) this.#rotate();
      const handle = this.#open();
      this.#bytes += writeSync(handle, bytes);
    } catch {
      this.close();
    }
  }

  close(): void {
    if (this.#handle !== undefined) closeSync(this.#handle);
    this.#handle = undefined;
    this.#bytes = 0;
  }

  #open(): number {
    if (this.#handle === undefined) {
      this.#handle = openSync(this.#file, 'a', 0o600);
      this.#bytes = fstatSync(this.#handle).size;
    }
    return this.#handle;
  }

  #rotate(): void {
    this.#open();
    if (this.#bytes === 0) return;
    this.close();
    renameSync(this.#file, older(this.#file));
  }
}

/** Reads a service's log from its oldest line, and on as it grows, through its renaming. */
export class LogReader {
  readonly #file: string;
  #handle: number | undefined;
  #inode = 0;
  #offset = 0;
  #rest = Buffer.alloc(0);
  #lines: StoredLine[] = [];
  #startedWithOlder = false;

  constructor(file: string) {
    this.#file = file;
  }

  /** The next line, which stays the next. Undefined: there is none yet. */
  peek(): StoredLine | undefined {
    while (this.#lines.length === 0 && this.#fill());
    return this.#lines[0];
  }

  take(): StoredLine | undefined {
    const line = this.peek();
    this.#lines.shift();
    return line;
  }

  close(): void {
    if (this.#handle !== undefined) closeSync(this.#handle);
    this.#handle = undefined;
  }

  /** @returns False at the end of what is there. */
  #fill(): boolean {
    if (this.#handle === undefined && !this.#openOldest()) return false;
    const piece = Buffer.allocUnsafe(PIECE_BYTES);
    const read = readSync(this.#handle ?? -1, piece, 0, PIECE_BYTES, this.#offset);
    if (read === 0) return this.#next();
    this.#offset += read;
    this.#parse(piece.subarray(0, read));
    return true;
  }

  #parse(piece: Buffer): void {
    const bytes = this.#rest.length === 0 ? piece : Buffer.concat([this.#rest, piece]);
    const end = bytes.lastIndexOf(10);
    this.#rest = Buffer.from(bytes.subarray(end + 1));
    if (end === -1) return;
    this.#lines = bytes
      .toString('utf8', 0, end)
      .split('\n')
      .flatMap((raw) => parseLine(raw) ?? []);
  }

  #openOldest(): boolean {
    if (!this.#startedWithOlder) {
      this.#startedWithOlder = true;
      if (this.#tryOpen(older(this.#file))) return true;
    }
    return this.#tryOpen(this.#file);
  }

  /** At the end of a file that was renamed, the next one is read from its start. */
  #next(): boolean {
    const current = inodeOf(this.#file);
    if (current === undefined || current === this.#inode) return false;
    // It may have been renamed since the last read, and have got lines before that.
    const size = fstatSync(this.#handle ?? -1).size;
    if (size > this.#offset) return true;
    this.close();
    return this.#tryOpen(this.#file);
  }

  #tryOpen(file: string): boolean {
    try {
      this.#handle = openSync(file, 'r');
    } catch {
      return false;
    }
    this.#inode = fstatSync(this.#handle).ino;
    this.#offset = 0;
    this.#rest = Buffer.alloc(0);
    return true;
  }
}

function inodeOf(file: string): number | undefined {
  return statSync(file, { throwIfNoEntry: false })?.ino;
}
