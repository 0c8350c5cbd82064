import type { Session } from '../host/session.ts';
import { parseEnvironmentId } from '../names/environment-id.ts';
import { ProviderError } from '../provider/error.ts';
import type { EnvironmentDocument } from '../state/documents.ts';

/**
 * The one environment that is meant by a prefix of its id, its commit (short or full), or a branch or tag of the repository.
 * @throws ProviderError `not-found`; `invalid`: several begin so.
 */
export async function findEnvironment(session: Session, name: string): Promise<EnvironmentDocument> {
  const text = name.trim();
  const found = await byPrefix(session, text.toLowerCase());
  const [first, ...more] = preferLiving(found);
  if (first && more.length === 0) return first;
  if (first) {
    throw new ProviderError('invalid', `"${text}" can be ${[first, ...more].map(({ id }) => id).join(', ')}`, {
      hint: 'give more of the id',
    });
  }
  const commit = await commitOf(session, text);
  const [known] = commit === undefined ? [] : preferLiving(await byPrefix(session, commit));
  if (known) return known;
  throw new ProviderError('not-found', `there is no environment "${text}"`, {
    hint: 'clusternator env list shows those that there are',
  });
}

async function byPrefix(session: Session, text: string): Promise<readonly EnvironmentDocument[]> {
  if (!/^[0-9a-f]{1,40}(@[a-z0-9.-]*)?$/.test(text)) return [];
  const prefix = /^[0-9a-f]{12,40}$/.test(text) ? text.slice(0, 12) : text;
  return session.briefly(`look for environment ${text}`, async (call) => {
    const found: EnvironmentDocument[] = [];
    for await (const { id, document } of session.documents.environments.list(call, { prefix })) {
      if (id === text) return [document];
      if (document.commit.startsWith(text) || id.startsWith(text)) found.push(document);
    }
    return found;
  });
}

/** Tombstones are meant only where nothing that lives is, and the environment of a commit rather than those of its slots. */
function preferLiving(found: readonly EnvironmentDocument[]): readonly EnvironmentDocument[] {
  const living = found.filter(({ phase }) => phase !== 'gone');
  const candidates = living.length > 0 ? living : found;
  const plain = candidates.filter(({ id }) => parseEnvironmentId(id)?.slot === undefined);
  const oneCommit = new Set(candidates.map(({ commit }) => commit)).size === 1;
  return oneCommit && plain.length === 1 ? plain : candidates;
}

/** A branch, a tag or HEAD, where there is a repository. */
async function commitOf(session: Session, name: string): Promise<string | undefined> {
  try {
    const repository = await session.repository(session.options.directory);
    const commit = await repository.resolve(/^HEAD([~^].*)?$/.test(name) ? { sha: name } : { ref: name });
    return commit.sha;
  } catch (error) {
    if (ProviderError.is(error)) return undefined;
    throw error;
  }
}
