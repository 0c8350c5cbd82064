import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { ProviderError } from '../provider/error.ts';
import { failure } from './git.ts';
import type { Git, GitResult, Variables } from './git.ts';

/** Where commits come from: the repository itself, or one of its remotes. */
export interface FetchSource {
  /** For messages. */
  readonly name: string;
  readonly url: string;
  /** A relative `url` starts here. */
  readonly cwd: string;
  /** Settings that reach it, which may be secret and so are no arguments. */
  readonly variables: Variables;
}
export interface Fetching {
  /** An empty folder, which becomes a bare repository. */
  readonly gitDir: string;
  readonly sha: string;
  readonly source: FetchSource;
  /** Commits that the repository three folders above the objects has, so that only what is new is sent. */
  readonly known: readonly string[];
}

/** Writes what makes a folder a bare repository: `git init` would ask templates, and can't be run by two at once. */
export async function makeBare(gitDir: string): Promise<void> {
  await mkdir(join(gitDir, 'objects/info'), { recursive: true });
  await mkdir(join(gitDir, 'objects/pack'), { recursive: true });
  await mkdir(join(gitDir, 'refs'), { recursive: true });
  await writeFile(join(gitDir, 'config'), '[core]\n\trepositoryformatversion = 0\n\tbare = true\n');
  await writeFile(join(gitDir, 'HEAD'), 'ref: refs/heads/none\n');
}

/** Fetches one commit with its files and without its history. @returns False: the source answered, and has no such commit.
 *  @throws ProviderError `unavailable`: the source did not answer. */
export async function fetchInto(git: Git, { gitDir, sha, source, known }: Fetching): Promise<boolean> {
  await makeBare(gitDir);
  if (known.length > 0) await knowOf(gitDir, known);
  const one = await fetch(git, gitDir, source, ['--depth=1'], [sha]);
  if (one.code === 0) return true;
  if (one.stderr.includes('not our ref')) return false;
  // A commit that arrives beside the known ones meanwhile looks to git as if its parents were lost: ask again without them.
  if (known.length > 0 || cannotAnswer(one)) throw unavailable(one, source);
  // An older server gives only what a branch or tag leads to. @see https://git-scm.com/docs/git-config (uploadpack.allowAnySHA1InWant)
  const all = await fetch(git, gitDir, source, [], ALL_REFS);
  if (all.code !== 0) throw unavailable(all, source);
  const there = await git.run([`--git-dir=${gitDir}`, 'cat-file', '-e', `${sha}^{tree}`], {
    doing: `look for ${sha}`,
    cwd: gitDir,
  });
  return there.code === 0;
}

/** Fetches the commits of all branches and tags, without files where the source can leave them out: to look for one of them. */
export async function fetchCommits(git: Git, gitDir: string, source: FetchSource): Promise<void> {
  await makeBare(gitDir);
  const result = await fetch(git, gitDir, source, ['--filter=tree:0'], ALL_REFS);
  if (result.code !== 0) throw unavailable(result, source);
}

/** An error about a source, in git's own words. */
export function unavailable(result: GitResult, source: FetchSource): ProviderError {
  const told = failure(result, `ask ${source.name}`);
  if (told.code !== 'internal' && told.code !== 'denied') return told;
  const hint = `see that this works by itself: git ls-remote ${source.name}`;
  return new ProviderError('unavailable', told.message, { effect: 'none', hint, cause: told.cause });
}

const ALL_REFS = ['+refs/heads/*:refs/heads/*', '+refs/tags/*:refs/tags/*'];
/** Packs are moved in as they are. And of the mirror's refs only the known ones count: git does not know of the others that they have no
 *  history here. */
const ALONE = ['-c', 'fetch.unpackLimit=1', '-c', 'core.alternateRefsCommand=true'];
const OPTIONS = [
  '--no-write-fetch-head',
  '--no-tags',
  '--no-recurse-submodules',
  '--no-auto-maintenance',
  '--update-shallow',
  '-q',
];

function fetch(
  git: Git,
  gitDir: string,
  source: FetchSource,
  options: readonly string[],
  what: readonly string[],
): Promise<GitResult> {
  const args = [`--git-dir=${gitDir}`, ...ALONE, 'fetch', ...OPTIONS, ...options, '--', source.url, ...what];
  return git.run(args, { doing: `fetch from ${source.name}`, cwd: source.cwd, variables: source.variables });
}

async function knowOf(gitDir: string, known: readonly string[]): Promise<void> {
  const refs = known.toSorted().map((sha) => `${sha} refs/clusternator/${sha}\n`);
  await writeFile(join(gitDir, 'objects/info/alternates'), '../../../objects\n');
  await writeFile(join(gitDir, 'packed-refs'), `# pack-refs with: sorted\n${refs.join('')}`);
  await writeFile(join(gitDir, 'shallow'), known.map((sha) => `${sha}\n`).join(''));
}

function cannotAnswer({ stderr }: GitResult): boolean {
  return /Could not read from remote|does not appear to be a git repo|Could not resolve|unable to access|Authentication failed|No space left/i.test(
    stderr,
  );
}
