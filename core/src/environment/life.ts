import type { Owner } from '../names/owner.ts';
import { environmentResourceId, parseEnvironmentId } from '../names/environment-id.ts';
import { readTag } from '../names/tags.ts';
import { ProviderError } from '../provider/error.ts';
import type { Tags } from '../provider/resource.ts';
import type { EnvironmentDocument } from '../state/documents.ts';

/** What drivers call this life of an environment. */
export function resourceIdOf({ id, incarnation }: Pick<EnvironmentDocument, 'id' | 'incarnation'>): string {
  const parsed = parseEnvironmentId(id);
  if (!parsed) throw new ProviderError('internal', `${id} in the state is not the id of an environment`);
  return environmentResourceId({ id: parsed, incarnation });
}

/** What the tags of an environment tell beside its commit, so that its document can be written again. Dates are seconds since 1970. */
export function lifeDetails(
  { createdAt, ref }: Pick<EnvironmentDocument, 'createdAt' | 'ref'>,
  { overrides, ttlSeconds }: { readonly overrides?: string | undefined; readonly ttlSeconds?: number | undefined },
): Record<string, string> {
  return {
    created: secondsText(createdAt),
    ...(ref !== undefined && { ref }),
    ...(overrides !== undefined && { overrides }),
    ...(ttlSeconds !== undefined && { ttl: String(ttlSeconds) }),
  };
}

/** What of a volume's tags its copies and snapshots carry on: the life of an environment that its data began in, and of which commit. */
export function lineage(tags: Tags): Record<string, string> {
  const told = ['life', 'commit'].flatMap((key) => {
    const text = readTag(tags, key);
    return text === undefined ? [] : [[key, text] as const];
  });
  return Object.fromEntries(told);
}

/** An ISO date as a tag tells it. */
export function secondsText(date: string): string {
  return String(Math.floor(Date.parse(date) / 1000));
}

/** Under which this life of an environment refers to artefacts: the store serves all projects of a machine. */
export function artefactOwner({ project, stage }: Owner, resourceId: string): string {
  return `${project}/${stage}/${resourceId}`;
}
