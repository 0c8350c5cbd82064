import type { FoundationPart } from '@clusternator/core/provider';
import { zonesWithNat, type Shape } from './shape.ts';

/** What a foundation of this shape consists of, by its sizes: without names and ids, so that stages can be compared. */
export function tellParts(shape: Shape): readonly FoundationPart[] {
  const { existing, domain, loadBalancers, logDays } = shape;
  const hasDomain = domain !== undefined;
  return [
    ...(existing ? [{ what: 'network', settings: { vpc: existing.vpc } }] : networkOf(shape)),
    { what: 'security groups', settings: { count: 3 } },
    {
      what: 'load balancer',
      settings: {
        http: hasDomain ? 'redirects' : 'serves',
        https: hasDomain,
        ...(loadBalancers > 1 && { count: loadBalancers }),
      },
    },
    { what: 'certificates', settings: { count: hasDomain ? 1 : 0 } },
    { what: 'ECS cluster', settings: { launches: 'Fargate' } },
    { what: 'Cloud Map namespace', settings: { private: true } },
    { what: 'log group', settings: { days: logDays } },
    { what: 'ECR repository', settings: { tags: 'immutable' } },
    { what: 'roles', settings: { count: 3 } },
    { what: 'bucket', settings: { versions: true, public: false } },
  ];
}

function networkOf(shape: Shape): readonly FoundationPart[] {
  const { cidr, zones } = shape;
  return [
    { what: 'network', settings: { cidr, zones } },
    { what: 'subnets', settings: { public: zones, app: zones, db: zones } },
    { what: 'NAT gateways', settings: { count: zonesWithNat(shape).length } },
    { what: 'S3 endpoint', settings: { count: 1 } },
  ];
}
