import type { RateLimit } from '@clusternator/core/provider';

/**
 * Of an account in a region. EC2 Auto Scaling publishes no number, and asks to back off: requests stay below what EC2, on whose account it
 * starts machines, lets one change (RunInstances: 2 a second, a bucket of 5), and well below what it lets one read.
 */
export const machineRateLimits = {
  autoScalingRead: {
    perSecond: 10,
    burst: 40,
    source: 'https://docs.aws.amazon.com/ec2/latest/devguide/ec2-api-throttling.html',
  },
  autoScalingWrite: {
    perSecond: 2,
    burst: 5,
    source: 'https://docs.aws.amazon.com/ec2/latest/devguide/ec2-api-throttling.html',
  },
  /** AWS names no number: as for what starts tasks. */
  sessions: {
    perSecond: 5,
    burst: 20,
    source: 'https://docs.aws.amazon.com/general/latest/gr/ssm.html',
  },
} as const satisfies Readonly<Record<string, RateLimit>>;
