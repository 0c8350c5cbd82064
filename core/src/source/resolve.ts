import { openScratch } from '../artefact/scratch.ts';
import { ProviderError } from '../provider/error.ts';
import { commitsWithPrefix, readCommits } from './commit.ts';
import type { Commit } from './commit.ts';
import type { Git } from './git.ts';
import type { Mirror } from './mirror.ts';
import { fetchCommits } from './quarantine.ts';
import type { FetchSource } from './quarantine.ts';
import { remoteRefs, withoutPassword } from './remotes.ts';
import type { RemoteRef } from './remotes.ts';
import type { CommitName, RepositoryPlace } from './repository.ts';

/** Where commits are looked for. */
export interface Lookup {
  readonly git: Git;
  readonly place: RepositoryPlace;
  readonly mirror: Mirror;
  readonly currentBranch: () => Promise<string | undefined>;
  readonly remotes: () => Promise<readonly FetchSource[]>;
}
const SHA_LENGTH = 40;
const MIN_PREFIX = 4;
const CANDIDATES_SHOWN = 8;
/** GitHub's and Gitea's, GitLab's, Bitbucket's. */
const pullRefs = (n: number): readonly string[] => [
  `refs/pull/${n}/head`,
  `refs/merge-requests/${n}/head`,
  `refs/pull-requests/${n}/from`,
];

/** Finds the one commit that is meant: here, then on the remotes. */
export async function resolveCommit(lookup: Lookup, name: CommitName): Promise<Commit> {
  const given = [name.sha, name.ref, name.pullRequest].filter((value) => value !== undefined);
  if (given.length > 1)
    throw new ProviderError('invalid', 'a commit is named by its sha, a ref or a pull request: only one of them');
  if (name.pullRequest !== undefined) return resolvePullRequest(lookup, name.pullRequest);
  if (name.ref !== undefined) return resolveRef(lookup, name.ref);
  const sha = name.sha ?? 'HEAD';
  if (/^[0-9a-f]+$/i.test(sha)) return resolveSha(lookup, sha.toLowerCase());
  return resolveRevision(lookup, sha);
}

async function resolveSha(lookup: Lookup, sha: string): Promise<Commit> {
  if (sha.length > SHA_LENGTH)
    throw new ProviderError('invalid', `${sha} is no commit: it has ${sha.length} digits, a commit at most 40`);
  if (sha.length < MIN_PREFIX) {
    throw new ProviderError('invalid', `${sha} is too short for a commit`, {
      hint: `give at least ${MIN_PREFIX} digits`,
    });
  }
  const [found = 'missing'] = await readCommits(lookup.git, lookup.place.gitDir, [sha]);
  if (typeof found === 'object' && found.sha.startsWith(sha)) return found;
  if (found !== 'missing' || sha.length < SHA_LENGTH) {
    // Several commits, or a branch of that very name, which git prefers.
    const here = only(await commitsWithPrefix(lookup.git, lookup.place.gitDir, sha), sha);
    if (here) return here;
  }
  const known = (await lookup.mirror.commits()).filter((commit) => commit.startsWith(sha));
  if (known.length > 0) return fromMirror(lookup, known, sha);
  return sha.length === SHA_LENGTH ? shaFromRemotes(lookup, sha) : prefixFromRemotes(lookup, sha);
}

/** HEAD, or a name with a way back from it such as `main~2`. */
async function resolveRevision(lookup: Lookup, revision: string): Promise<Commit> {
  const [, base = '', way = ''] = /^([^]*?)((?:[~^]\d*)*)$/.exec(revision) ?? [];
  if (base !== 'HEAD' && base !== '@' && way === '') return resolveRef(lookup, revision);
  const start = base === 'HEAD' || base === '@' ? 'HEAD' : (await resolveRef(lookup, base)).sha;
  const [found = 'missing'] = await readCommits(lookup.git, lookup.place.gitDir, [`${start}${way}`]);
  const ref = start === 'HEAD' && way === '' ? await lookup.currentBranch() : undefined;
  if (typeof found === 'object') return { ...found, ...(ref !== undefined && { ref }) };
  if (start !== 'HEAD' || way !== '')
    throw new ProviderError('not-found', `there is no commit ${revision}`, { path: revision });
  throw new ProviderError('not-found', `${lookup.place.rootFolder} has no commit yet`, {
    hint: 'commit something first: git commit',
  });
}

async function resolveRef(lookup: Lookup, ref: string): Promise<Commit> {
  if (!isRefName(ref))
    throw new ProviderError('invalid', `${JSON.stringify(ref)} is not the name of a branch or tag`, { path: ref });
  const names = ref.startsWith('refs/') ? [ref] : [`refs/heads/${ref}`, `refs/tags/${ref}`, `refs/remotes/${ref}`];
  const found = await readCommits(lookup.git, lookup.place.gitDir, names);
  const commits = found.flatMap((commit, i) => (typeof commit === 'object' ? [{ name: names[i] ?? ref, commit }] : []));
  const [first, ...others] = commits;
  if (!first) return refFromRemotes(lookup, ref);
  const other = others.find(({ commit }) => commit.sha !== first.commit.sha);
  if (other) {
    throw new ProviderError('invalid', `${ref} is ambiguous: ${first.name} and ${other.name} are different commits`, {
      path: ref,
      hint: `give the full name, such as ${first.name}`,
    });
  }
  return { ...first.commit, ref };
}

