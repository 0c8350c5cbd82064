import type { RateLimit } from '@clusternator/core/provider';

const ECS = 'https://docs.aws.amazon.com/AmazonECS/latest/developerguide/request-throttling.html';

/** Of an account in a region. */
export const environmentRateLimits = {
  ecsRead: { perSecond: 20, burst: 100, source: ECS },
  /** AWS names no number: as for what starts tasks. */
  ecsExec: { perSecond: 5, burst: 20, source: ECS },
  ecsServices: { perSecond: 5, burst: 50, source: ECS },
  ecsTaskDefinitions: { perSecond: 1, burst: 20, source: ECS },
} as const satisfies Readonly<Record<string, RateLimit>>;
