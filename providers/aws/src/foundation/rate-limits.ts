import type { RateLimit } from '@clusternator/core/provider';
import { loadBalancerRateLimits } from '../alb/rate-limits.ts';

/** Of those services of which a foundation asks much. EC2 counts each action by itself: all of them together stay within what one may. */
export const foundationRateLimits = {
  ...loadBalancerRateLimits,
  ec2: {
    perSecond: 5,
    burst: 50,
    source: 'https://docs.aws.amazon.com/ec2/latest/devguide/ec2-api-throttling.html',
  },
  acm: {
    perSecond: 5,
    burst: 5,
    source: 'https://docs.aws.amazon.com/acm/latest/userguide/acm-limits.html#api-rate-limits',
  },
} satisfies Readonly<Record<string, RateLimit>>;
