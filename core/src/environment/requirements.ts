import type { ProjectConfig, ServiceConfig, VolumeConfig } from '../config/schema.ts';
import { CAPABILITIES, canFor, type Capabilities, type CapabilityName } from '../provider/capabilities.ts';
import type { Problem } from '../provider/provider.ts';

/** Something that a config asks for. `amount` is in the unit of the capability's limit. */
interface Requirement {
  readonly capability: CapabilityName;
  readonly path: string;
  readonly amount?: number;
  /** Of the volume that it is asked for. */
  readonly kind?: VolumeConfig['kind'];
  /** Of the cloud. */
  readonly builder?: string;
}

const OTHERWISE_BUILT = 'leave it out, for the Docker Engine at hand, or have CI build it, and name it by image';

/** What a config asks of its provider and the provider can't do, before anything is made. */
export function unmetRequirements(
  config: ProjectConfig,
  capabilities: Capabilities,
  provider: string,
): readonly Problem[] {
  return requirementsOf(config, capabilities).flatMap(({ capability, path, amount, kind, builder }) => {
    const have = capabilities[capability];
    if (have?.can !== 'yes' || (kind !== undefined && !canFor(capabilities, capability, kind))) {
      const why = have?.note ?? CAPABILITIES[capability];
      const told = builder === undefined ? why : `${why.replace(/\.$/, '')}; ${OTHERWISE_BUILT}`;
      return [{ path, capability, message: `provider "${provider}" can't do this (${capability}): ${told}` }];
    }
    if (builder !== undefined && !have.builders?.includes(builder)) {
      const known = ['engine', ...(have.builders ?? [])].join(', ');
      return [{ path, capability, message: `provider "${provider}" has no builder "${builder}": it may be ${known}` }];
    }
    if (amount !== undefined && have.limit !== undefined && amount > have.limit) {
      const message = `${String(amount)} is over the limit ${String(have.limit)} of provider "${provider}" (${capability})`;
      return [{ path, capability, message }];
    }
    return [];
  });
}

function requirementsOf(config: ProjectConfig, capabilities: Capabilities): readonly Requirement[] {
  const services = Object.entries(config.services).flatMap(([name, service]) => serviceRequirements(name, service));
  const sites = Object.keys(config.sites).map((name): Requirement => ({
    capability: 'environments.sites',
    path: `sites.${name}`,
  }));
  const parts = [...Object.values(config.services), ...Object.values(config.sites)];
  const paths: Requirement[] =
    parts.filter((part) => part.route !== undefined).length > 1
      ? [{ capability: 'environments.paths', path: 'services' }]
      : [];
  const migrations = Object.entries(config.slots).flatMap(([name, { migrate }]): Requirement[] =>
    migrate ? [{ capability: 'environments.exec', path: `slots.${name}.migrate` }] : [],
  );
  const routes = capabilities['slots.router']?.can === 'yes';
  return [
    ...services,
    ...sites,
    ...paths,
    ...migrations,
    ...(routes ? hostRequirements(config) : []),
    ...volumeRequirements(config),
  ];
}

/** Of slots that the provider routes, with their own names. By DNS, names lead to environments, whatever they are. */
function hostRequirements({ slots, domain }: ProjectConfig): readonly Requirement[] {
  if (domain === undefined) return [];
  return Object.entries(slots).flatMap(([name, { hosts, mechanism }]): Requirement[] => {
    const isOutside = hosts.some((host) => host !== domain && !host.endsWith(`.${domain}`));
    return isOutside && mechanism !== 'dns'
      ? [{ capability: 'slots.hosts', path: `slots.${name}.host`, amount: hosts.length + 1 }]
      : [];
  });
}

function serviceRequirements(name: string, service: ServiceConfig): readonly Requirement[] {
  const path = `services.${name}`;
  const runsImage = service.build !== undefined || service.image !== undefined;
  const wanted: Requirement[] = [{ capability: runsImage ? 'environments.images' : 'environments.processes', path }];
  const builder = service.build?.on;
  if (builder !== undefined) wanted.push({ capability: 'images.build', path: `${path}.build.on`, builder });
  if (service.route === undefined && service.port !== undefined) {
    wanted.push({ capability: 'environments.private', path: `${path}.port` });
  }
  if (service.protocol === 'tcp') wanted.push({ capability: 'environments.tcp', path: `${path}.protocol` });
  if (service.instances.max > 1) {
    wanted.push({ capability: 'environments.instances', path: `${path}.instances`, amount: service.instances.max });
  }
  if (service.runOn === 'head') wanted.push({ capability: 'environments.scale', path: `${path}.runOn` });
  return wanted;
}

const VOLUME_CAPABILITY = {
  files: 'storage.files',
  disk: 'storage.disks',
  database: 'storage.databases',
} as const satisfies Record<string, CapabilityName>;

function volumeRequirements(config: ProjectConfig): readonly Requirement[] {
  return Object.entries(config.volumes).flatMap(([name, volume]) => {
    const path = `volumes.${name}`;
    const wanted: Requirement[] = [
      { capability: VOLUME_CAPABILITY[volume.kind], path: `${path}.size`, amount: volume.sizeGiB },
    ];
    // It goes from one head to the next: what holds it is scaled to none, and stays as a standby.
    if (volume.kind === 'disk' && volume.scope === 'slot')
      wanted.push({ capability: 'environments.scale', path: `${path}.kind` });
    const snapshots = { capability: 'storage.snapshots', kind: volume.kind } as const;
    if (volume.seed !== undefined) wanted.push({ ...snapshots, path: `${path}.seed` });
    if (volume.backup) wanted.push({ ...snapshots, path: `${path}.backup` });
    if (volume.onDestroy === 'snapshot') wanted.push({ ...snapshots, path: `${path}.onDestroy` });
    return wanted;
  });
}
