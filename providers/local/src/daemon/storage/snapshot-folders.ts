import { chown, lstat, mkdir, open, realpath, rename, rm } from 'node:fs/promises';
import path from 'node:path';
import { ProviderError } from '@clusternator/core/provider';
import type { SnapshotEndBody } from '../../control/storage-protocol.ts';
import { removeStrayFolders } from '../leftovers.ts';
import { removeTree } from '../source-tree.ts';
import { bytesOf, copyOne, flush, freshFolder } from './copy.ts';
import { inThread } from './tree-thread.ts';

const MAKING = '.making';

/** Where snapshots are: `<key>/data` and `<key>/checksums`; half made, `<key>.making/data`. */
export class SnapshotFolders {
  readonly #folder: string;

  constructor(folder: string) {
    this.#folder = folder;
  }

  dataOf(key: string): string {
    return path.join(this.#folder, key, 'data');
  }
  listOf(key: string): string {
    return path.join(this.#folder, key, 'checksums');
  }
  dumpIn(data: string): string {
    return path.join(data, 'dump');
  }

  /** @returns A new and empty folder for its data. */
  async begin(key: string): Promise<string> {
    await removeTree(this.#making(key));
    await freshFolder(this.#making(key));
    const data = path.join(this.#making(key), 'data');
    await freshFolder(data);
    return data;
  }

  /** From now on it is there. */
  async settle(key: string): Promise<void> {
    await removeTree(path.join(this.#folder, key));
    await rename(this.#making(key), path.join(this.#folder, key));
  }

  /** What it takes, once that is on the disk. */
  async settleBytes(key: string, signal: AbortSignal): Promise<number> {
    await flush(this.#making(key), signal);
    return bytesOf(path.join(this.#making(key), 'data'), signal);
  }

  /** @throws ProviderError `invalid` (a path that leads out of it). */
  async complete(key: string, source: string, end: SnapshotEndBody, signal: AbortSignal): Promise<void> {
    const data = path.join(this.#making(key), 'data');
    for (const folder of end.again) {
      await assertInside(data, folder);
      await removeTree(path.join(data, folder));
      await copyOne(source, folder, data, signal);
    }
    for (const [file, content] of Object.entries(end.files)) {
      await assertInside(data, file);
      await writeLike(path.join(data, file), content);
    }
  }

  async remove(key: string): Promise<void> {
    await removeTree(path.join(this.#folder, key));
    await removeTree(this.#making(key));
  }

  /** Those that are written down nowhere, and those half made. */
  async removeStrays(isKept: (key: string) => boolean): Promise<void> {
    const plain = (name: string): string => (name.endsWith(MAKING) ? name.slice(0, -MAKING.length) : name);
    await removeStrayFolders(this.#folder, (name) => isKept(plain(name)));
  }

  async changedBytes(folder: string, since: string, signal: AbortSignal): Promise<number> {
    return (await inThread({ kind: 'changes', folder, since }, signal)).bytes;
  }

  #making(key: string): string {
    return path.join(this.#folder, key) + MAKING;
  }
}

/** A link of the volume could lead elsewhere. */
async function assertInside(tree: string, inside: string): Promise<void> {
  const root = await realpath(tree);
  const parent = await realpath(path.dirname(path.join(tree, inside))).catch(() => undefined);
  if (parent === root || parent?.startsWith(root + path.sep)) return;
  throw new ProviderError('invalid', `the volume has no folder for ${inside}`, { effect: 'none' });
}

/** As if who owns the folder had written it. */
async function writeLike(file: string, content: string): Promise<void> {
  const { uid, gid } = await lstat(path.dirname(file));
  await mkdir(path.dirname(file), { recursive: true });
  await rm(file, { force: true });
  const handle = await open(file, 'wx', 0o600);
  try {
    await handle.writeFile(content);
    await handle.sync();
  } finally {
    await handle.close();
  }
  await chown(file, uid, gid).catch(() => undefined); // not ours to give away
}
