import { existsSync, readdirSync, renameSync } from 'node:fs';
import { randomBytes } from 'node:crypto';
import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { removeFolder } from '../artefact/files.ts';
import { openScratch, sweepScratch } from '../artefact/scratch.ts';
import { messageOf } from '../engine/thrown.ts';
import { spareBytes } from '../logs/room.ts';
import { cacheFolder, copyCache, type CopyOptions } from './copy.ts';
import { copyOutputs, putOutputs } from './outputs.ts';
import { CacheIndex, type CacheEntry } from './cache-index.ts';

/** Which folders of a checkout the builds of a project share, and how much all of them may take together. */
export interface CacheSettings {
  readonly folders: readonly string[];
  readonly sizeMiB: number;
}
/** A build that is about to begin. */
export interface CacheUse extends CacheSettings {
  /** Project and stage. */
  readonly owner: string;
  /** The service or site that is built. */
  readonly part: string;
  /** The checkout that it is built in. Nobody else works there. */
  readonly tree: string;
  readonly signal: AbortSignal;
  /** A cache that can't be used never fails a build. */
  readonly tell: (message: string) => void;
}

/** How often a cache is copied anew that was replaced meanwhile. */
const RESTORE_TRIES = 5;
const FOLDER = /^[0-9a-f]{32}$/;
const INSTALL = 'install:'; // no folder of a checkout is called that in a config
const installPath = (key: string): string => `${INSTALL}${key}`;
/** Whether an entry is what an install made, and not a folder that the config names. */
export const isInstall = ({ path }: CacheEntry): boolean => path.startsWith(INSTALL);

/**
 * Folders that builds leave to later ones. Each part has its own, and begins with another's. A saved folder never changes: a new one takes its
 * place in the index, under its write lock, and it goes. So builds that run at once don't see each other, and the last one that ends is the one that counts.
 */
export class BuildCache {
  private opened: CacheIndex | undefined;

  constructor(
    private readonly root: string,
    private readonly spare: (folder: string) => number = spareBytes,
    private readonly now: () => number = Date.now,
  ) {}

  /** Before an install or a build. What is in the checkout already stays as it is. */
  async restore(use: CacheUse): Promise<void> {
    if (use.folders.length === 0 || !existsSync(this.root)) return;
    for (const path of use.folders) {
      await this.orTell(use, `${path} is not restored`, () => this.restoreOne(use, path));
    }
  }

  /** After a build that went well. */
  async save(use: CacheUse): Promise<void> {
    for (const path of use.folders) await this.orTell(use, `${path} is not saved`, () => this.saveOne(use, path));
  }

  /** What an install with this key made. @returns False: it has to run. */
  async putOutputs(use: CacheUse, key: string, outputs: readonly string[]): Promise<boolean> {
    if (!existsSync(this.root)) return false;
    let isThere = false;
    await this.orTell(use, 'what the install made before is not put in place', async () => {
      const entry = this.index.find(use.owner, installPath(key), use.part);
      if (!entry) return;
      await using scratch = await openScratch(this.incoming);
      const copy = join(scratch.folder, 'copy');
      if (!(await this.copyOut(entry, copy, use.signal))) return;
      await putOutputs(copy, use.tree, outputs);
      this.index.used(entry, this.now());
      isThere = true;
    });
    return isThere;
  }

  /** After an install that went well. */
  async keepOutputs(use: CacheUse, key: string, outputs: readonly string[]): Promise<void> {
    await this.orTell(use, 'what the install made is not kept', () =>
      this.keep(use, installPath(key), (copy, options) => copyOutputs(use.tree, copy, outputs, options)),
    );
  }

  /** The longest unused first. */
  list(owner: string): readonly CacheEntry[] {
    if (!existsSync(this.root)) return [];
    return this.index.all().filter((entry) => entry.owner === owner);
  }

  async remove(entry: CacheEntry): Promise<void> {
    this.index.remove(entry);
    await this.sweep();
  }

