import { driverOf, type BoundProvider } from '../host/drivers.ts';
import type { Session } from '../host/session.ts';
import { formatEnvironmentId, parseEnvironmentResourceId } from '../names/environment-id.ts';
import { ENVIRONMENTS, SLOTS } from '../provider/tokens.ts';
import { leadsTo } from '../slot/traffic.ts';
import type { EnvironmentDocument } from '../state/documents.ts';
import type { Environment } from './environment.ts';
import type { Work } from './gc.ts';
import { resourceIdOf } from './life.ts';
import { destroyUntilGone } from './settle.ts';

const LOOK_SECONDS = 600;

/** What runs and carries our tags, but no document knows. */
export function orphans(
  session: Session,
  resources: readonly Environment[],
  documents: readonly EnvironmentDocument[],
  scratch: ReadonlySet<string>,
): readonly Work[] {
  const known = new Set(documents.filter(({ phase }) => phase !== 'gone').map((document) => resourceIdOf(document)));
  for (const id of scratch) known.add(id);
  // Each has a document before it is made, which stays when it is gone: one without any is of another state, or of one that was lost.
  const ids = new Set(documents.map(({ id }) => id));
  return resources
    .filter(({ id }) => !known.has(id))
    .map((resource) => {
      const life = parseEnvironmentResourceId(resource.id);
      if (life && !ids.has(formatEnvironmentId(life.id))) return ofAnotherState(formatEnvironmentId(life.id));
      return {
        id: life ? `${formatEnvironmentId(life.id)} (${resource.id})` : resource.id,
        type: 'orphan' as const,
        why: 'it runs, but the state does not know it',
        run: async () => {
          const bound = await session.bind(await session.provider());
          // Of a state that was lost, and begun anew before it was rebuilt.
          if (await isRouted(session, bound, resource)) return false;
          const driver = await driverOf(bound, ENVIRONMENTS, 'environments');
          await session.briefly(
            `destroy ${resource.id}`,
            (call) => destroyUntilGone(session, 'environment', driver, resource, call),
            LOOK_SECONDS,
          );
          return true;
        },
      };
    });
}

/** Whether any slot of the router leads there, whatever documents say. */
async function isRouted(session: Session, bound: BoundProvider, environment: Environment): Promise<boolean> {
  if (!bound.scope.isRegistered(SLOTS)) return false;
  const driver = await driverOf(bound, SLOTS, 'slots');
  return session.briefly(
    'look at the routes',
    async (call) => {
      for await (const slot of driver.list(call)) if (leadsTo(slot, { environment })) return true;
      return false;
    },
    LOOK_SECONDS,
  );
}

function ofAnotherState(id: string): Work {
  return {
    id,
    type: 'orphan',
    why: 'it runs, and no document tells of it: `clusternator state rebuild` writes one, and then it can be destroyed',
    run: () => Promise.resolve(false),
  };
}
