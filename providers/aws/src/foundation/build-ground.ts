import { ProviderError, type Call, type Host } from '@clusternator/core/provider';
import type { AwsConfig } from '../config.ts';
import { openClients } from './clients.ts';
import { partsOfBuilds } from './parts/builds.ts';
import { executionRole } from './parts/roles.ts';
import { findAll, makeAll } from './schedule.ts';
import { Site } from './site.ts';

/** Of the stage's CodeBuild project. */
export function buildProjectName(host: Host): string {
  return host.name(['clusternator', 'builds'], { maxLength: 63 });
}

/**
 * Adds what builds need to the foundation that there is, whose tags tell whose they are. From then on it is kept and destroyed with it.
 * @throws ProviderError `not-found`: there is no foundation.
 */
export async function makeBuildProject(config: AwsConfig, host: Host, call: Call): Promise<void> {
  const parts = [executionRole, ...partsOfBuilds];
  const shape = { cidr: '', zones: 0, nat: 'none', loadBalancers: 0, logDays: 1 } as const; // it has nothing to do with builds
  const known = new Map(parts.map((part) => [part.name, part]));
  const at = new Site(await openClients(config, host), host, call, { shape, ground: 'base' }, known);
  if (!(await at.find(executionRole.name)))
    throw new ProviderError('not-found', 'there is no foundation to build images on', {
      hint: 'clusternator foundation create makes what all environments of the stage share',
      effect: 'none',
    });
  await findAll(partsOfBuilds, at);
  await makeAll(partsOfBuilds, at);
}