  /** Removes the folders that the index doesn't name: of what was replaced, and what killed processes left. */
  async sweep(): Promise<void> {
    if (!existsSync(this.root)) return;
    await sweepScratch(this.incoming);
    await using trash = await openScratch(this.incoming);
    this.index.change(() => {
      const named = new Set(this.index.all().map(({ folder }) => folder));
      for (const name of readdirSync(this.root)) {
        if (FOLDER.test(name) && !named.has(name)) renameSync(join(this.root, name), join(trash.folder, name));
      }
    });
  }

  close(): void {
    this.opened?.close();
    this.opened = undefined;
  }

  private get index(): CacheIndex {
    return (this.opened ??= new CacheIndex(join(this.root, 'caches.db')));
  }

  private async restoreOne({ owner, part, tree, signal, tell }: CacheUse, path: string): Promise<void> {
    for (let tries = 1; tries <= RESTORE_TRIES; tries++) {
      const entry = this.index.find(owner, path, part);
      if (!entry) return;
      const target = await cacheFolder(tree, path, true);
      if (target === undefined) {
        tell(`cache: ${path} is not restored: it is no folder of the checkout`);
        return;
      }
      await using scratch = await openScratch(this.incoming);
      const copy = join(scratch.folder, 'copy');
      if (!(await this.copyOut(entry, copy, signal))) continue;
      await putInto(target, copy, signal);
      this.index.used(entry, this.now());
      return;
    }
    tell(`cache: ${path} is not restored: it was replaced again and again`);
  }

  /** @returns False: it was replaced meanwhile, and what was copied may not be whole. */
  private async copyOut(entry: CacheEntry, to: string, signal: AbortSignal): Promise<boolean> {
    const saved = join(this.root, entry.folder);
    try {
      await copyCache(saved, to, { signal, maxBytes: Infinity });
    } catch (error) {
      if (existsSync(saved)) throw error;
    }
    return existsSync(saved); // it is moved away before anything of it goes
  }

  private async saveOne(use: CacheUse, path: string): Promise<void> {
    const source = await cacheFolder(use.tree, path, false);
    if (source !== undefined) await this.keep(use, path, (copy, options) => copyCache(source, copy, options));
  }

  /** @param copyTo - Writes what is to be kept, and says how many bytes it is. */
  private async keep(
    { owner, part, signal, sizeMiB }: CacheUse,
    path: string,
    copyTo: (copy: string, options: CopyOptions) => Promise<number>,
  ): Promise<void> {
    await mkdir(this.root, { recursive: true, mode: 0o700 });
    await using scratch = await openScratch(this.incoming);
    const copy = join(scratch.folder, 'copy');
    const maxBytes = sizeMiB * 2 ** 20;
    const bytes = await copyTo(copy, { signal, maxBytes: Math.min(maxBytes, this.spare(this.root)) });
    const folder = randomBytes(16).toString('hex');
    this.index.change(() => {
      renameSync(copy, join(this.root, folder));
      this.index.put({ owner, path, part, folder, bytes, usedAt: this.now() });
      this.makeRoom(owner, maxBytes);
    });
    await this.sweep();
  }

  /** The longest unused of a project go first. */
  private makeRoom(owner: string, maxBytes: number): void {
    const own = this.index.all().filter((entry) => entry.owner === owner);
    let kept = own.reduce((sum, { bytes }) => sum + bytes, 0);
    for (const entry of own) {
      if (kept <= maxBytes) return;
      this.index.remove(entry);
      kept -= entry.bytes;
    }
  }

  private get incoming(): string {
    return join(this.root, 'incoming');
  }

  private async orTell({ signal, tell }: CacheUse, what: string, work: () => Promise<void>): Promise<void> {
    try {
      await work();
    } catch (error) {
      signal.throwIfAborted();
      tell(`cache: ${what}: ${messageOf(error)}`);
    }
  }
}

/** A folder that is empty is replaced by one that is a whole already. */
async function putInto(target: string, copy: string, signal: AbortSignal): Promise<void> {
  try {
    renameSync(copy, target);
  } catch {
    await copyCache(copy, target, { signal, maxBytes: Infinity });
  }
}

/** Takes the caches out of a checkout, so that they are no part of what is made of it. */
export async function removeCaches(tree: string, folders: readonly string[]): Promise<void> {
  for (const path of folders) {
    const folder = await cacheFolder(tree, path, false);
    if (folder !== undefined) await removeFolder(folder);
  }
}
