import { chmodSync, existsSync, readdirSync, renameSync } from 'node:fs';
import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { ProviderError } from '../provider/error.ts';
import type { FilesArtefact } from './artefact.ts';
import { bundleDigest, gitTreeId, sealOf } from './digest.ts';
import { copyTree, entriesOf, escapingLink, fileError, toBytes, toPath } from './files.ts';
import { References } from './references.ts';
import type { StoredArtefact } from './references.ts';
import { openScratch, sweepScratch } from './scratch.ts';
import { NO_NOTES, treeNotes } from './tree-notes.ts';
import type { TreeNotes } from './tree-notes.ts';

/** Files to keep: a folder to copy, or what writes them into an empty folder. */
export type FilesSource = { readonly folder: string } | { readonly write: (folder: string) => Promise<void> };
/** A commit's files, kept, and what they lack. */
export interface SourceTree {
  readonly artefact: FilesArtefact;
  readonly notes: TreeNotes;
}
interface Fresh {
  readonly digest: string;
  readonly bytes: number;
  readonly folder: string;
  readonly notes: TreeNotes;
}
const DIGEST = /^(tree-[0-9a-f]{40}|sha256:[0-9a-f]{64})$/;

/**
 * Folders of files, named by what is in them, never changed, and kept for as long as an owner refers to them.
 *
 * A bundle is named by the SHA-256 of its files, a source tree by git's own id for it. Both can be recomputed from the folder alone.
 * That is done once something touched a file: what nobody touched since its last check is known by its inodes and change times.
 */
export class ArtefactStore {
  private opened?: References;

  /** Makes `root` at the first write. */
  constructor(private readonly root: string) {}

  /** Keeps a bundle for `owner`, once however often it is added.
   *  @throws ProviderError `invalid` (a link leads out of it, a socket or device), `quota`, `denied`. */
  add(source: FilesSource, owner: string, signal?: AbortSignal): Promise<FilesArtefact> {
    return this.writing(async (folder) => {
      if ('folder' in source) await copyTree(source.folder, folder, signal);
      else await source.write(folder);
      const link = escapingLink(folder);
      if (link) {
        throw new ProviderError(
          'invalid',
          `${link.path} is a link to ${link.target}, which is outside of what is served`,
          {
            path: link.path,
            hint: 'a bundle may only have relative links to what is in it',
          },
        );
      }
      const { digest, bytes } = await bundleDigest(folder, signal);
      return { digest, bytes, folder, notes: NO_NOTES };
    }, owner);
  }

  /** Keeps the files of a git tree for `owner`. They are written only where they are not here yet.
   *  @param tree - 40 hex. @throws ProviderError `quota`, `denied`, and what `write` throws. */
  async addTree(tree: string, owner: string, write: (folder: string) => Promise<TreeNotes>): Promise<SourceTree> {
    const digest = `tree-${tree}`;
    const known = await this.claim(digest, owner);
    if (known) return { artefact: artefactOf(known), notes: treeNotes(known.notes) };
    let notes = NO_NOTES;
    const artefact = await this.writing(async (folder) => {
      notes = await write(folder);
      let bytes = 0;
      for (const entry of entriesOf(folder)) bytes += entry.size;
      return { digest, bytes, folder, notes };
    }, owner);
    return { artefact, notes };
  }

  /** The read-only folder with the artefact's files. It stays while somebody refers to it.
   *  @throws ProviderError `not-found`; `internal`: its files are not what they were, so that they are not given out. */
  async folder(artefact: Pick<FilesArtefact, 'digest'>): Promise<string> {
    const stored = this.references.find(checked(artefact.digest));
    const hint = 'the command that made it makes it again';
    if (!stored || !existsSync(this.place(stored.digest))) {
      throw new ProviderError('not-found', `artefact ${artefact.digest} is not here`, { hint });
    }
    if (await this.isIntact(stored)) return this.place(stored.digest);
    throw new ProviderError('internal', `artefact ${stored.digest} is damaged: its files were changed`, {
      effect: 'none',
      hint,
    });
  }

  /** One more owner. @throws ProviderError `not-found`. */
  reference(digest: string, owner: string): void {
    this.references.change(() => {
      if (this.references.find(checked(digest)) && existsSync(this.place(digest))) {
        this.references.refer(digest, owner);
        return;
      }
      throw new ProviderError('not-found', `artefact ${digest} is not here`);
    });
  }

  /** What is kept under a digest. Undefined: it is not here. */
  find(digest: string): FilesArtefact | undefined {
    const stored = DIGEST.test(digest) && existsSync(this.place(digest)) ? this.references.find(digest) : undefined;
    return stored && artefactOf(stored);
  }

