import type { CloudFrontKeyValueStoreClient } from '@aws-sdk/client-cloudfront-keyvaluestore';
import type { S3Client } from '@aws-sdk/client-s3';
import type { Host } from '@clusternator/core/provider';
import { clientSettings, s3Settings } from '../client-settings.ts';
import type { AwsConfig } from '../config.ts';
import { SiteBucket } from './site-bucket.ts';
import { SiteStore } from './site-store.ts';
import type { SiteFoundation } from './ground/outputs.ts';

/** Loads the SDK. The second import teaches it signatures that hold in any region, which CloudFront asks for.
 *  @see https://docs.aws.amazon.com/AmazonCloudFront/latest/DeveloperGuide/cloudfront-function-restrictions.html */
export async function openStore(config: AwsConfig, host: Host, arn: string): Promise<SiteStore> {
  const [{ CloudFrontKeyValueStoreClient: Client }] = await Promise.all([
    import('@aws-sdk/client-cloudfront-keyvaluestore'),
    import('@aws-sdk/signature-v4a'),
  ]);
  const { endpoint, ...settings } = clientSettings(config, host, 'CLOUDFRONT_KEYVALUESTORE');
  const inItsRegion = { ...settings, region: 'us-east-1' };
  // The SDK puts the account before the endpoint's host, which may be an address.
  const told = endpoint === undefined ? undefined : { url: new URL(endpoint) };
  const client: CloudFrontKeyValueStoreClient = new Client({
    ...inItsRegion,
    ...(told && { endpointProvider: () => told }),
  });
  host.onClose(() => {
    client.destroy();
  });
  return new SiteStore(client, host, arn);
}

/** Loads the SDK. */
export async function openBucket(
  config: AwsConfig,
  host: Host,
  { region, bucket }: SiteFoundation,
): Promise<SiteBucket> {
  const { S3Client: Client } = await import('@aws-sdk/client-s3');
  // Where the foundation is, whatever AWS_REGION says by now.
  const client: S3Client = new Client(s3Settings({ ...config, region }, host));
  host.onClose(() => {
    client.destroy();
  });
  return new SiteBucket(client, bucket);
}
