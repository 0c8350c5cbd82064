import type { Session } from '../host/session.ts';
import type { EnvironmentDocument } from '../state/documents.ts';

/** Whether a candidate's commit has `ancestor` among those before it, as far as its repository is known here. */
export async function descendsFrom(
  session: Session,
  { commit }: EnvironmentDocument,
  ancestor: string,
): Promise<boolean> {
  const repository = await session.repository(session.options.directory);
  return repository.isAncestor(ancestor, commit);
}
