import { closeSync, createReadStream, ftruncateSync, openSync, readdirSync, readSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { z } from 'zod';
import { systemError } from '../artefact/files.ts';
import type { LogLine } from '../environment/environment.ts';

const lineSchema = z.object({
  at: z.iso.datetime(),
  service: z.string(),
  instance: z.string(),
  text: z.string(),
  cursor: z.string(),
});
const SEGMENT = /^\d{8}\.ndjson$/;
const PIECE_BYTES = 64 * 1024;

/** A file of a kept log. Its lines follow those of the ones with lower names. */
export interface Segment {
  readonly file: string;
  readonly bytes: number;
}

export function segmentFile(folder: string, number: number): string {
  return join(folder, `${String(number).padStart(8, '0')}.ndjson`);
}

/** Oldest first. */
export function segmentsOf(folder: string): readonly Segment[] {
  return namesIn(folder)
    .filter((name) => SEGMENT.test(name))
    .toSorted()
    .flatMap((name) => {
      const file = join(folder, name);
      const status = statSync(file, { throwIfNoEntry: false });
      return status ? [{ file, bytes: status.size }] : [];
    });
}

export function namesIn(folder: string): readonly string[] {
  try {
    return readdirSync(folder);
  } catch {
    return [];
  }
}

export function formatLogLine({ at, service, instance, text, cursor }: LogLine): string {
  return `${JSON.stringify({ at: at.toISOString(), service, instance, text, cursor })}\n`;
}

/** Undefined: it was cut short. */
function parseLogLine(raw: string): LogLine | undefined {
  try {
    const { at, ...line } = lineSchema.parse(JSON.parse(raw));
    return { ...line, at: new Date(at) };
  } catch {
    return undefined;
  }
}

/** Oldest first. A segment that goes meanwhile, to make room, is left out. */
export async function* linesIn(folder: string): AsyncGenerator<LogLine> {
  for (const { file } of segmentsOf(folder)) {
    const input = createReadStream(file);
    const lines = createInterface({ input, crlfDelay: Infinity });
    try {
      for await (const raw of lines) {
        const line = parseLogLine(raw);
        if (line) yield line;
      }
    } catch (error) {
      if (systemError(error)?.code !== 'ENOENT') throw error;
    } finally {
      lines.close();
      input.destroy();
    }
  }
}

/** Takes away the line that a killed process had begun to write. @returns The last whole one. */
export function repairSegment(file: string): LogLine | undefined {
  const handle = openSync(file, 'r+');
  try {
    const { size } = statSync(file);
    let tail = Buffer.alloc(0);
    for (let from = size; from > 0;) {
      const length = Math.min(PIECE_BYTES, from);
      from -= length;
      const piece = Buffer.alloc(length);
      readSync(handle, piece, 0, length, from);
      tail = Buffer.concat([piece, tail]);
      const end = tail.lastIndexOf(10);
      const begin = end <= 0 ? -1 : tail.lastIndexOf(10, end - 1);
      if (end === -1 || (begin === -1 && from > 0)) continue;
      ftruncateSync(handle, from + end + 1);
      return parseLogLine(tail.toString('utf8', begin + 1, end));
    }
    ftruncateSync(handle, 0);
    return undefined;
  } finally {
    closeSync(handle);
  }
}
