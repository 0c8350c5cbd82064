import type {
  DefaultCacheBehavior,
  DistributionConfig,
  DistributionSummary,
  EventType,
  Origin,
} from '@aws-sdk/client-cloudfront';
import type { Site } from '../../foundation/site.ts';
import { PUBLISHED } from './function.ts';
import { ORIGIN_ACCESS } from './origin-access.ts';

const ORIGIN = 'sites';
/** Each file has a path of its own in the bucket, which never has another content: CloudFront keeps it for a day, browsers ask each time.
 *  @see https://docs.aws.amazon.com/AmazonCloudFront/latest/DeveloperGuide/using-managed-cache-policies.html (CachingOptimized) */
const CACHE_POLICY = '658327ea-f89d-4fab-a63d-7e88639e58f6';
const WILDCARD = '*.';
/** Before it is looked for in the cache, and before the answer leaves. */
const EVENTS: readonly EventType[] = ['viewer-request', 'viewer-response'];

/** All that we say of a distribution. */
export async function configOf(at: Site, CallerReference: string | undefined): Promise<DistributionConfig> {
  return {
    CallerReference,
    Comment: at.of,
    Enabled: true,
    HttpVersion: 'http2and3',
    IsIPV6Enabled: true,
    Aliases: { Quantity: 1, Items: [wildcardOf(at)] },
    Origins: { Quantity: 1, Items: [await originOf(at)] },
    DefaultCacheBehavior: await behaviorOf(at),
    ViewerCertificate: {
      ACMCertificateArn: await at.idOf('certificate'),
      SSLSupportMethod: 'sni-only',
      MinimumProtocolVersion: 'TLSv1.2_2021',
    },
  };
}

/** Ours laid over what is there: what somebody else set besides stays, such as a firewall, logs or names of their own. */
export function overlaid(is: DistributionConfig, wanted: DistributionConfig): DistributionConfig {
  const others = is.Aliases?.Items?.filter((name) => !name.startsWith(WILDCARD)) ?? [];
  const names = [...(wanted.Aliases?.Items ?? []), ...others];
  const origins = is.Origins?.Items?.filter(({ Id }) => Id !== ORIGIN) ?? [];
  const all = [...(wanted.Origins?.Items ?? []), ...origins];
  const { HttpVersion, IsIPV6Enabled } = { ...wanted, ...is };
  return {
    ...is,
    ...wanted,
    HttpVersion,
    IsIPV6Enabled,
    Aliases: { Quantity: names.length, Items: names },
    Origins: { Quantity: all.length, Items: all },
    DefaultCacheBehavior: { ...is.DefaultCacheBehavior, ...wanted.DefaultCacheBehavior } as DefaultCacheBehavior, // both are whole
  };
}

/** Of what matters for the right answers. Undefined parts are not there yet. */
export async function isAsWanted(at: Site, is: DistributionSummary): Promise<boolean> {
  const [certificate, access, router, bucket] = await Promise.all(
    ['certificate', ORIGIN_ACCESS, PUBLISHED, 'bucket'].map((name) => at.find(name)),
  );
  if (!certificate || !access || !router || !bucket) return false;
  const origin = is.Origins?.Items?.find(({ Id }) => Id === ORIGIN);
  const behavior = is.DefaultCacheBehavior;
  return (
    is.Enabled === true &&
    is.Aliases?.Items?.includes(wildcardOf(at)) === true &&
    is.ViewerCertificate?.ACMCertificateArn === certificate.id &&
    origin?.OriginAccessControlId === access.id &&
    origin.DomainName === (await originOf(at)).DomainName &&
    behavior?.CachePolicyId === CACHE_POLICY &&
    behavior.TargetOriginId === ORIGIN &&
    EVENTS.every((event) =>
      behavior.FunctionAssociations?.Items?.some(
        ({ EventType, FunctionARN }) => EventType === event && FunctionARN === router.id,
      ),
    )
  );
}

/** Where its files are. Undefined: somebody else gave it another origin. */
export function regionOf({ Origins }: DistributionSummary): string | undefined {
  const origin = Origins?.Items?.find(({ Id }) => Id === ORIGIN);
  return /\.s3\.([a-z0-9-]+)\.amazonaws\.com$/.exec(origin?.DomainName ?? '')?.[1];
}

function wildcardOf({ shape: { domain = '' } }: Site): string {
  return `${WILDCARD}${domain}`;
}

async function originOf(at: Site): Promise<Origin> {
  return {
    Id: ORIGIN,
    DomainName: `${await at.idOf('bucket')}.s3.${await at.region()}.amazonaws.com`,
    // Of an origin with access control the older way is left empty.
    S3OriginConfig: { OriginAccessIdentity: '' },
    OriginAccessControlId: await at.idOf(ORIGIN_ACCESS),
  };
}

async function behaviorOf(at: Site): Promise<DefaultCacheBehavior> {
  const FunctionARN = await at.idOf(PUBLISHED);
  return {
    TargetOriginId: ORIGIN,
    ViewerProtocolPolicy: 'redirect-to-https',
    AllowedMethods: {
      Quantity: 3,
      Items: ['GET', 'HEAD', 'OPTIONS'],
      CachedMethods: { Quantity: 2, Items: ['GET', 'HEAD'] },
    },
    Compress: true,
    CachePolicyId: CACHE_POLICY,
    FunctionAssociations: { Quantity: EVENTS.length, Items: EVENTS.map((EventType) => ({ EventType, FunctionARN })) },
  };
}
