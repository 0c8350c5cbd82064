import { ProviderError } from '../provider/error.ts';
import type { Git } from './git.ts';

/** A commit, resolved. `sha` and `tree` are 40 hex; `committedAt` is ISO 8601. Texts are one line without control characters. */
export interface Commit {
  readonly sha: string;
  readonly tree: string;
  readonly subject: string;
  readonly author: string;
  readonly committedAt: string;
  /** The branch, tag or pull request that named it. */
  readonly ref?: string;
}
/** What a repository says to a name. */
export type Found = Commit | 'missing' | 'ambiguous';

/** What the names stand for in the repository of `gitDir`, in one run of git. Names are data there, but must be of one line. */
export async function readCommits(git: Git, gitDir: string, names: readonly string[]): Promise<readonly Found[]> {
  const output = await git.output([`--git-dir=${gitDir}`, 'cat-file', '--batch'], {
    doing: `read commits of ${gitDir}`,
    cwd: gitDir,
    input: names.map((name) => `${name}^{commit}\n`).join(''),
  });
  const found: Found[] = [];
  let at = 0;
  while (at < output.length) {
    const end = output.indexOf(10, at);
    const header = output.subarray(at, end).toString();
    at = end + 1;
    if (header.endsWith(' missing')) found.push('missing');
    else if (header.endsWith(' ambiguous')) found.push('ambiguous');
    else {
      const [sha = '', , size = ''] = header.split(' ');
      found.push(parseCommit(sha, output.subarray(at, at + Number(size))));
      at += Number(size) + 1;
    }
  }
  if (found.length !== names.length)
    throw new ProviderError('internal', `git answered ${found.length} of ${names.length} names`);
  return found;
}

/** All commits, also by their annotated tags, whose object ids begin with `prefix`. */
export async function commitsWithPrefix(git: Git, gitDir: string, prefix: string): Promise<readonly Commit[]> {
  const ids = await git.output([`--git-dir=${gitDir}`, 'rev-parse', `--disambiguate=${prefix}`], {
    doing: `look for ${prefix} in ${gitDir}`,
    cwd: gitDir,
  });
  const names = ids.toString().split('\n').filter(Boolean);
  if (names.length === 0) return [];
  const commits = (await readCommits(git, gitDir, names)).filter((found) => typeof found !== 'string');
  return [...new Map(commits.map((commit) => [commit.sha, commit])).values()];
}

/** @see https://git-scm.com/docs/git-commit-tree (the encoding header) */
function parseCommit(sha: string, raw: Buffer): Commit {
  const split = raw.indexOf('\n\n');
  const head = split < 0 ? raw : raw.subarray(0, split);
  const label = /^encoding (.+)$/m.exec(head.toString('latin1'))?.[1];
  const headers = decode(head, label);
  const [subject = ''] = decode(split < 0 ? Buffer.alloc(0) : raw.subarray(split + 2), label)
    .trimStart()
    .split(/\n\s*\n/);
  const [, seconds = '0'] = /^committer .*> (\d+) [+-]\d+$/m.exec(headers) ?? [];
  return {
    sha,
    tree: /^tree ([0-9a-f]+)$/m.exec(headers)?.[1] ?? '',
    subject: oneLine(subject),
    author: oneLine(/^author (.*?) ?<[^\n]*$/m.exec(headers)?.[1] ?? ''),
    committedAt: isoTime(Number(seconds)),
  };
}

function decode(bytes: Buffer, label = 'utf-8'): string {
  try {
    return new TextDecoder(label).decode(bytes);
  } catch {
    return bytes.toString('utf8'); // Anybody can write any label into a commit.
  }
}

/** Somebody else wrote it, and it ends on a terminal. */
function oneLine(text: string): string {
  return text
    .trim()
    .replaceAll(/\s+/g, ' ')
    .replaceAll(/[\p{Cc}\p{Bidi_Control}]/gu, '\uFFFD');
}

function isoTime(seconds: number): string {
  const time = new Date(seconds * 1000);
  return Number.isNaN(time.getTime()) ? new Date(0).toISOString() : time.toISOString();
}
