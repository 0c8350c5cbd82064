import type { HealthView } from '../control/views.ts';
import type { EnvironmentRecord } from './database.ts';
import { isOff as isScaledToNone, type RunningService } from './service.ts';

/** Looks at every instance of every part now. */
export async function healthOf(
  { phase, spec }: EnvironmentRecord,
  running: ReadonlyMap<string, RunningService>,
  lastRequestAt: Date | undefined,
  signal: AbortSignal,
): Promise<HealthView> {
  const { services, sites } = spec;
  const isActive = phase === 'active';
  // A worker that is not to run now is no fault; a public service that is stopped answers nobody.
  const isOff = (name: string): boolean => {
    const service = running.get(name);
    return services[name]?.route === undefined && service !== undefined && isScaledToNone(service.state);
  };
  // Until a slot makes the environment its head, what runs on the head alone is as it should be when it does not run.
  const isOffByItsSpec = (name: string): boolean => isOff(name) && services[name]?.instances.max === 0;
  const looks = [...running].map(async ([name, service]) => {
    return [name, isOffByItsSpec(name) ? { healthy: true, instances: 0 } : await service.health(signal)] as const;
  });
  const ofSites = Object.keys(sites).map((name) => [name, { healthy: isActive }] as const);
  const parts: HealthView['parts'] = Object.fromEntries([...(await Promise.all(looks)), ...ofSites]);
  const expected = [...Object.keys(services), ...Object.keys(sites)].filter((name) => !isOff(name));
  return {
    healthy: isActive && expected.every((name) => parts[name]?.healthy),
    parts,
    observedAt: new Date().toISOString(),
    ...(lastRequestAt && { lastRequestAt: lastRequestAt.toISOString() }),
  };
}
