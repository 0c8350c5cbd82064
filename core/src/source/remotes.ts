import type { FetchSource } from './quarantine.ts';
import { unavailable } from './quarantine.ts';
import type { Git, Variables } from './git.ts';

/** A remote of the user's repository. `url` has no password in it. */
export interface Remote {
  readonly name: string;
  readonly url: string;
}
/** What a remote calls a commit. `sha` is the commit's, also where the name is an annotated tag's. */
export interface RemoteRef {
  readonly name: string;
  readonly sha: string;
}

/** Settings that decide how a remote is reached. The mirror does not have them, so it is told. */
const REACHING = /^(url|http|https|credential|core\.(sshcommand|gitproxy|askpass)|ssh|protocol|remote\.[^]*\.proxy)\b/i;

/** The remotes in the order in which they are asked: `upstream` has the pull requests where there is one. */
export async function readRemotes(git: Git, gitDir: string, rootFolder: string): Promise<readonly FetchSource[]> {
  const output = await git.output([`--git-dir=${gitDir}`, 'config', '--list', '-z', '--show-scope'], {
    doing: `read the settings of ${rootFolder}`,
    cwd: rootFolder,
  });
  const fields = output.toString().split('\0');
  const settings: { scope: string; name: string; value: string }[] = [];
  for (let i = 0; i + 1 < fields.length; i += 2) {
    const [name = '', ...value] = (fields[i + 1] ?? '').split('\n');
    settings.push({ scope: fields[i] ?? '', name, value: value.join('\n') });
  }
  const own = settings.filter(({ scope, name }) => (scope === 'local' || scope === 'worktree') && REACHING.test(name));
  const urls = new Map<string, string>();
  for (const { name, value } of settings) {
    const remote = /^remote\.([^]*)\.url$/.exec(name)?.[1];
    if (remote !== undefined && value !== '' && !urls.has(remote)) urls.set(remote, value);
  }
  const variables = asVariables(own);
  const sources = [...urls].map(([name, url]) => ({ name, url, cwd: rootFolder, variables }));
  return sources.toSorted((a, b) => rank(a.name) - rank(b.name));
}

/** The refs of a remote that are asked for; patterns are full names or begin with `refs/`. @throws `unavailable`. */
export async function remoteRefs(
  git: Git,
  source: FetchSource,
  patterns: readonly string[],
): Promise<readonly RemoteRef[]> {
  const result = await git.run(['ls-remote', '-q', '--', source.url, ...patterns], {
    doing: `ask ${source.name}`,
    cwd: source.cwd,
    variables: source.variables,
  });
  if (result.code !== 0) throw unavailable(result, source);
  const shas = new Map<string, string>();
  for (const line of result.stdout.toString().split('\n')) {
    const [sha = '', name = ''] = line.split('\t');
    if (name !== '') shas.set(name.replace(/\^\{\}$/, ''), sha); // The peeled line follows the tag's own.
  }
  return [...shas].map(([name, sha]) => ({ name, sha }));
}

/** For messages: tokens and passwords are often written into URLs. */
export function withoutPassword(url: string): string {
  return url.replace(/^([a-z][a-z0-9+.-]*:\/\/)[^/@]*@/i, '$1');
}

/** @see https://git-scm.com/docs/git-config (GIT_CONFIG_COUNT) */
function asVariables(settings: readonly { readonly name: string; readonly value: string }[]): Variables {
  if (settings.length === 0) return {};
  const variables: Record<string, string> = { GIT_CONFIG_COUNT: String(settings.length) };
  for (const [i, { name, value }] of settings.entries()) {
    variables[`GIT_CONFIG_KEY_${i}`] = name;
    variables[`GIT_CONFIG_VALUE_${i}`] = value;
  }
  return variables;
}

function rank(remote: string): number {
  const known = ['upstream', 'origin'].indexOf(remote);
  return known < 0 ? 2 : known;
}
