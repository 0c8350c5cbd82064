import { closeSync, openSync, readSync } from 'node:fs';

/** Files of /proc have no size: `readFileSync` takes a new buffer of 64 KiB for each, of which hundreds are read in a row. */
let buffer = Buffer.alloc(64 * 1024);

/** @returns Undefined when it is gone, or another user's. Bytes are taken as Latin-1: what is looked for in them is ASCII. */
export function readProcFile(file: string): string | undefined {
  let handle: number;
  try {
    handle = openSync(file, 'r');
  } catch {
    return undefined;
  }
  try {
    let length = 0;
    for (;;) {
      const read = readSync(handle, buffer, length, buffer.length - length, null);
      if (read === 0) return buffer.toString('latin1', 0, length);
      length += read;
      if (length === buffer.length) buffer = Buffer.concat([buffer, Buffer.alloc(buffer.length)]);
    }
  } catch {
    return undefined; // ended in between
  } finally {
    closeSync(handle);
  }
}
