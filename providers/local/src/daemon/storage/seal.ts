import { createHash } from 'node:crypto';
import { closeSync, createReadStream, fsyncSync, openSync, renameSync, writeSync } from 'node:fs';
import { createInterface } from 'node:readline';
import { checksumsOf } from './checksums.ts';

const BUFFER_BYTES = 2 ** 18;

/**
 * Writes the list of a tree's checksums, or only adds them up.
 * @param list - Left out: nothing is written.
 * @returns The seal: one checksum over the list, which tells for all of the tree.
 */
export function sealOf(folder: string, list: string | undefined, onBytes: (bytes: number) => void): string {
  const sum = createHash('sha256');
  const part = list === undefined ? undefined : `${list}.part`;
  const handle = part === undefined ? undefined : openSync(part, 'w', 0o600);
  let lines = '';
  const write = (): void => {
    sum.update(lines);
    if (handle !== undefined) writeSync(handle, lines);
    lines = '';
  };
  try {
    for (const { line } of checksumsOf(Buffer.from(folder), onBytes)) {
      lines += `${line}\n`;
      if (lines.length >= BUFFER_BYTES) write();
    }
    write();
    if (handle !== undefined) fsyncSync(handle);
  } finally {
    if (handle !== undefined) closeSync(handle);
  }
  if (part !== undefined && list !== undefined) renameSync(part, list);
  return sum.digest('hex');
}

/**
 * The first thing that is not as it was when the list was written. For messages: the seal has told already that there is one.
 * @returns Undefined: all is as listed, so that it is the list that was damaged.
 */
export async function firstDamaged(folder: string, list: string): Promise<string | undefined> {
  const listed = createInterface({ input: createReadStream(list), crlfDelay: Infinity })[Symbol.asyncIterator]();
  for (const { line, name } of checksumsOf(Buffer.from(folder), () => undefined)) {
    const next = await listed.next();
    if (next.done === true) return `${name} was not in it`;
    if (next.value === line) continue;
    const wanted = nameIn(next.value);
    return wanted === name
      ? `${name} was changed`
      : `${wanted ?? name} is missing, or the list of checksums was changed`;
  }
  const next = await listed.next();
  return next.done === true ? undefined : `${nameIn(next.value) ?? 'something'} is missing`;
}

function nameIn(line: string): string | undefined {
  try {
    const parsed: unknown = JSON.parse(line);
    const name: unknown = Array.isArray(parsed) ? parsed[0] : undefined;
    return typeof name === 'string' ? Buffer.from(name, 'latin1').toString() : undefined;
  } catch {
    return undefined;
  }
}
