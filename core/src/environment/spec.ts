import type { FilesArtefact, ImageArtefact } from '../artefact/artefact.ts';
import type { ProjectConfig, ServiceConfig } from '../config/schema.ts';
import { fingerprint } from '../names/fingerprint.ts';
import { tagsFor } from '../names/tags.ts';
import type { Volume } from '../storage/storage.ts';
import type { EnvironmentSpec, ServiceSpec, SiteSpec } from './environment.ts';
import { startOrder } from './start-order.ts';

/** What a commit was built to, by part. */
export interface Artefacts {
  readonly services: Readonly<Record<string, ImageArtefact | FilesArtefact>>;
  readonly sites: Readonly<Record<string, FilesArtefact>>;
}
/** Whose an environment is. */
export interface EnvironmentIdentity {
  readonly project: string;
  readonly stage: string;
  /** As people name it. */
  readonly id: string;
  /** As drivers name it: with its incarnation. */
  readonly resourceId: string;
  readonly commit: string;
  readonly incarnation: number;
  readonly slot?: string;
  readonly hosts: readonly string[];
  /** More to put into its tags, for when its document is lost: see `lifeDetails`. */
  readonly details?: Readonly<Record<string, string>>;
}

/** An environment as its provider is asked for it. Equal inputs give an equal fingerprint. */
export function environmentSpec(
  identity: EnvironmentIdentity,
  config: ProjectConfig,
  artefacts: Artefacts,
  volumes: Readonly<Record<string, Volume>>,
): EnvironmentSpec {
  const order = startOrder(
    Object.fromEntries(Object.entries(config.services).map(([name, service]) => [name, Object.keys(service.needs)])),
  );
  const content = {
    id: identity.resourceId,
    ...(identity.slot !== undefined && { slot: identity.slot }),
    hosts: identity.hosts,
    services: Object.fromEntries(
      order.map((name) => [name, serviceSpec(identity, name, mustHave(config.services, name), artefacts, volumes)]),
    ),
    sites: Object.fromEntries(Object.keys(config.sites).map((name) => [name, siteSpec(name, config, artefacts)])),
  };
  const print = fingerprint(withVolumesById(content));
  return {
    ...content,
    ...((config.cache.folders.length > 0 ||
      Object.values(config.services).some(({ installCache }) => installCache)) && {
      cache: config.cache,
    }),
    fingerprint: print,
    tags: tagsFor(identity, {
      type: 'environment',
      id: identity.resourceId,
      fingerprint: print,
      tags: {
        ...identity.details,
        commit: identity.commit,
        incarnation: String(identity.incarnation),
        ...(identity.slot !== undefined && { slot: identity.slot }),
      },
    }),
  };
}

function serviceSpec(
  identity: EnvironmentIdentity,
  name: string,
  service: ServiceConfig,
  artefacts: Artefacts,
  volumes: Readonly<Record<string, Volume>>,
): ServiceSpec {
  return {
    artefact: mustHave(artefacts.services, name),
    ...(service.command && { command: service.command }),
    ...(service.install && { install: service.install }),
    ...(service.installCache && { installCache: service.installCache }),
    ...(service.dir !== '.' && { workingDir: service.dir }),
    ...(service.port !== undefined && { port: service.port }),
    protocol: service.protocol,
    ...(service.route !== undefined && { route: service.route }),
    ...(service.health && { health: service.health }),
    env: { ...ownVariables(identity, name, service), ...service.env, ...volumeVariables(service, volumes) },
    secrets: { ...service.secrets, ...volumeSecrets(service, volumes) },
    needs: Object.fromEntries(
      Object.entries(service.needs).flatMap(([needed, variable]) =>
        needed in volumes ? [] : [[needed, variable ?? `${variableName(needed)}_HOST`]],
      ),
    ),
    mounts: Object.fromEntries(
      Object.entries(service.volumes).map(([volume, mount]) => [
        mount.path,
        { volume: mustHave(volumes, volume), readOnly: mount.readOnly },
      ]),
    ),
    cpus: service.cpus,
    memoryMiB: service.memoryMiB,
    // Until a slot makes an environment its head, what runs on the head alone does not run.
    instances: service.runOn === 'head' ? { min: 0, max: 0 } : service.instances,
    ...(service.native && { native: service.native }),
  };
}

function ownVariables(identity: EnvironmentIdentity, service: string, { port }: ServiceConfig): Record<string, string> {
  return {
    CLUSTERNATOR_PROJECT: identity.project,
    CLUSTERNATOR_STAGE: identity.stage,
    CLUSTERNATOR_ENVIRONMENT: identity.id,
    CLUSTERNATOR_COMMIT: identity.commit,
    CLUSTERNATOR_SERVICE: service,
    ...(port !== undefined && { PORT: String(port) }),
  };
}

/** A needed database volume is told as `<VOLUME>_HOST`, `_PORT` and so on. */
function volumeVariables(service: ServiceConfig, volumes: Readonly<Record<string, Volume>>): Record<string, string> {
  return connectionEntries(service, volumes, (volume) => volume.connection?.env);
}
function volumeSecrets(service: ServiceConfig, volumes: Readonly<Record<string, Volume>>): ServiceSpec['secrets'] {
  return connectionEntries(service, volumes, (volume) => volume.connection?.secrets);
}
function connectionEntries<T>(
  service: ServiceConfig,
  volumes: Readonly<Record<string, Volume>>,
  pick: (volume: Volume) => Readonly<Record<string, T>> | undefined,
): Record<string, T> {
  const entries = Object.keys(service.needs).flatMap((needed) => {
    const volume = volumes[needed];
    const values = volume && pick(volume);
    return Object.entries(values ?? {}).map(([key, value]): [string, T] => [`${variableName(needed)}_${key}`, value]);
  });
  return Object.fromEntries(entries);
}

function siteSpec(name: string, config: ProjectConfig, artefacts: Artefacts): SiteSpec {
  const site = mustHave(config.sites, name);
  return {
    artefact: mustHave(artefacts.sites, name),
    route: site.route,
    ...(site.fallback !== undefined && { fallback: site.fallback }),
    ...(site.native && { native: site.native }),
  };
}

/** A volume counts by its id: what the provider reports of it may change while it is the same. */
function withVolumesById(content: Pick<EnvironmentSpec, 'services'>): unknown {
  const services = Object.entries(content.services).map(([name, service]): [string, unknown] => {
    const mounts = Object.entries(service.mounts).map(([path, mount]): [string, unknown] => [
      path,
      { ...mount, volume: mount.volume.id },
    ]);
    return [name, { ...service, mounts: Object.fromEntries(mounts) }];
  });
  return { ...content, services: Object.fromEntries(services) };
}

function variableName(name: string): string {
  return name.toUpperCase().replaceAll('-', '_');
}

function mustHave<T>(record: Readonly<Record<string, T>>, name: string): T {
  const value = record[name];
  if (value === undefined) throw new Error(`nothing is known of "${name}"`);
  return value;
}
