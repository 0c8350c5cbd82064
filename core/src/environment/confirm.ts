import { withCall } from '../engine/call.ts';
import { pollUntilSettled } from '../engine/poll.ts';
import { driverOf } from '../host/drivers.ts';
import type { Session } from '../host/session.ts';
import { ProviderError } from '../provider/error.ts';
import type { ResourceRef } from '../provider/resource.ts';
import { ENVIRONMENTS } from '../provider/tokens.ts';
import type { EnvironmentDocument } from '../state/documents.ts';
import type { Stored } from '../state/document-store.ts';
import type { Environment, EnvironmentDriver } from './environment.ts';
import { resourceIdOf } from './life.ts';
import { verifyHealth } from './settle.ts';

/** Past its own health checks: what is started again, as after a restart of the machine, needs its time once more. */
const CONFIRM_SECONDS = 600;

/**
 * Asks the provider whether an environment that the state calls ready is still there, and whether it answers. What is just started again
 * is waited for.
 * @param ttlSeconds - Its new time to live, from now.
 * @returns Undefined: it is gone from the provider, or it failed since.
 * @throws ProviderError `already-exists`: it was made from other settings than are asked for now; `unhealthy`: it is there, and stays.
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
  const live = await asItIs(session, document, driver, ref);
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

async function asItIs(
  session: Session,
  document: EnvironmentDocument,
  driver: EnvironmentDriver,
  ref: ResourceRef,
): Promise<Environment | undefined> {
  const { clock, signal } = session.operations;
  const doing = `look at environment ${document.id}`;
  return withCall({ clock, signal, operation: 'none', doing, deadlineSeconds: CONFIRM_SECONDS }, async (call) => {
    const { live } = await pollUntilSettled(
      async () => {
        const seen = await driver.read(ref, call);
        return {
          live: seen,
          phase: seen?.phase ?? 'active',
          ...(seen?.message !== undefined && { message: seen.message }),
        };
      },
      { clock, call, doing },
    );
    if (live?.phase === 'active' && document.spec) await verifyHealth(session, driver, document.spec, live, call);
    return live;
  });
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
