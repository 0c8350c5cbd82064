import { statfsSync } from 'node:fs';

/** What keeping things leaves free, so that it never fills a disk: 256 MiB, or a twentieth of a small one. */
const RESERVE_BYTES = 256 * 2 ** 20;

/** How many more bytes may be kept on the disk of a folder. */
export function spareBytes(folder: string): number {
  const { bavail, blocks, bsize } = statfsSync(folder);
  return bavail * bsize - Math.min(RESERVE_BYTES, (blocks * bsize) / 20);
}
