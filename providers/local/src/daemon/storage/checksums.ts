import { createHash, hash } from 'node:crypto';
import { closeSync, lstatSync, openSync, readdirSync, readlinkSync, readSync, type Stats } from 'node:fs';

/** One line of the list of a tree's checksums. A name may hold any byte. */
export interface Checked {
  readonly line: string;
  readonly name: string;
}

const CHUNK_BYTES = 2 ** 20;
const SLASH = Buffer.from('/');
let chunk: Buffer | undefined;

/**
 * Kind, permissions, size and content of all that a folder holds, always in the same order. One folder's names are in memory at a time, and
 * one piece of a file. Blocks its thread.
 */
export function* checksumsOf(
  folder: Buffer,
  onBytes: (bytes: number) => void,
  below = Buffer.alloc(0),
): Generator<Checked> {
  const names = readdirSync(folder, { encoding: 'buffer' }).sort((a, b) => Buffer.compare(a, b));
  for (const name of names) {
    const file = Buffer.concat([folder, SLASH, name]);
    const inside = below.length === 0 ? name : Buffer.concat([below, SLASH, name]);
    const stats = lstatSync(file);
    const text = inside.toString('latin1');
    yield { name: inside.toString(), line: JSON.stringify([text, ...summaryOf(file, stats, onBytes)]) };
    if (stats.isDirectory()) yield* checksumsOf(file, onBytes, inside);
  }
}

function summaryOf(file: Buffer, stats: Stats, onBytes: (bytes: number) => void): readonly (string | number)[] {
  const mode = stats.mode & 0o7777;
  if (stats.isFile()) return ['file', mode, stats.size, contentOf(file, onBytes)];
  if (stats.isSymbolicLink()) return ['link', readlinkSync(file, { encoding: 'buffer' }).toString('latin1')];
  if (stats.isDirectory()) return ['folder', mode];
  return ['other', stats.mode];
}

function contentOf(file: Buffer, onBytes: (bytes: number) => void): string {
  chunk ??= Buffer.allocUnsafeSlow(CHUNK_BYTES);
  const handle = openSync(file, 'r');
  try {
    let length = fill(handle, chunk, onBytes);
    if (length < CHUNK_BYTES) return hash('sha256', chunk.subarray(0, length), 'hex');
    const sum = createHash('sha256');
    for (; length > 0; length = fill(handle, chunk, onBytes)) sum.update(chunk.subarray(0, length));
    return sum.digest('hex');
  } finally {
    closeSync(handle);
  }
}

/** @returns How much of it was filled: all, unless the file ended. */
export function fill(handle: number, target: Buffer, onBytes: (bytes: number) => void): number {
  let filled = 0;
  while (filled < target.length) {
    const read = readSync(handle, target, filled, target.length - filled, null);
    if (read === 0) break;
    filled += read;
    onBytes(read);
  }
  return filled;
}
