import type { Handle } from '@clusternator/core/provider';
import type { ServiceState } from './service-state.ts';

const KEY = 'key';
const TARGET = 'target.';
const SERVICE = 'service.';
const BALANCER = 'balancer';

/**
 * Of an environment: its key, and by service the name of its ECS service and the ARN of its target group. A slot's routes show the key and
 * the target groups.
 * @param balancer - The name of the load balancer, where it is another than the first.
 */
export function environmentHandle(
  key: string,
  services: readonly Pick<ServiceState, 'service' | 'name' | 'targetGroup'>[],
  balancer?: string,
): Handle {
  const entries = services.flatMap(({ service, name, targetGroup }): [string, string][] => [
    [SERVICE + service, name],
    ...(targetGroup === undefined ? [] : [[TARGET + service, targetGroup] satisfies [string, string]]),
  ]);
  return { [KEY]: key, ...(balancer !== undefined && { [BALANCER]: balancer }), ...Object.fromEntries(entries) };
}

/** Undefined: it is behind the first load balancer. */
export function otherBalancer(handle: Handle): string | undefined {
  return handle[BALANCER];
}

/** Of a route as the load balancer shows it. */
export function routeHandle(key: string, targets: Readonly<Record<string, string>>): Handle {
  return { [KEY]: key, ...Object.fromEntries(Object.entries(targets).map(([part, arn]) => [TARGET + part, arn])) };
}

export function keyOf(handle: Handle | undefined): string | undefined {
  return handle?.[KEY];
}

/** The ECS service of a service of the config. */
export function serviceOf(handle: Handle, service: string): string | undefined {
  return handle[SERVICE + service];
}

export function targetOf(handle: Handle, part: string): string | undefined {
  return handle[TARGET + part];
}

/** By service. */
export function targetsOf(handle: Handle): Readonly<Record<string, string>> {
  return Object.fromEntries(
    Object.entries(handle).flatMap(([name, arn]) =>
      name.startsWith(TARGET) ? [[name.slice(TARGET.length), arn]] : [],
    ),
  );
}
