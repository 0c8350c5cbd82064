import { driverOf } from '../host/drivers.ts';
import type { Session } from '../host/session.ts';
import { ProviderError } from '../provider/error.ts';
import { ENVIRONMENTS } from '../provider/tokens.ts';
import type { EnvironmentDocument } from '../state/documents.ts';
import type { Stored } from '../state/document-store.ts';
import { resourceIdOf } from './life.ts';

/**
 * Asks the provider whether an environment that the state calls ready is still there.
 * @param ttlSeconds - Its new time to live, from now.
 * @returns Undefined: it is gone from the provider, or it failed since.
 * @throws ProviderError `already-exists`: it was made from other settings than are asked for now.
 */
export async function confirmReady(
  session: Session,
  { document }: Stored<EnvironmentDocument>,
  overrides: string,
  ttlSeconds: number | undefined,
): Promise<EnvironmentDocument | undefined> {
  if (document.overrides !== undefined && document.overrides !== overrides) {
    throw new ProviderError('already-exists', `environment ${document.id} is there, made from other settings`, {
      hint: `clusternator env destroy ${document.id}, then create it again; or leave out --set, --config and --provider to use it as it is`,
    });
  }
  const bound = await session.bind(document.provider);
  const driver = await driverOf(bound, ENVIRONMENTS, 'environments');
  const ref = { id: resourceIdOf(document), ...(document.environment && { handle: document.environment.handle }) };
  const live = await session.briefly(`look at environment ${document.id}`, (call) => driver.read(ref, call));
  if (live?.phase !== 'active') return undefined;
  const stored = await session.briefly(`write environment ${document.id}`, (call) =>
    session.documents.environments.update(
      document.id,
      (now) =>
        now.phase === 'ready' && now.epoch === document.epoch ? refreshed(session, now, live, ttlSeconds) : undefined,
      call,
    ),
  );
  return stored.document.phase === 'ready' ? stored.document : undefined;
}

function refreshed(
  session: Session,
  document: EnvironmentDocument,
  environment: NonNullable<EnvironmentDocument['environment']>,
  ttlSeconds: number | undefined,
): EnvironmentDocument {
  if (ttlSeconds === undefined) return { ...document, environment };
  return {
    ...document,
    environment,
    expiresAt: new Date(session.clock.now().getTime() + ttlSeconds * 1000).toISOString(),
  };
}
