import { closeSync, fstatSync, fsyncSync, openSync, rmSync, writeSync } from 'node:fs';
import type { LogLine } from '../environment/environment.ts';
import { formatLogLine, repairSegment, segmentFile, segmentsOf } from './log-folder.ts';

const BATCH_BYTES = 64 * 1024;

export interface WriterOptions {
  readonly folder: string;
  readonly until: Date;
  readonly segmentBytes: number;
  /** Makes room for so many bytes, at the expense of what is oldest. False: there is none. */
  makeRoom(bytes: number, current: string): boolean;
}

/**
 * Appends to one kept log. It may be killed anywhere: whoever opens it again goes on after the last whole line that is on the disk, so that no
 * line is lost and none is there twice.
 */
export class KeptLogWriter {
  private segment: string;
  private handle: number | undefined;
  private bytes = 0;
  private batch: string[] = [];
  private batchBytes = 0;
  private lastCursor: string | undefined;
  private isFull = false;

  constructor(private readonly options: WriterOptions) {
    const segments = segmentsOf(options.folder);
    for (const { file } of segments.toReversed()) {
      this.lastCursor ??= repairSegment(file)?.cursor;
      if (this.lastCursor !== undefined) break;
    }
    this.segment = segments.at(-1)?.file ?? segmentFile(options.folder, 1);
  }

  /** After which the rest is to be read. Undefined: from the start. */
  get cursor(): string | undefined {
    return this.lastCursor;
  }

  get until(): Date {
    return this.options.until;
  }

  /** There was no room for all of it. */
  get lacksLines(): boolean {
    return this.isFull;
  }

  append(line: LogLine): void {
    if (this.isFull || line.cursor === this.lastCursor) return;
    const text = formatLogLine(line);
    this.batch.push(text);
    this.batchBytes += Buffer.byteLength(text);
    this.lastCursor = line.cursor;
    if (this.batchBytes >= BATCH_BYTES) this.flush();
  }

  /** What was appended is on the disk afterwards. */
  close(): void {
    this.flush();
    if (this.handle === undefined) return;
    try {
      fsyncSync(this.handle);
    } finally {
      closeSync(this.handle);
      this.handle = undefined;
    }
  }

  /** Writes what was appended, without waiting for the disk. */
  flush(): void {
    const bytes = Buffer.from(this.batch.join(''));
    this.batch = [];
    this.batchBytes = 0;
    if (bytes.length === 0 || this.isFull) return;
    try {
      const handle = this.open(bytes.length);
      if (handle === undefined) this.isFull = true;
      else this.bytes += writeSync(handle, bytes);
    } catch {
      this.isFull = true; // a full disk costs lines: the environment is destroyed all the same, which frees some
      this.takeBackTornLine();
    }
  }

  /** The segment that so many more bytes belong into. Undefined: there is no room for it. */
  private open(bytes: number): number | undefined {
    if (this.handle === undefined) {
      if (!this.makeRoom(bytes)) return undefined;
      this.handle = openSync(this.segment, 'a', 0o600);
      this.bytes = fstatSync(this.handle).size;
    }
    if (this.bytes === 0 || this.bytes + bytes <= this.options.segmentBytes) return this.handle;
    const next = segmentFile(this.options.folder, Number(/(\d{8})\.ndjson$/.exec(this.segment)?.[1]) + 1);
    fsyncSync(this.handle);
    closeSync(this.handle);
    this.handle = undefined;
    this.segment = next;
    return this.open(bytes);
  }

  private makeRoom(bytes: number): boolean {
    return this.options.makeRoom(Math.max(bytes, this.options.segmentBytes), this.segment);
  }

  private takeBackTornLine(): void {
    try {
      if (this.handle !== undefined) repairSegment(this.segment);
      if (this.bytes === 0) rmSync(this.segment, { force: true });
    } catch {
      // whoever reads leaves a torn line out
    }
  }
}
