import type { RateLimit } from '../../provider/provider.ts';

/** What the tests of pacing keep to, in all their processes. */
export const TEST_LIMITS = {
  writes: { perSecond: 50, burst: 5, source: 'https://example.com/limits' },
} as const satisfies Record<string, RateLimit>;
