import { driverOf } from '../host/drivers.ts';
import type { Environment, EnvironmentDriver, EnvironmentSpec } from '../environment/environment.ts';
import type { Session } from '../host/session.ts';
import { ENVIRONMENTS } from '../provider/tokens.ts';
import type { EnvironmentDocument } from '../state/documents.ts';

/** Whether an environment has a volume mounted, or needs it; or may, where its spec is not known any more. */
export function mounts({ spec, rebuilt }: Pick<EnvironmentDocument, 'spec' | 'rebuilt'>, volume: string): boolean {
  if (!spec) return rebuilt?.mayMount?.includes(volume) ?? false;
  return Object.values(spec.services).some((service) =>
    Object.values(service.mounts).some((mount) => mount.volume.id === volume),
  );
}

/** Environments that have a volume mounted, or are about to. */
export async function usersOf(session: Session, volume: string): Promise<readonly EnvironmentDocument[]> {
  return session.briefly(`look for what uses ${volume}`, async (call) => {
    const found: EnvironmentDocument[] = [];
    for await (const { document } of session.documents.environments.list(call))
      if (document.phase !== 'gone' && mounts(document, volume)) found.push(document);
    return found;
  });
}

/** An environment in which a command about a volume can run. */
export interface Host {
  readonly document: EnvironmentDocument;
  readonly spec: EnvironmentSpec;
  readonly environment: Environment;
  readonly driver: EnvironmentDriver;
}

/** The head of the volume's slot before others, then the newest. Undefined: none is ready. */
export async function hostOf(
  session: Session,
  volume: { readonly id: string; readonly slot?: string | undefined },
): Promise<Host | undefined> {
  const users = await usersOf(session, volume.id);
  const { slot } = volume;
  const head =
    slot === undefined
      ? undefined
      : (await session.briefly(`read slot ${slot}`, (call) => session.documents.slots.get(slot, call)))?.document.head;
  const ready = users
    .filter(({ phase }) => phase === 'ready')
    .sort((a, b) => Number(b.id === head) - Number(a.id === head) || b.createdAt.localeCompare(a.createdAt));
  for (const document of ready) {
    const { environment, spec } = document;
    if (!environment || !spec) continue;
    const bound = await session.bind(document.provider);
    return { document, spec, environment, driver: await driverOf(bound, ENVIRONMENTS, 'environments') };
  }
  return undefined;
}

/** Where a command about the data of a volume can run: in what mounts it, or what mounts the one that was swapped in for it. */
export async function hostOfData(
  session: Session,
  volume: { readonly id: string; readonly slot?: string | undefined },
): Promise<{ readonly host: Host; readonly mounted: string } | undefined> {
  const own = await hostOf(session, volume);
  if (own) return { host: own, mounted: volume.id };
  const read = (id: string) => session.briefly(`read volume ${id}`, (call) => session.documents.volumes.get(id, call));
  const place = (await read(volume.id))?.document.place ?? volume.id;
  const mounted = (await read(place))?.document.current ?? place;
  const host = mounted === volume.id ? undefined : await hostOf(session, { ...volume, id: mounted });
  return host && { host, mounted };
}

/** Another environment that runs on a volume of the same name: what it runs is what runs on a copy. The newest. */
export async function hostOfName(
  session: Session,
  name: string,
): Promise<{ readonly host: Host; readonly mounted: string } | undefined> {
  const found = await session.briefly(`look for what uses a volume ${name}`, async (call) => {
    const all: { readonly document: EnvironmentDocument; readonly mounted: string }[] = [];
    for await (const { document } of session.documents.environments.list(call)) {
      const mounted = document.phase === 'ready' ? mountedAs(document, name) : undefined;
      if (mounted !== undefined) all.push({ document, mounted });
    }
    return all.sort((a, b) => b.document.createdAt.localeCompare(a.document.createdAt))[0];
  });
  const host = found && (await hostOf(session, { id: found.mounted }));
  return host && { host, mounted: found.mounted };
}

/** Id of the volume that a config calls so. */
function mountedAs({ config, spec }: EnvironmentDocument, name: string): string | undefined {
  for (const [service, { volumes }] of Object.entries(config?.services ?? {})) {
    const path = volumes[name]?.path;
    const mount = path === undefined ? undefined : spec?.services[service]?.mounts[path];
    if (mount) return mount.volume.id;
  }
  return undefined;
}
