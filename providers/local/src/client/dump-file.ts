import { createHash } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { open } from 'node:fs/promises';
import { ProviderError, type Call } from '@clusternator/core/provider';
import { codeOf, messageOf } from '../control/failure.ts';

/** Durably. @throws ProviderError `quota`, and whatever the content throws. */
export async function writeDump(file: string, content: AsyncIterable<Uint8Array>, call: Call): Promise<void> {
  const handle = await open(file, 'w', 0o600);
  let done = 0;
  try {
    for await (const piece of content) {
      call.signal.throwIfAborted();
      await handle.writeFile(piece);
      done += piece.length;
      call.progress({ message: 'keeping what the dump wrote', done, unit: 'bytes' });
    }
    await handle.sync();
  } catch (cause) {
    if (codeOf(cause) !== 'ENOSPC' && codeOf(cause) !== 'EDQUOT') throw cause;
    throw new ProviderError('quota', `the disk is full: ${messageOf(cause)}`, { cause, effect: 'none' });
  } finally {
    await handle.close();
  }
}

/** The last piece is given once all of it proved to be what was written. @throws ProviderError `damaged`. */
export async function* readDump(file: string, sha256: string, id: string, call: Call): AsyncGenerator<Uint8Array> {
  const sum = createHash('sha256');
  let last: Buffer | undefined;
  for await (const piece of createReadStream(file, { signal: call.signal, highWaterMark: 2 ** 18 })) {
    if (!Buffer.isBuffer(piece)) continue;
    sum.update(piece);
    if (last) yield last;
    last = piece;
  }
  if (sum.digest('hex') !== sha256) {
    throw new ProviderError('damaged', `snapshot ${id} is damaged: its dump was changed`, {
      effect: 'none',
      retry: 'never',
      hint: 'use another snapshot; this one is left as it is, to be looked at',
    });
  }
  if (last) yield last;
}
