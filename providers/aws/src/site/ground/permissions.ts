import type { Permission } from '@clusternator/core/provider';
import { ALL, BOTH, buckets, certificates, MAKES, REMOVES, rules, type Rule } from '../../foundation/permissions.ts';

const BUCKET = 'arn:aws:s3:::clusternator-*';

/**
 * What a foundation of sites asks for. Names begin with `clusternator-`; what CloudFront and ACM make has ids alone, but functions.
 * @see https://docs.aws.amazon.com/service-authorization/latest/reference/list_amazoncloudfront.html
 */
export const siteGroundPermissions: readonly Permission[] = [
  ...rules('cloudfront', cloudFront('arn:aws:cloudfront::*:')),
  // CloudFront takes certificates of this region alone.
  ...rules('acm', certificates('arn:aws:acm:us-east-1:*:certificate/*')),
  ...rules('s3', [
    ...buckets(BUCKET),
    ['GetBucketPolicy', [BUCKET], ALL],
    ['PutBucketPolicy', [BUCKET], MAKES],
    ['DeleteBucketPolicy', [BUCKET], REMOVES],
  ]),
];

function cloudFront(any: string): readonly Rule[] {
  const [distribution, store, access] = [
    `${any}distribution/*`,
    `${any}key-value-store/*`,
    `${any}origin-access-control/*`,
  ];
  const router = `${any}function/clusternator-*`;
  return [
    ['ListDistributions ListOriginAccessControls', ['*'], ALL],
    ['ListTagsForResource', [distribution, store, router], ALL],
    ['DescribeKeyValueStore', [store], ALL],
    ['DescribeFunction', [router], ALL],
    // Tags are put as things are made.
    ['TagResource', [distribution, store, router], MAKES],
    ['CreateDistribution', [distribution], MAKES],
    ['CreateKeyValueStore', [store], MAKES],
    ['CreateFunction PublishFunction UpdateFunction', [router], MAKES],
    ['CreateOriginAccessControl', [access], MAKES],
    // It is turned off before it is gone.
    ['GetDistributionConfig UpdateDistribution', [distribution], BOTH],
    ['DeleteDistribution', [distribution], REMOVES],
    ['DeleteKeyValueStore', [store], REMOVES],
    ['DeleteFunction', [router], REMOVES],
    ['GetOriginAccessControl DeleteOriginAccessControl', [access], REMOVES],
  ];
}
