import { ProviderError, type EnvironmentSpec, type Problem, type ServiceSpec } from '@clusternator/core/provider';
import { ownHosts } from '../environment-spec.ts';
import { fargateSize, noSuchSize, SOLD } from './fargate-size.ts';
import { MOST_SERVICES, serviceName } from './names.ts';
import { serviceNative } from './native.ts';

/** A service of an environment as it is to be made. */
export interface PlannedService {
  readonly environment: EnvironmentSpec;
  readonly key: string;
  readonly service: string;
  readonly spec: ServiceSpec;
  /** Of all that is made for it. */
  readonly name: string;
  /** Whether others find it by a name in the network. */
  readonly isNeeded: boolean;
  /** Where it is public. */
  readonly route?: { readonly hosts: readonly string[]; readonly path: string; readonly port: number };
}

export function plannedServices(environment: EnvironmentSpec, key: string): readonly PlannedService[] {
  const all = Object.entries(environment.services);
  return all.map(([service, spec], at) => ({
    environment,
    key,
    service,
    spec,
    name: serviceName(key, at),
    isNeeded: all.some(([, other]) => service in other.needs),
    ...(spec.route !== undefined &&
      spec.port !== undefined && { route: { hosts: ownHosts(environment), path: spec.route, port: spec.port } }),
  }));
}

/** How many tasks it begins with. What the cloud would start on demand runs once: ECS does not. */
export function firstInstances({ instances: { min, max } }: ServiceSpec): number {
  return Math.max(min, Math.min(max, 1));
}

/** What Fargate and the load balancer do not take of an environment. Pure. */
export function problemsOf({ services, sites }: EnvironmentSpec): readonly Problem[] {
  const names = Object.keys(services);
  const problems: Problem[] = Object.keys(sites).map((site) => ({
    path: `sites.${site}`,
    capability: 'environments.sites',
    message:
      'sites are not served beside containers: serve the files from one, or take kind: sites where nothing else runs',
  }));
  if (names.length === 0 && problems.length === 0) problems.push({ path: 'services', message: 'it has no service' });
  if (names.length > MOST_SERVICES) {
    problems.push({
      path: 'services',
      message: `an environment has ${String(names.length)} services, and ${String(MOST_SERVICES)} are the most on AWS`,
    });
  }
  return [...problems, ...Object.entries(services).flatMap(([name, service]) => problemsOfService(name, service))];
}

function problemsOfService(
  name: string,
  { artefact, cpus, memoryMiB, native, mounts }: ServiceSpec,
): readonly Problem[] {
  const path = `services.${name}`;
  const problems: Problem[] = [];
  if (artefact.kind === 'files') {
    problems.push({
      path,
      capability: 'environments.processes',
      message:
        'Fargate runs images alone, and machines are for environments without any: give it a Dockerfile with build, or an image',
    });
  }
  if (Object.values(mounts).some(({ volume }) => volume.kind === 'disk')) {
    problems.push({
      path: `${path}.volumes`,
      capability: 'storage.disks',
      message: 'a task on Fargate has no disk that outlives it: take kind: files, or run the command on a machine',
    });
  }
  if (!fargateSize(cpus, memoryMiB)) problems.push({ path, message: `${noSuchSize(cpus, memoryMiB)}; ${SOLD}` });
  try {
    serviceNative(name, native);
  } catch (error) {
    if (!ProviderError.is(error)) throw error;
    problems.push({ path: `${path}.native`, message: error.message });
  }
  return problems;
}
