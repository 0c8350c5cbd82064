import type { Environment, EnvironmentSpec, HealthCheck } from './environment.ts';

/** What core asks of a public part before it trusts it. */
export interface PublicPart {
  readonly name: string;
  readonly kind: 'service' | 'site';
  readonly url: string;
  /** Where the check is answered. */
  readonly checkUrl: string;
  readonly statusFrom: number;
  readonly statusTo: number;
}

/** The address of an environment: what its provider says, else https at the first of its hosts. */
export function environmentUrl(spec: EnvironmentSpec, environment: Environment | undefined): string | undefined {
  const host = spec.hosts[0];
  return environment?.url ?? (host === undefined ? undefined : `https://${host}`);
}

/** The parts of an environment that answer from outside, and that are meant to run. */
export function publicParts(spec: EnvironmentSpec, environment: Environment): readonly PublicPart[] {
  const base = environmentUrl(spec, environment);
  const services = Object.entries(spec.services).flatMap(([name, service]): PublicPart[] => {
    if (service.route === undefined || service.instances.max === 0) return [];
    const url = partUrl(base, environment, name, service.route);
    if (url === undefined) return [];
    return [{ name, kind: 'service', url, ...checkOf(url, service.route, service.health) }];
  });
  const sites = Object.entries(spec.sites).flatMap(([name, site]): PublicPart[] => {
    const url = partUrl(base, environment, name, site.route);
    return url === undefined ? [] : [{ name, kind: 'site', url, checkUrl: url, statusFrom: 200, statusTo: 399 }];
  });
  return [...services, ...sites];
}

function partUrl(base: string | undefined, environment: Environment, name: string, route: string): string | undefined {
  return environment.parts[name]?.url ?? (base === undefined ? undefined : new URL(route, base).href);
}
/**
 * Routers keep the path, so a check's path is reached from outside only where it lies under the route. Elsewhere the provider asks for
 * it, and core's request proves that the route arrives at something that answers.
 */
function checkOf(
  url: string,
  route: string,
  health: HealthCheck | undefined,
): Pick<PublicPart, 'checkUrl' | 'statusFrom' | 'statusTo'> {
  const reachable = health && (route === '/' || health.path === route || health.path.startsWith(`${route}/`));
  if (!reachable) return { checkUrl: url, statusFrom: 200, statusTo: 499 };
  return { checkUrl: new URL(health.path, url).href, statusFrom: health.statusFrom, statusTo: health.statusTo };
}
