import { createHash } from 'node:crypto';
import { createReadStream, createWriteStream } from 'node:fs';
import { mkdtemp, rm, stat } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { createGzip } from 'node:zlib';
import type { Headers } from 'tar-fs';

/** A source tree as one file. */
export interface SourceArchive {
  /** Of the file, in hex. */
  readonly sha256: string;
  readonly bytes: number;
  open(): Readable;
}

/** Packs a folder, so that the same files give the same archive, and removes it when it has been used. */
export async function withSourceArchive<T>(
  folder: string,
  signal: AbortSignal,
  use: (archive: SourceArchive) => Promise<T>,
): Promise<T> {
  const scratch = await mkdtemp(path.join(tmpdir(), 'clusternator-source-'));
  try {
    const file = path.join(scratch, 'source.tar.gz');
    await pipeline(await packed(folder), createGzip(), createWriteStream(file), { signal });
    const hash = createHash('sha256');
    await pipeline(createReadStream(file), hash, { signal });
    const { size: bytes } = await stat(file);
    return await use({ sha256: hash.digest('hex'), bytes, open: () => createReadStream(file) });
  } finally {
    await rm(scratch, { recursive: true });
  }
}

/** Sorted, and without what another machine's checkout would have otherwise: times, owners, and all of a mode but who may run it. */
async function packed(folder: string): Promise<Readable> {
  const { pack } = await import('tar-fs');
  const map = (header: Headers): Headers => ({
    ...header,
    mtime: new Date(0),
    uid: 0,
    gid: 0,
    mode: header.type === 'directory' || header.mode & 0o111 ? 0o755 : 0o644,
  });
  // Its types do not know of sorting.
  const options = { sort: true, map };
  return Readable.from(pack(folder, options));
}