  /** Whoever refers to something. */
  owners(): readonly string[] {
    return this.references.owners();
  }

  /** The owner needs nothing any more. What nobody else refers to goes. */
  async release(owner: string): Promise<void> {
    await this.clearing((trash) => {
      this.references.unrefer(owner);
      for (const { digest } of this.references.unreferenced()) {
        this.discard(digest, trash(digest));
        this.references.remove(digest);
      }
    });
  }

  /** Removes what dead processes left half done. */
  async sweep(): Promise<void> {
    await this.clearing((trash) => {
      for (const name of readdirSync(this.root)) {
        const digest = name.replace(/^sha256-/, 'sha256:');
        if (DIGEST.test(digest) && !this.references.find(digest)) this.discard(digest, trash(name));
      }
    });
  }

  close(): void {
    this.opened?.close();
    delete this.opened;
  }

  private get references(): References {
    this.opened ??= new References(join(this.root, 'artefacts.db'));
    return this.opened;
  }

  private get incoming(): string {
    return join(this.root, 'incoming');
  }

  private place(digest: string): string {
    return join(this.root, checked(digest).replace(':', '-'));
  }

  private async writing(make: (folder: string) => Promise<Fresh>, owner: string): Promise<FilesArtefact> {
    try {
      await sweepScratch(this.incoming);
      await using scratch = await openScratch(this.incoming);
      const folder = join(scratch.folder, 'files');
      await mkdir(folder);
      return this.keep(await make(folder), owner, join(scratch.folder, 'replaced'));
    } catch (error) {
      throw fileError(error, `keep files in ${this.root}`);
    }
  }

  /** Under the write lock of the database a folder comes and goes by one rename. */
  private keep({ digest, bytes, folder, notes }: Fresh, owner: string, trash: string): FilesArtefact {
    makeReadOnly(folder);
    const fresh = { digest, bytes, seal: sealOf(folder), notes: JSON.stringify(notes) };
    return this.references.change(() => {
      const stored = this.references.find(digest);
      if (!stored || !existsSync(this.place(digest)) || sealOf(this.place(digest)) !== stored.seal) {
        this.discard(digest, trash);
        renameSync(folder, this.place(digest));
        chmodSync(this.place(digest), 0o555); // After the move: a folder that can't be written can't be moved.
        this.references.put(fresh);
      }
      this.references.refer(digest, owner);
      return artefactOf(fresh);
    });
  }

  private async claim(digest: string, owner: string): Promise<StoredArtefact | undefined> {
    const stored = this.references.find(checked(digest));
    if (!stored || !(await this.isIntact(stored))) return undefined;
    return this.references.change(() => {
      const still = this.references.find(digest);
      if (!still || !existsSync(this.place(digest))) return undefined;
      this.references.refer(digest, owner);
      return still;
    });
  }

  private async isIntact(stored: StoredArtefact): Promise<boolean> {
    const folder = this.place(stored.digest);
    if (!existsSync(folder)) return false;
    const seal = sealOf(folder);
    if (seal === stored.seal) return true;
    const isTree = stored.digest.startsWith('tree-');
    const digest = isTree
      ? `tree-${await gitTreeId(folder, treeNotes(stored.notes).gitlinks)}`
      : (await bundleDigest(folder)).digest;
    if (digest !== stored.digest) return false;
    this.references.change(() => {
      if (this.references.find(digest)) this.references.put({ ...stored, seal });
    });
    return true;
  }

  private discard(digest: string, trash: string): void {
    const folder = this.place(digest);
    if (!existsSync(folder)) return;
    chmodSync(folder, 0o755);
    renameSync(folder, trash);
  }

  private async clearing(work: (trash: (name: string) => string) => void): Promise<void> {
    if (!existsSync(this.root)) return;
    // What a killed process was removing is removed by the next one that removes anything.
    await sweepScratch(this.incoming);
    await using scratch = await openScratch(this.incoming);
    this.references.change(() => {
      work((name) => join(scratch.folder, name.replace(':', '-')));
    });
  }
}

/** Digests come from documents, and become paths here. */
function checked(digest: string): string {
  if (DIGEST.test(digest)) return digest;
  throw new ProviderError('invalid', `${JSON.stringify(digest)} is not the digest of an artefact`);
}

function artefactOf({ digest, bytes }: Pick<StoredArtefact, 'digest' | 'bytes'>): FilesArtefact {
  return { kind: 'files', digest, bytes };
}

/** The folder itself follows once it is in its place. */
function makeReadOnly(folder: string): void {
  for (const { path, kind, executable } of entriesOf(folder)) {
    if (kind !== 'link')
      chmodSync(toPath(`${toBytes(folder)}/${path}`), kind === 'folder' || executable ? 0o555 : 0o444);
  }
}
