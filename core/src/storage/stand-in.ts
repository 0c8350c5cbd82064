import type { ProjectConfig } from '../config/schema.ts';
import type { OperationRun } from '../engine/operation.ts';
import { messageOf } from '../engine/thrown.ts';
import type { ServiceSpec } from '../environment/environment.ts';
import type { Session } from '../host/session.ts';
import { ProviderError } from '../provider/error.ts';
import type { EnvironmentDocument } from '../state/documents.ts';
import type { SnapshotDocument } from './documents.ts';
import { hostOfData, hostOfName } from './users.ts';

/** Services of which a copy can run on the data of a snapshot. */
export interface StandIn {
  readonly services: Readonly<Record<string, ServiceSpec>>;
  /** Id of the volume that they mount, in place of which the copy mounts another. */
  readonly mounted: string;
  readonly config: ProjectConfig;
  /** Removes what was made for it. */
  release(): Promise<void>;
}

/**
 * What runs on a volume now; else another environment's services on their own volume of that name; else those of the commit that used it last,
 * built again for this alone.
 * @returns Undefined: nothing tells any more what used it. @throws ProviderError `conflict`: why that commit can't be built.
 */
export async function standInFor(
  session: Session,
  run: OperationRun,
  snapshot: SnapshotDocument,
): Promise<StandIn | undefined> {
  const found =
    (await hostOfData(session, { id: snapshot.volume, slot: snapshot.slot })) ??
    (await hostOfName(session, snapshot.name));
  const config = found?.host.document.config;
  if (found && config) {
    await session.useSecrets(config, session.options.directory);
    return { services: found.host.spec.services, mounted: found.mounted, config, release: () => Promise.resolve() };
  }
  const last = await lastUserOf(session, snapshot);
  if (!last) return undefined;
  const { rebuiltServices } = await import('./rebuilt.ts');
  try {
    return await rebuiltServices(session, run, snapshot, last.commit);
  } catch (error) {
    if (run.signal.aborted) throw error;
    // Whatever it is, it says nothing of the snapshot.
    throw new ProviderError(
      'conflict',
      `what used ${snapshot.volume} can't be made again from commit ${last.commit.slice(0, 12)}: ${messageOf(error)}`,
      { effect: 'none', hint: HINT, cause: error },
    );
  }
}

const HINT = 'clusternator env create makes an environment that mounts it; then try again';

/** Why a command about a snapshot can't run. */
export function nothingRuns({ id, name }: SnapshotDocument, what: string): ProviderError {
  return new ProviderError(
    'conflict',
    `${what} of ${id} runs in a service that mounts ${name}, and none is known any more`,
    {
      effect: 'none',
      hint: HINT,
    },
  );
}

/** Its own environment, the head of its slot, or whatever was made last: also one that is gone. */
async function lastUserOf(
  session: Session,
  { slot, environment }: SnapshotDocument,
): Promise<EnvironmentDocument | undefined> {
  return session.briefly('look for what used the volume last', async (call) => {
    const { slots, environments } = session.documents;
    const head = slot === undefined ? undefined : (await slots.get(slot, call))?.document.head;
    const named = head ?? environment;
    const own = named === undefined ? undefined : await environments.get(named, call);
    if (own) return own.document;
    let newest: EnvironmentDocument | undefined;
    for await (const { document } of environments.list(call))
      if (newest === undefined || document.createdAt > newest.createdAt) newest = document;
    return newest;
  });
}
