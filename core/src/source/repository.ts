import { createHash } from 'node:crypto';
import { readFile, realpath, stat } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import { ProviderError } from '../provider/error.ts';
import type { Commit } from './commit.ts';
import { Git, failure } from './git.ts';
import type { Variables } from './git.ts';
import type { CheckoutReport } from './inspect.ts';
import { Mirror } from './mirror.ts';
import type { FetchSource } from './quarantine.ts';
import { readRemotes, withoutPassword } from './remotes.ts';
import type { Remote } from './remotes.ts';
import { resolveCommit } from './resolve.ts';

/** Names a commit: at most one of the three. None: HEAD. */
export interface CommitName {
  /** At least 4 hex in any case, or HEAD, also with `~` and `^`. */
  readonly sha?: string;
  /** A branch, a tag, `<remote>/<branch>` or a full name that begins with `refs/`. */
  readonly ref?: string;
  readonly pullRequest?: number;
}
export interface RepositoryOptions {
  /** Ends all waits. */
  readonly signal: AbortSignal;
  readonly env: Variables;
  /** Where mirrors are kept. */
  readonly stateFolder: string;
}
/** Where git finds things. All are absolute real paths; `commonDir` is the same in all linked worktrees. */
export interface RepositoryPlace {
  readonly rootFolder: string;
  readonly gitDir: string;
  readonly commonDir: string;
  readonly isBare: boolean;
  readonly isShallow: boolean;
}

/** The user's repository. Nothing here writes into it: what is fetched goes to the mirror. */
export class Repository {
  private known?: Promise<readonly FetchSource[]>;
  readonly mirror: Mirror;

  constructor(
    private readonly git: Git,
    private readonly place: RepositoryPlace,
    stateFolder: string,
  ) {
    const name = createHash('sha256').update(place.commonDir).digest('hex').slice(0, 16);
    this.mirror = new Mirror(git, join(stateFolder, 'mirrors', `${name}.git`));
  }

  /** The work tree's top folder; of a bare repository its own. */
  get rootFolder(): string {
    return this.place.rootFolder;
  }

  get isBare(): boolean {
    return this.place.isBare;
  }

  /** Finds the one commit that is meant, also where only a remote has it.
   *  @throws ProviderError `invalid` (not a name, too short, ambiguous), `not-found`, `unavailable` (not here, and a remote did not answer). */
  resolve(name: CommitName = {}): Promise<Commit> {
    const { git, place, mirror } = this;
    const lookup = {
      git,
      place,
      mirror,
      currentBranch: () => this.currentBranch(),
      remotes: () => this.remoteSources(),
    };
    return resolveCommit(lookup, name);
  }

  /** Writes the commit's files, byte for byte, into a folder that is empty or not there.
   *  @throws ProviderError `not-found` (gone since it was resolved), `unavailable`, `quota`, `denied`. */
  checkout(commit: Commit, folder: string): Promise<CheckoutReport> {
    return this.mirror.checkout(commit, resolve(folder), () => this.sources());
  }

  /** Files at the top of a commit, as far as they are here, without a checkout. */
  async readFiles(commit: Commit, names: readonly string[]): Promise<ReadonlyMap<string, Buffer>> {
    const input = names.map((name) => `${commit.tree}:${name}\n`).join('');
    // A partial clone would ask its remotes. One that only a remote had is in the mirror.
    const call = {
      doing: `read from commit ${commit.sha}`,
      cwd: this.rootFolder,
      variables: { GIT_NO_LAZY_FETCH: '1' },
    };
    for (const folder of [this.place.commonDir, this.mirror.folder]) {
      const { code, stdout } = await this.git.run([`--git-dir=${folder}`, 'cat-file', '--batch'], { ...call, input });
      const found = code === 0 ? blobsOf(stdout, names) : new Map<string, Buffer>();
      if (found.size > 0) return found;
    }
    return new Map();
  }

  /** Undefined: no branch is checked out. */
  async currentBranch(): Promise<string | undefined> {
    const head = await readFile(join(this.place.gitDir, 'HEAD'), 'utf8').catch(() => '');
    const branch = /^ref: refs\/heads\/(.+)\n?$/.exec(head)?.[1];
    if (branch !== '.invalid') return branch; // What git writes there when it keeps refs in another format.
    const call = { doing: 'read the current branch', cwd: this.place.gitDir };
    const { stdout } = await this.git.run(
      [`--git-dir=${this.place.gitDir}`, 'symbolic-ref', '-q', '--short', 'HEAD'],
      call,
    );
    return stdout.toString().trimEnd() || undefined;
  }

