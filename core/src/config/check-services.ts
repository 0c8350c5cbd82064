import { nearest } from '../names/nearest.ts';
import type { Draft, Report } from './check.ts';
import type { ServiceConfig } from './schema.ts';

/** What each service is made of, who it needs and what it mounts. */
export function checkServices(draft: Draft, report: Report): void {
  for (const [name, service] of Object.entries(draft.services)) {
    const at = (...keys: string[]): string[] => ['services', name, ...keys];
    if (!draft.partial.has(`services.${name}`)) {
      checkArtefact(service, at, report);
      checkPort(service, at, report);
      checkMountPaths(service, at, report);
    }
    checkVariables(service, at, report);
    checkNeeds(draft, name, service, at, report);
    checkMounts(draft, service, at, report);
  }
  checkCycles(draft.services, report);
}

type At = (...keys: string[]) => string[];

function checkArtefact(service: ServiceConfig, at: At, report: Report): void {
  if (service.build && service.image !== undefined) {
    report(
      at('image'),
      "can't stand beside build",
      'keep build for a Dockerfile of the repository, image for one that exists already',
    );
  }
  if (service.build || service.image !== undefined) {
    const what = service.build ? 'build' : 'image';
    if (service.install)
      report(at('install'), `is for bare processes, and ${what} makes this a container`, 'install in the Dockerfile');
    if (service.dir !== '.') report(at('dir'), `is for bare processes, and ${what} makes this a container`);
  } else if (!service.command) {
    report(
      at(),
      'says nothing to run',
      'give it build (a folder with a Dockerfile), image, or command (a bare process in a checkout)',
    );
  }
}

function checkPort(service: ServiceConfig, at: At, report: Report): void {
  const { port, protocol, route, health, env } = service;
  if (route !== undefined && port === undefined)
    report(at('route'), 'needs a port to send requests to', 'add port: 8080');
  if (route !== undefined && protocol === 'tcp') report(at('protocol'), 'must be http for a service with a route');
  if (health && protocol === 'tcp') report(at('health'), 'is a check by HTTP, and protocol is tcp');
  if (health && port === undefined) report(at('health'), 'needs a port to ask', 'add port: 8080');
  if (port !== undefined && env.PORT !== undefined && env.PORT !== String(port)) {
    report(at('env', 'PORT'), `is set from port, which is ${port}`, 'leave it out');
  }
}

/** A variable can be set by env, secrets or needs. */
function checkVariables(service: ServiceConfig, at: At, report: Report): void {
  for (const name of Object.keys(service.secrets)) {
    if (Object.hasOwn(service.env, name)) report(at('secrets', name), 'is in env too');
  }
  const setBy = new Map<string, string>();
  for (const [needed, variable] of Object.entries(service.needs)) {
    if (variable === null) continue;
    const other =
      setBy.get(variable) ??
      ['env', 'secrets'].find((key) => Object.hasOwn(key === 'env' ? service.env : service.secrets, variable));
    if (other !== undefined) report(at('needs', needed), `sets ${variable}, and so does ${other}`);
    setBy.set(variable, `the need of ${needed}`);
  }
}

function checkNeeds(
  { declared, partial, services, volumes }: Draft,
  name: string,
  service: ServiceConfig,
  at: At,
  report: Report,
): void {
  for (const [needed, variable] of Object.entries(service.needs)) {
    const path = at('needs', needed);
    if (needed === name) report(path, 'is the service itself');
    else if (declared.services.includes(needed)) {
      const there = services[needed];
      if (variable !== null && there && there.port === undefined && !partial.has(`services.${needed}`)) {
        report(
          path,
          `has no port, so that nobody can connect to it`,
          `give ${needed} a port, or only wait for it: needs: [${needed}]`,
        );
      }
    } else if (declared.volumes.includes(needed)) {
      if (volumes[needed] && volumes[needed].kind !== 'database' && !partial.has(`volumes.${needed}`)) {
        report(path, `is a volume of kind ${volumes[needed].kind}`, `mount it: volumes: { ${needed}: /path }`);
      }
    } else {
      const meant = nearest(needed, [...declared.services, ...declared.volumes]);
      const hint = meant === undefined ? `declared: ${declared.services.join(', ')}` : `did you mean "${meant}"?`;
      report(
        path,
        declared.sites.includes(needed) ? 'is a site, and only services are needed' : 'is not declared',
        hint,
      );
    }
  }
}

function checkMountPaths(service: ServiceConfig, at: At, report: Report): void {
  const isContainer = service.build !== undefined || service.image !== undefined;
  for (const [name, { path }] of Object.entries(service.volumes)) {
    if (isContainer && !path.startsWith('/')) {
      report(at('volumes', name), 'must be an absolute path in a container', `such as /${path}`);
    }
    if (!isContainer && path.startsWith('/')) {
      const hint = `such as ${path.split('/').at(-1) ?? 'data'}`;
      report(at('volumes', name), 'must be a path in the checkout, for a bare process', hint);
    }
  }
}

function checkMounts({ declared, volumes }: Draft, service: ServiceConfig, at: At, report: Report): void {
  const byPath = new Map<string, string>();
  for (const [name, { path }] of Object.entries(service.volumes)) {
    const place = at('volumes', name);
    const other = byPath.get(path);
    if (other !== undefined) report(place, `has the path of the volume ${other}`);
    byPath.set(path, name);
    if (!declared.volumes.includes(name)) {
      const meant = nearest(name, declared.volumes);
      const hint = meant === undefined ? `add volumes: { ${name}: { size: 1Gi } }` : `did you mean "${meant}"?`;
      report(place, 'is not declared', hint);
    }
    const volume = Object.hasOwn(volumes, name) ? volumes[name] : undefined;
    if (volume?.kind === 'database') {
      report(place, 'is a database, which is needed and not mounted', `needs: { ${name}: DB_HOST }`);
    }
    if (volume?.kind === 'disk' && service.instances.max > 1) {
      const message = `is a disk, which one instance at a time holds, and ${service.instances.max} may run`;
      report(place, message, 'use kind: files');
    }
  }
}

/** Each cycle once, in the order of its needs. */
function checkCycles(services: Draft['services'], report: Report): void {
  const done = new Set<string>();
  const visit = (name: string, above: readonly string[]): void => {
    const start = above.indexOf(name);
    if (start >= 0) {
      const cycle = [...above.slice(start), name];
      if (cycle.length > 2)
        report(['services', name, 'needs'], `go in a circle: ${cycle.join(' → ')}`, 'leave one of them out');
      return;
    }
    if (done.has(name) || !Object.hasOwn(services, name)) return;
    for (const needed of Object.keys(services[name]?.needs ?? {})) visit(needed, [...above, name]);
    done.add(name);
  };
  for (const name of Object.keys(services)) visit(name, []);
}
