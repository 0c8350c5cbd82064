import { driverOf } from '../host/drivers.ts';
import type { Session } from '../host/session.ts';
import { ENVIRONMENTS } from '../provider/tokens.ts';
import type { EnvironmentDocument } from '../state/documents.ts';
import type { Environment, EnvironmentDriver } from './environment.ts';
import { resourceIdOf } from './life.ts';

/** A document, with the environment as its provider sees it now. Both are left out for one that was never asked for, or is gone. */
export interface LiveEnvironment {
  readonly document: EnvironmentDocument;
  readonly driver?: EnvironmentDriver;
  readonly environment?: Environment;
}

/** Reads an environment from its provider; what the document says of it is only what was last seen. */
export async function readLive(session: Session, document: EnvironmentDocument): Promise<LiveEnvironment> {
  if (!document.spec && !document.environment) return { document };
  const driver = await driverOf(await session.bind(document.provider), ENVIRONMENTS, 'environments');
  const ref = { id: resourceIdOf(document), ...(document.environment && { handle: document.environment.handle }) };
  const environment = await session.briefly(`look at environment ${document.id}`, (call) => driver.read(ref, call));
  if (!environment) return { document };
  return { document: { ...document, environment }, driver, environment };
}
