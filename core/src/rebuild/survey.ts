import type { InjectionToken } from 'tsyringe';
import { withCall } from '../engine/call.ts';
import type { Environment } from '../environment/environment.ts';
import { driverOf, type BoundProvider } from '../host/drivers.ts';
import type { Session } from '../host/session.ts';
import type { Call } from '../provider/host.ts';
import type { Resource } from '../provider/resource.ts';
import { ENVIRONMENTS, SLOTS, STORAGE, type Lazy } from '../provider/tokens.ts';
import type { Slot } from '../slot/slot.ts';
import type { Snapshot, Volume } from '../storage/storage.ts';

/** What is on its way when it is looked at, as after a restart of the machine, is given so long to arrive. */
const SETTLE_SECONDS = 60;
const PAUSE_SECONDS = 2;
const LOOK_SECONDS = 1800;

/** All of a project and stage that its provider knows. */
export interface Survey {
  readonly bound: BoundProvider;
  readonly provider: { readonly name: string; readonly config: unknown };
  readonly environments: readonly Environment[];
  readonly slots: readonly Slot[];
  readonly volumes: readonly Volume[];
  readonly snapshots: readonly Snapshot[];
}

/**
 * Asks the work tree's provider for all that carries our tags. What fails ends it: a list that could not be read is never an empty one.
 * @throws ProviderError what the provider says.
 */
export async function survey(session: Session): Promise<Survey> {
  const provider = await session.provider();
  const bound = await session.bind(provider);
  const { clock, signal } = session.operations;
  const doing = 'look for what there is';
  const errorOf = (cause: unknown) => bound.provider.errorOf(cause);
  const progress = (said: Parameters<Call['progress']>[0]): void => {
    session.emit({ type: 'progress', operation: 'none', ...said });
  };
  const parts = { clock, signal, operation: 'none', doing, deadlineSeconds: LOOK_SECONDS, errorOf, progress };
  return withCall(parts, async (call) => {
    const until = clock.monotonicSeconds() + SETTLE_SECONDS;
    for (;;) {
      const found = await listAll(bound, call);
      const moving = [...found.environments, ...found.volumes, ...found.snapshots].filter(isMoving);
      if (moving.length === 0 || clock.monotonicSeconds() >= until) return { bound, provider, ...found };
      call.progress({ message: `waiting for ${moving.map(({ id }) => id).join(', ')}` });
      await clock.sleep(PAUSE_SECONDS, call.signal);
    }
  });
}

function isMoving({ phase }: Resource): boolean {
  return phase === 'creating' || phase === 'destroying';
}

async function listAll(bound: BoundProvider, call: Call): Promise<Omit<Survey, 'bound' | 'provider'>> {
  const environments = await optionalDriver(bound, ENVIRONMENTS, 'environments');
  const slots = await optionalDriver(bound, SLOTS, 'slots');
  const storage = await optionalDriver(bound, STORAGE, 'storage');
  const takesSnapshots = bound.capabilities['storage.snapshots']?.can === 'yes';
  return {
    environments: await all(environments, call),
    slots: await all(slots, call),
    volumes: await all(storage?.volumes, call),
    snapshots: takesSnapshots ? await all(storage?.snapshots, call) : [],
  };
}

/** Undefined: the provider makes nothing of the kind. */
async function optionalDriver<T>(
  bound: BoundProvider,
  token: InjectionToken<Lazy<T>>,
  what: string,
): Promise<T | undefined> {
  return bound.scope.isRegistered(token) ? driverOf(bound, token, what) : undefined;
}

async function all<R extends Resource>(
  driver: { list(call: Call): AsyncIterable<R> } | undefined,
  call: Call,
): Promise<readonly R[]> {
  const found: R[] = [];
  if (driver) for await (const one of driver.list(call)) found.push(one);
  return found;
}
