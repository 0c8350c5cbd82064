import { lstatSync, readdirSync } from 'node:fs';

const SLASH = Buffer.from('/');

/** How much of a tree is not as an earlier copy of it, by sizes and times alone: of a file that differs, all of it; of one that went, what it had. */
export function changedBytes(folder: string, since: string): number {
  return bytesIn(Buffer.from(folder), Buffer.from(since));
}

function bytesIn(now: Buffer, before: Buffer): number {
  const names = new Map([...namesIn(now), ...namesIn(before)].map((name) => [name.toString('latin1'), name]));
  let bytes = 0;
  for (const name of names.values()) {
    const [one, other] = [Buffer.concat([now, SLASH, name]), Buffer.concat([before, SLASH, name])];
    const [is, was] = [one, other].map((file) => lstatSync(file, { throwIfNoEntry: false }));
    if (is?.isDirectory() || was?.isDirectory()) bytes += bytesIn(one, other);
    else if (is?.size !== was?.size || is?.mtimeMs !== was?.mtimeMs) bytes += Math.max(is?.size ?? 0, was?.size ?? 0);
  }
  return bytes;
}

function namesIn(folder: Buffer): Buffer[] {
  try {
    return readdirSync(folder, { encoding: 'buffer' });
  } catch {
    return [];
  }
}
