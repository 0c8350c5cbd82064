import { ProviderError, type EnvironmentSpec, type Problem, type ServiceSpec } from '@clusternator/core/provider';
import { MOST_SERVICES } from '../ecs/names.ts';
import { problemsOf } from '../ecs/plan.ts';
import type { MachineSettings } from './config.ts';
import { diskProblems } from './disks.ts';
import { instanceType, LARGEST } from './instance-types.ts';
import { machineNative } from './native.ts';

/** Whether an environment runs on machines: none of its services has an image. */
export function runsOnMachines({ services }: Pick<EnvironmentSpec, 'services'>): boolean {
  const all = Object.values(services);
  return all.length > 0 && all.every(({ artefact }) => artefact.kind === 'files');
}

/** What AWS does not take of an environment, in containers or on machines. Pure. */
export function environmentProblems(spec: EnvironmentSpec, machine: MachineSettings): readonly Problem[] {
  return runsOnMachines(spec) ? machineProblems(spec, machine) : problemsOf(spec);
}

/** What machines and the load balancer do not take of an environment. Pure. */
export function machineProblems({ services, sites }: EnvironmentSpec, machine: MachineSettings): readonly Problem[] {
  const count = Object.keys(services).length;
  const tooMany: Problem[] =
    count > MOST_SERVICES
      ? [
          {
            path: 'services',
            message: `an environment has ${String(count)} services, and ${String(MOST_SERVICES)} are the most on AWS`,
          },
        ]
      : [];
  const ofSites = Object.keys(sites).map((site): Problem => ({
    path: `sites.${site}`,
    capability: 'environments.sites',
    message:
      'sites are not served beside machines: serve the files from one, or take kind: sites where nothing else runs',
  }));
  const ofServices = Object.entries(services).flatMap((one) => problemsOfService(...one, machine));
  return [...tooMany, ...ofSites, ...ofServices, ...diskProblems(services)];
}

function problemsOfService(name: string, service: ServiceSpec, machine: MachineSettings): readonly Problem[] {
  const path = `services.${name}`;
  const unsupported: readonly (readonly [isAsked: boolean, at: string, message: string])[] = [
    [
      service.route === undefined || service.port === undefined,
      path,
      'of a machine the load balancer alone tells whether its service works: give it a port and a route, or an image',
    ],
    [
      Object.keys(service.needs).length > 0,
      `${path}.needs`,
      'machines have no name in the network: give the services an image, or call them by their public route',
    ],
  ];
  const problems: Problem[] = unsupported.flatMap(([isAsked, at, message]) =>
    isAsked ? [{ path: at, capability: 'environments.processes' as const, message }] : [],
  );
  if (machine.type === undefined && instanceType(service.cpus, service.memoryMiB) === undefined) {
    problems.push({ path, message: `it is larger than ${LARGEST}: set provider.machine.type` });
  }
  try {
    machineNative(name, service.native);
  } catch (error) {
    if (!ProviderError.is(error)) throw error;
    problems.push({ path: `${path}.native`, message: error.message });
  }
  return problems;
}