  async remotes(): Promise<readonly Remote[]> {
    return (await this.remoteSources()).map(({ name, url }) => ({ name, url: withoutPassword(url) }));
  }

  /** Whether there are changes that no commit has, new files among them. */
  async isDirty(): Promise<boolean> {
    if (this.isBare) return false;
    const status = await this.git.output(['status', '--porcelain', '-z'], {
      doing: `look for changes in ${this.rootFolder}`,
      cwd: this.rootFolder,
    });
    return status.length > 0;
  }

  /** Whether a commit comes before another. One that is not here comes before none. */
  async isAncestor(ancestor: string, descendant: string): Promise<boolean> {
    const { code } = await this.git.run(
      [`--git-dir=${this.place.gitDir}`, 'merge-base', '--is-ancestor', ancestor, descendant],
      { doing: `compare ${ancestor} with ${descendant}`, cwd: this.rootFolder },
    );
    return code === 0;
  }

  /** A partial clone lacks files, which its remotes have. */
  private async *sources(): AsyncGenerator<FetchSource> {
    yield { name: 'the repository', url: this.place.commonDir, cwd: this.rootFolder, variables: {} };
    yield* await this.remoteSources();
  }

  private remoteSources(): Promise<readonly FetchSource[]> {
    this.known ??= readRemotes(this.git, this.place.gitDir, this.rootFolder);
    return this.known;
  }
}

/** Opens the repository around a folder: its top, a sub-folder, a linked worktree, a bare repository.
 *  @throws ProviderError `invalid` (not a folder, not a repository, git is not installed), `unsupported` (sha-256). */
export async function openRepository(directory: string, options: RepositoryOptions): Promise<Repository> {
  const git = new Git(options.env, options.signal);
  return new Repository(git, await findPlace(git, resolve(directory)), options.stateFolder);
}

/** Answers of `cat-file --batch`, in the order of the questions: `<digest> <type> <bytes>`, what it holds, a line end; or one line that says no. */
function blobsOf(answers: Buffer, names: readonly string[]): ReadonlyMap<string, Buffer> {
  const found = new Map<string, Buffer>();
  let at = 0;
  for (const name of names) {
    const end = answers.indexOf('\n', at);
    if (end === -1) break;
    const [, type, bytes] = /^[0-9a-f]{40} (\w+) (\d+)$/.exec(answers.toString('latin1', at, end)) ?? [];
    at = end + 1;
    if (bytes === undefined) continue;
    if (type === 'blob') found.set(name, answers.subarray(at, at + Number(bytes)));
    at += Number(bytes) + 1;
  }
  return found;
}

const ASKED = ['--is-bare-repository', '--is-inside-work-tree', '--is-shallow-repository', '--show-object-format'];
const FOLDERS = ['--path-format=absolute', '--absolute-git-dir', '--git-common-dir', '--show-cdup'];

async function findPlace(git: Git, directory: string): Promise<RepositoryPlace> {
  const folder = await stat(directory).catch(() => undefined);
  if (!folder?.isDirectory()) throw new ProviderError('invalid', `${directory} is not a folder`, { path: directory });
  const result = await git.run(['rev-parse', ...ASKED, ...FOLDERS], { doing: `open ${directory}`, cwd: directory });
  if (result.stderr.includes('not a git repository')) {
    const hint = 'run this in the repository to deploy, or begin one with: git init';
    throw new ProviderError('invalid', `${directory} is not in a git repository`, { path: directory, hint });
  }
  if (result.code !== 0) throw failure(result, `open the repository around ${directory}`);
  const [bare, inside, shallow, format, gitDir = '', commonDir = ''] = result.stdout.toString().split('\n');
  if (format !== 'sha1') {
    const hint = 'environments are named by SHA-1 commits; a repository made with --object-format=sha1 works';
    throw new ProviderError(
      'unsupported',
      `${directory} names its commits by ${format ?? 'an unknown hash'}, not by SHA-1`,
      { hint },
    );
  }
  if (bare !== 'true' && inside !== 'true') {
    throw new ProviderError('invalid', `${directory} is inside of the repository's own folder ${gitDir}`, {
      path: directory,
      hint: 'run this in the work tree',
    });
  }
  const up = result.stdout.toString().split('\n')[6] ?? '';
  const [realGitDir, realCommonDir] = await Promise.all([realpath(gitDir), realpath(commonDir)]);
  const rootFolder = bare === 'true' ? realGitDir : await realpath(join(directory, up));
  return {
    rootFolder,
    gitDir: realGitDir,
    commonDir: realCommonDir,
    isBare: bare === 'true',
    isShallow: shallow === 'true',
  };
}
