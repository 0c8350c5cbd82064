import { bucket } from './parts/bucket.ts';
import { certificate, formerCertificate } from './parts/certificate.ts';
import { cluster, namespace } from './parts/cluster.ts';
import { listeners } from './parts/listeners.ts';
import { loadBalancer } from './parts/load-balancer.ts';
import { MOST_BALANCERS } from './config.ts';
import { logs } from './parts/logs.ts';
import { nat } from './parts/nat.ts';
import { repository } from './parts/repository.ts';
import { roles } from './parts/roles.ts';
import { routes } from './parts/routes.ts';
import { securityGroups } from './parts/security-groups.ts';
import { subnets } from './parts/subnets.ts';
import { vpc } from './parts/vpc.ts';
import type { Part } from './part.ts';
import { placesOf, type Shape } from './shape.ts';

/** What a foundation of this shape consists of. */
export function partsOf(shape: Shape): readonly Part[] {
  const network = shape.existing ? [] : [...vpc, ...subnets(shape), ...nat(shape), ...routes(shape)];
  return [
    ...network,
    ...securityGroups,
    ...(shape.domain === undefined ? [] : [certificate]),
    ...placesOf(shape).flatMap((place) => [loadBalancer(place), ...listeners(shape, place)]),
    cluster,
    namespace,
    ...logs,
    ...repository,
    ...roles,
    ...bucket,
  ];
}

/** Whatever a foundation of any shape may have left, by which one is removed and shrinks. */
export function partsOfAnyShape(logDays: number): readonly Part[] {
  const largest = { cidr: '10.0.0.0/16', zones: 6, nat: 'zone', loadBalancers: MOST_BALANCERS, logDays } as const;
  return [...partsOf({ ...largest, domain: '*' }), formerCertificate];
}