async function resolvePullRequest(lookup: Lookup, pullRequest: number): Promise<Commit> {
  if (!Number.isSafeInteger(pullRequest) || pullRequest < 1) {
    throw new ProviderError('invalid', `${pullRequest} is not the number of a pull request`);
  }
  const what = `pull request ${pullRequest}`;
  const asked = await askRemotes(lookup, what, async (source) => {
    const [head] = await remoteRefs(lookup.git, source, pullRefs(pullRequest));
    return head && { source, head };
  });
  return { ...(await fetched(lookup, asked.source, asked.head)), ref: `pull/${pullRequest}` };
}

async function refFromRemotes(lookup: Lookup, ref: string): Promise<Commit> {
  const asked = await askRemotes(lookup, ref, async (source) => {
    const name = ref.startsWith(`${source.name}/`) ? ref.slice(source.name.length + 1) : ref;
    const wanted = name.startsWith('refs/') ? [name] : [`refs/heads/${name}`, `refs/tags/${name}`];
    const heads = await remoteRefs(lookup.git, source, wanted);
    const head = wanted.map((full) => heads.find((candidate) => candidate.name === full)).find(Boolean);
    return head && { source, head };
  });
  return { ...(await fetched(lookup, asked.source, asked.head)), ref };
}

async function shaFromRemotes(lookup: Lookup, sha: string): Promise<Commit> {
  return askRemotes(lookup, `commit ${sha}`, async (source) => {
    if (!(await lookup.mirror.fetch(sha, source))) return undefined;
    return fromMirror(lookup, [sha], sha);
  });
}

/** Most short shas are of a branch's or tag's newest commit, which costs one question. The others need all commits of the remote. */
async function prefixFromRemotes(lookup: Lookup, prefix: string): Promise<Commit> {
  return askRemotes(lookup, `commit ${prefix}`, async (source) => {
    const tips = (await remoteRefs(lookup.git, source, []))
      .filter(({ sha }) => sha.startsWith(prefix))
      .map(({ sha }) => sha);
    const [tip] = tips;
    if (tip !== undefined && new Set(tips).size === 1) return await fetched(lookup, source, { name: tip, sha: tip });
    await using scratch = await openScratch(lookup.mirror.incoming);
    await fetchCommits(lookup.git, scratch.folder, source);
    const found = only(await commitsWithPrefix(lookup.git, scratch.folder, prefix), prefix);
    return found && (await fetched(lookup, source, { name: found.sha, sha: found.sha }));
  });
}

/** The first remote that has it. @throws ProviderError `not-found`: all answered; `unavailable`: one that may have it did not. */
async function askRemotes<T>(
  lookup: Lookup,
  what: string,
  ask: (source: FetchSource) => Promise<T | undefined>,
): Promise<T> {
  const sources = await lookup.remotes();
  const refusals: ProviderError[] = [];
  for (const source of sources) {
    try {
      const answer = await ask(source);
      if (answer !== undefined) return answer;
    } catch (error) {
      if (!ProviderError.is(error) || error.code !== 'unavailable') throw error;
      refusals.push(error);
    }
  }
  const asked = sources.map(({ name, url }) => `${name} (${withoutPassword(url)})`).join(', ');
  const [refusal] = refusals;
  if (refusal) {
    throw new ProviderError(
      'unavailable',
      `${what} is not in this repository, and a remote did not answer: ${refusal.message}`,
      refusal.detail,
    );
  }
  throw new ProviderError(
    'not-found',
    `${what} is neither in this repository nor on its remotes: ${asked || 'it has none'}`,
    {
      path: what,
      hint: lookup.place.isShallow
        ? 'this clone is shallow: git fetch --unshallow brings the older commits'
        : 'check the spelling, or push it to a remote; git log --all --oneline lists the commits that are here',
    },
  );
}

async function fetched(lookup: Lookup, source: FetchSource, { name, sha }: RemoteRef): Promise<Commit> {
  const [here] = await readCommits(lookup.git, lookup.place.gitDir, [sha]);
  if (typeof here === 'object') return here;
  if (await lookup.mirror.fetch(sha, source)) return fromMirror(lookup, [sha], sha);
  throw new ProviderError('not-found', `${source.name} names ${sha} as ${name}, but does not give it`);
}

async function fromMirror(lookup: Lookup, shas: readonly string[], asked: string): Promise<Commit> {
  const found = await readCommits(lookup.git, lookup.mirror.folder, shas);
  const commit = only(
    found.filter((one) => typeof one === 'object'),
    asked,
  );
  if (commit) return commit;
  throw new ProviderError('not-found', `commit ${asked} can't be read from ${lookup.mirror.folder}`);
}

/** @throws ProviderError `invalid`, which names them, when there are several. */
function only(commits: readonly Commit[], asked: string): Commit | undefined {
  if (commits.length <= 1) return commits[0];
  const shown = commits.slice(0, CANDIDATES_SHOWN).map(({ sha, subject }) => `  ${sha.slice(0, 12)} ${subject}`);
  const more = commits.length > CANDIDATES_SHOWN ? `\n  and ${commits.length - CANDIDATES_SHOWN} more` : '';
  throw new ProviderError(
    'invalid',
    `${asked} is ambiguous, it begins ${commits.length} commits:\n${shown.join('\n')}${more}`,
    {
      path: asked,
      hint: 'give more digits',
    },
  );
}

/** @see https://git-scm.com/docs/git-check-ref-format */
function isRefName(name: string): boolean {
  const hasBadPart = name.split('/').some((part) => part === '' || part.startsWith('.') || /\.(lock)?$/.test(part));
  return name !== '@' && !hasBadPart && !/[\p{Cc} ~^:?*[\\]|\.\.|@\{/u.test(name);
}
