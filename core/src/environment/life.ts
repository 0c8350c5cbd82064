import type { Owner } from '../names/owner.ts';
import { environmentResourceId, parseEnvironmentId } from '../names/environment-id.ts';
import { ProviderError } from '../provider/error.ts';
import type { EnvironmentDocument } from '../state/documents.ts';

/** What drivers call this life of an environment. */
export function resourceIdOf({ id, incarnation }: Pick<EnvironmentDocument, 'id' | 'incarnation'>): string {
  const parsed = parseEnvironmentId(id);
  if (!parsed) throw new ProviderError('internal', `${id} in the state is not the id of an environment`);
  return environmentResourceId({ id: parsed, incarnation });
}

/** Under which this life of an environment refers to artefacts: the store serves all projects of a machine. */
export function artefactOwner({ project, stage }: Owner, resourceId: string): string {
  return `${project}/${stage}/${resourceId}`;
}
