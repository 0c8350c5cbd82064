import type { RateLimit } from '@clusternator/core/provider';

/** Of an account in a region. Requests that change load balancers have no published limit that they reach here: they are not paced. */
export const loadBalancerRateLimits = {
  elbRead: {
    perSecond: 10,
    burst: 40,
    source: 'https://docs.aws.amazon.com/elasticloadbalancing/latest/userguide/elb-api-throttling.html',
  },
} as const satisfies Readonly<Record<string, RateLimit>>;
