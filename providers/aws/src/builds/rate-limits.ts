import type { RateLimit } from '@clusternator/core/provider';

/**
 * Of an account in a region. CodeBuild limits how many builds run, and publishes no number of requests: this is what a few builds side by
 * side ask at most.
 */
export const buildRateLimits = {
  codeBuild: {
    perSecond: 5,
    burst: 10,
    source: 'https://docs.aws.amazon.com/codebuild/latest/userguide/limits.html',
  },
  logEvents: {
    perSecond: 10,
    burst: 10,
    source: 'https://docs.aws.amazon.com/AmazonCloudWatch/latest/logs/cloudwatch_limits_cwl.html',
  },
} as const satisfies Readonly<Record<string, RateLimit>>;
