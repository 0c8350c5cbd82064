import { randomBytes } from 'node:crypto';
import { mkdir, readFile, readdir, rename, rm, stat, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { fileError, removeFolder } from '../artefact/files.ts';
import { openScratch, scratchPath, sweepScratch } from '../artefact/scratch.ts';
import { ProviderError } from '../provider/error.ts';
import type { Commit } from './commit.ts';
import { failure } from './git.ts';
import type { Git } from './git.ts';
import { inspectTree, listTree } from './inspect.ts';
import type { CheckoutReport } from './inspect.ts';
import { fetchInto } from './quarantine.ts';
import type { FetchSource } from './quarantine.ts';

/** The places to fetch from, best first. The later ones are only looked up when the first does not have it. */
export type Sources = () => AsyncIterable<FetchSource>;
/** Rewritten by `compact` from this many packs on. */
const MANY_PACKS = 20;
/** What is checked out is what is committed, byte for byte: no filter of the user's own, no line ends of their machine. */
const ATTRIBUTES = '* -text -filter -ident -working-tree-encoding\n';

const CONFIG = `[core]
\trepositoryformatversion = 0
\tbare = true
\tautocrlf = false
\tsymlinks = true
\tfilemode = true
\tsparseCheckout = false
\tsplitIndex = false
\tuntrackedCache = false
[gc]
\tauto = 0
[index]
\tversion = 2
\tsparse = false
[feature]
\tmanyFiles = false
`;

/**
 * A bare copy of the commits in use. Git never writes into it, so that there is nothing to lock and nothing that a dead process could
 * leave locked: objects arrive in a quarantine of each process's own and are moved in, which is the same whoever does it, and the ref
 * that vouches for a commit with all its objects is one rename. All of it can be fetched again, so it may be removed at any time.
 */
export class Mirror {
  constructor(
    private readonly git: Git,
    readonly folder: string,
  ) {}

  /** Whether the commit is here with all of its files. */
  async has(sha: string): Promise<boolean> {
    return exists(this.refFile(sha));
  }

  /** The commits that are here. */
  async commits(): Promise<readonly string[]> {
    const names = await readdir(dirname(this.refFile('x'))).catch(() => []);
    return names.filter((name) => /^[0-9a-f]{40}$/.test(name));
  }

  /** Fetches the commit unless it is here. @returns False: the source answered, and has no such commit. @throws `unavailable`. */
  async fetch(sha: string, source: FetchSource): Promise<boolean> {
    if (await this.has(sha)) return true;
    return this.fetchAnew(sha, source, await this.commits());
  }

  /** Writes the commit's files, and nothing else, into a folder that is empty or not there. Fetches it where it has to.
   *  @throws `not-found` (no source has it), `unavailable`, `quota`, `denied`. */
  async checkout(commit: Commit, folder: string, sources: Sources): Promise<CheckoutReport> {
    try {
      await mkdir(folder, { recursive: true });
      if (await this.has(commit.sha)) {
        const report = await this.write(commit, folder);
        if (report) return report;
      }
      await this.fetchFromAny(commit.sha, sources, await this.commits());
      return (await this.write(commit, folder)) ?? (await this.repairAndWrite(commit, folder, sources));
    } catch (error) {
      throw fileError(error, `check out ${commit.sha.slice(0, 12)}`);
    }
  }

  /** The commit is no longer needed. Its objects go with the next `compact`. */
  async forget(sha: string): Promise<void> {
    await rm(this.refFile(sha), { force: true });
  }

  /** Clears up after dead processes, and gives back the space of what was forgotten. Removes the mirror when nothing is left in it. */
  async compact(): Promise<void> {
    await sweepScratch(this.incoming);
    const commits = await this.commits();
    const arriving = await readdir(this.incoming).catch(() => []);
    if (commits.length === 0 && arriving.length === 0) return this.remove();
    const packs = (await readdir(join(this.folder, 'objects/pack')).catch(() => [])).filter((name) =>
      name.endsWith('.pack'),
    );
    if (packs.length < MANY_PACKS) return;
    await this.replace('shallow', commits.map((sha) => `${sha}\n`).join('')); // Their parents are not here.
    // A commit that arrives meanwhile makes it fail; the next time will do.
    await this.git.run([`--git-dir=${this.folder}`, 'repack', '-a', '-d', '-q'], {
      doing: `compact ${this.folder}`,
      cwd: this.folder,
    });
  }

  /** Another process may be reading: it then finds nothing, and fetches again. */
  async remove(): Promise<void> {
    const trash = `${this.folder}.${randomBytes(6).toString('hex')}.removed`;
    try {
      await rename(this.folder, trash);
    } catch {
      return; // Nobody has made it, or somebody else removes it.
    }
    await removeFolder(trash);
  }

  private async repairAndWrite(commit: Commit, folder: string, sources: Sources): Promise<CheckoutReport> {
    await this.fetchFromAny(commit.sha, sources, []);
    const repaired = await this.write(commit, folder);
    if (repaired) return repaired;
    await this.remove();
    await this.fetchFromAny(commit.sha, sources, []);
    const renewed = await this.write(commit, folder);
    if (renewed) return renewed;
    throw new ProviderError('internal', `could not check out ${commit.sha}: git can't read what it fetched`, {
      hint: 'git fsck tells whether the repository is damaged',
    });
  }

  private async fetchFromAny(sha: string, sources: Sources, known: readonly string[]): Promise<void> {
    const refusals: unknown[] = [];
    for await (const source of sources()) {
      try {
        if (await this.fetchAnew(sha, source, known)) return;
      } catch (error) {
        if (!ProviderError.is(error) || error.code !== 'unavailable') throw error;
        refusals.push(error);
      }
    }
    if (refusals.length > 0) throw refusals[0];
    throw new ProviderError('not-found', `commit ${sha} is gone: neither the repository nor its remotes have it`);
  }

  private async fetchAnew(sha: string, source: FetchSource, known: readonly string[], tries = 3): Promise<boolean> {
    await this.prepare();
    await sweepScratch(this.incoming);
    await using quarantine = await openScratch(this.incoming);
    try {
      if (!(await fetchInto(this.git, { gitDir: quarantine.folder, sha, source, known }))) return false;
      await this.adopt(quarantine.folder, sha);
      return true;
    } catch (error) {
      const wasRemoved = !(await exists(quarantine.folder)); // By another process, which found the mirror damaged or unused.
      const maybeDamaged = known.length > 0 && ProviderError.is(error) && error.code === 'unavailable';
      if (tries <= 1 || !(wasRemoved || maybeDamaged)) throw error;
      return await this.fetchAnew(sha, source, [], tries - 1);
    }
  }

  /** Packs first, each before its index, and the ref last: whoever sees it finds all of the commit. */
  private async adopt(gitDir: string, sha: string): Promise<void> {
    const packs = join(gitDir, 'objects/pack');
    await mkdir(join(this.folder, 'objects/pack'), { recursive: true });
    const names = (await readdir(packs)).filter((name) => /\.(pack|rev|idx)$/.test(name));
    for (const name of names.toSorted((a, b) => orderOf(a) - orderOf(b))) {
      await rename(join(packs, name), join(this.folder, 'objects/pack', name));
    }
    await this.replace(`refs/clusternator/${sha}`, `${sha}\n`);
  }

  /** Undefined: git could not read what should be here, so that it is to be fetched again. */
  private async write(commit: Commit, folder: string): Promise<CheckoutReport | undefined> {
    await this.prepare();
    await using scratch = await openScratch(this.incoming);
    const variables = { GIT_INDEX_FILE: join(scratch.folder, 'index') };
    const args = [`--git-dir=${this.folder}`, `--work-tree=${folder}`, 'read-tree', '-u', '--reset', commit.tree];
    const [written, entries] = await Promise.all([
      this.git.run(args, { doing: `check out ${commit.sha}`, cwd: folder, variables }),
      listTree(this.git, this.folder, commit.tree),
    ]);
    if (written.code === 0 && entries) return await inspectTree(entries, folder);
    const refused = failure(written, `check out ${commit.sha}`);
    if (refused.code !== 'internal') throw refused;
    await removeFolder(folder);
    await mkdir(folder, { recursive: true });
    return undefined;
  }

  /** Makes the mirror, or what of it is missing. */
  private async prepare(): Promise<void> {
    const config = join(this.folder, 'config');
    if ((await textOf(config)) === CONFIG && (await textOf(join(this.folder, 'info/attributes'))) === ATTRIBUTES)
      return;
    for (const folder of ['objects/pack', 'objects/info', 'refs/clusternator', 'info', 'incoming']) {
      await mkdir(join(this.folder, folder), { recursive: true, mode: 0o700 });
    }
    await this.replace('HEAD', 'ref: refs/heads/none\n');
    await this.replace('info/attributes', ATTRIBUTES);
    await this.replace('config', CONFIG); // The last one: it says that the others are there.
  }

  private async replace(name: string, text: string): Promise<void> {
    const file = join(this.folder, name);
    const fresh = scratchPath(this.incoming);
    await mkdir(dirname(file), { recursive: true });
    await writeFile(fresh, text);
    await rename(fresh, file);
  }

  /** For whatever is fetched and not yet vouched for. */
  get incoming(): string {
    return join(this.folder, 'incoming');
  }

  private refFile(sha: string): string {
    return join(this.folder, 'refs/clusternator', sha);
  }
}

/** An index comes after its pack, or a reader would look for what is not there. */
const orderOf = (name: string): number => (name.endsWith('.idx') ? 1 : 0);

const exists = async (path: string): Promise<boolean> => (await stat(path).catch(() => undefined)) !== undefined;
const textOf = (file: string): Promise<string | undefined> => readFile(file, 'utf8').catch(() => undefined);
