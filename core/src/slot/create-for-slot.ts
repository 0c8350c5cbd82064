import { createEnvironment } from '../environment/create.ts';
import type { CreateRequest, CreateResult } from '../host/project.ts';
import type { Session } from '../host/session.ts';
import { environmentDocument, makeAhead } from './create-bound.ts';

/**
 * Makes a slot's own environment of a commit ahead, so that its promotion finds it ready. The slot is left as it is. First the commit gets an
 * environment of its own, whose artefacts it is made of.
 * @throws ProviderError as `createEnvironment`; `not-found`: the commit's config has no such slot.
 */
export async function createSlotEnvironment(
  session: Session,
  request: CreateRequest & { readonly slot: string },
): Promise<CreateResult> {
  const plain = await createEnvironment(session, request);
  if (plain.environment.phase !== 'ready') return plain; // it goes on in the background, and then with the slot's own
  const source = await environmentDocument(session, plain.environment.id);
  return makeAhead(session, source, request.slot, {
    ...(request.ttlSeconds !== undefined && { ttlSeconds: request.ttlSeconds }),
    wait: request.wait !== false,
  });
}
