import type { EnvironmentSpec, Problem, ProjectSpec, ServiceSpec } from '@clusternator/core/provider';

/** What capabilities can't say of a project on this machine. */
export function check({ environment }: ProjectSpec): readonly Problem[] {
  return [...secretProblems(environment), ...portProblems(environment), ...mountProblems(environment)];
}

function secretProblems({ services }: EnvironmentSpec): readonly Problem[] {
  return entries(services).flatMap(([service, { secrets }]) =>
    Object.entries(secrets).flatMap(([variable, secret]) =>
      secret.reference === undefined
        ? []
        : [
            {
              path: `services.${service}.secrets.${variable}`,
              message: `this machine keeps no secrets that ${secret.reference} could refer to: name the variable alone, and give its value in the environment or a file`,
            },
          ],
    ),
  );
}

/** All services that processes reach have one address, and so need ports of their own. */
function portProblems({ services }: EnvironmentSpec): readonly Problem[] {
  const isProcess = (name: string): boolean => services[name]?.artefact.kind === 'files';
  const reached = entries(services).filter(([name]) =>
    entries(services).some(([user, { needs }]) => name in needs && (isProcess(user) || isProcess(name))),
  );
  return reached.flatMap(([name, { port }], i) => {
    const other = reached.slice(0, i).find(([, service]) => port !== undefined && service.port === port);
    if (!other) return [];
    const message = `port ${String(port)} is that of service ${other[0]} too: services that processes need, and processes that are needed, have one address`;
    return [{ path: `services.${name}.port`, message }];
  });
}

function mountProblems({ services }: EnvironmentSpec): readonly Problem[] {
  return entries(services).flatMap(([name, { artefact, mounts }]) => {
    const isWhole = Object.keys(mounts).some((path) => path.replaceAll(/[/.]/g, '') === '');
    if (artefact.kind !== 'files' || !isWhole) return [];
    return [{ path: `services.${name}.volumes`, message: "a volume can't be the whole source tree of a process" }];
  });
}

function entries(services: EnvironmentSpec['services']): readonly (readonly [string, ServiceSpec])[] {
  return Object.entries(services);
}
