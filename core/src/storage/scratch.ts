import type { EnvironmentSpec, ServiceSpec } from '../environment/environment.ts';
import { runCommand } from '../environment/run-in.ts';
import { destroyUntilGone, makeEnvironment, verifyHealth } from '../environment/settle.ts';
import { driverOf, type BoundProvider } from '../host/drivers.ts';
import type { Session } from '../host/session.ts';
import { fingerprint } from '../names/fingerprint.ts';
import { tagsFor } from '../names/tags.ts';
import { ProviderError } from '../provider/error.ts';
import type { Call } from '../provider/host.ts';
import { ENVIRONMENTS } from '../provider/tokens.ts';
import type { Volume } from './storage.ts';

/** The resource id of every environment that lives for one command begins so. */
export const SCRATCH = 'scratch-';

/** A command that is to run where a volume is mounted, in a copy of the services that use it. */
export interface ScratchRun {
  /** Of the operation: the same again after a crash. */
  readonly id: string;
  /** Services as they run with the volume, by name. */
  readonly services: Readonly<Record<string, ServiceSpec>>;
  /** Id of the volume that they mount. */
  readonly replaces: string;
  /** The volume that the copy mounts in its place. */
  readonly volume: Volume;
  readonly service: string;
  readonly command: readonly string[];
  readonly input?: () => AsyncIterable<Uint8Array>;
  readonly onOutput?: (text: string) => void;
}

/**
 * Starts a copy of the services on another volume, runs a command in it and removes the copy, whatever became of the command. Nobody reaches
 * the copy from outside.
 * @throws ProviderError `unhealthy`: the copy does not start.
 */
export async function runInScratch(
  session: Session,
  bound: BoundProvider,
  scratch: ScratchRun,
  call: Call,
): Promise<{ readonly code: number; readonly said: string }> {
  const driver = await driverOf(bound, ENVIRONMENTS, 'environments');
  const spec = scratchSpec(session, scratch);
  const { service, command, input, onOutput } = scratch;
  try {
    const environment = await makeEnvironment(session, driver, spec, call);
    await verifyHealth(session, driver, spec, environment, call);
    return await runCommand(
      { driver, environment, service, command, ...(input && { input: input() }), ...(onOutput && { onOutput }) },
      call,
    );
  } finally {
    // Also after an abort: what is left behind would hold the volume.
    await removeScratch(session, bound, spec.id);
  }
}

/** Removes what a killed process may have left of it. */
export async function removeScratch(session: Session, bound: BoundProvider, id: string): Promise<void> {
  const driver = await driverOf(bound, ENVIRONMENTS, 'environments');
  await session.briefly(
    `remove ${id}`,
    (call) => destroyUntilGone(session, 'environment', driver, { id }, call),
    REMOVE_SECONDS,
  );
}
const REMOVE_SECONDS = 300;

export function scratchId(operation: string): string {
  return `${SCRATCH}${operation}`;
}

function scratchSpec(session: Session, scratch: ScratchRun): EnvironmentSpec {
  const { id, services, replaces, volume } = scratch;
  const names = needed(services, scratch.service);
  const content = {
    id,
    hosts: [],
    sites: {},
    services: Object.fromEntries(
      Object.entries(services).flatMap(([name, service]) =>
        names.has(name) ? [[name, privately(service, names, replaces, volume)] as const] : [],
      ),
    ),
  };
  const print = fingerprint({ id, volume: volume.id, services: [...names] });
  return { ...content, fingerprint: print, tags: tagsFor(session, { type: 'environment', id, fingerprint: print }) };
}

/** A service and all that it needs. */
function needed(services: Readonly<Record<string, ServiceSpec>>, first: string): ReadonlySet<string> {
  if (!services[first]) throw new ProviderError('not-found', `there is no service ${first}`, { path: 'volumes' });
  const found = new Set([first]);
  for (const name of found) for (const other of Object.keys(services[name]?.needs ?? {})) found.add(other);
  return found;
}

/** No other volume: what runs on a copy must not write into what is in use. */
function privately(
  { route: _, ...service }: ServiceSpec,
  names: ReadonlySet<string>,
  replaces: string,
  volume: Volume,
): ServiceSpec {
  const mounts = Object.entries(service.mounts).flatMap(([path, mount]) =>
    mount.volume.id === replaces ? [[path, { ...mount, volume }] as const] : [],
  );
  return {
    ...service,
    mounts: Object.fromEntries(mounts),
    needs: Object.fromEntries(Object.entries(service.needs).filter(([name]) => names.has(name))),
    instances: { min: 1, max: 1 },
  };
}

/** The service that a command about a volume runs in. @throws ProviderError `refused`: none mounts it. */
export function mountingService(
  services: Readonly<Record<string, ServiceSpec>>,
  volume: string,
  asked?: string,
): string {
  const mounting = Object.entries(services).filter(([, { mounts }]) =>
    Object.values(mounts).some((mount) => mount.volume.id === volume),
  );
  const writing = mounting.find(([, { mounts }]) =>
    Object.values(mounts).some((mount) => mount.volume.id === volume && !mount.readOnly),
  );
  const found = asked ?? writing?.[0] ?? mounting[0]?.[0];
  if (found !== undefined && services[found]) return found;
  throw new ProviderError('refused', `no service mounts ${volume}${asked === undefined ? '' : `: ${asked}`}`, {
    path: 'volumes',
  });
}
