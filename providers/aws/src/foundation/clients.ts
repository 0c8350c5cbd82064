import type { Host } from '@clusternator/core/provider';
import { clientSettings, s3Settings } from '../client-settings.ts';
import type { AwsConfig } from '../config.ts';
import { once } from './once.ts';
import type { GroundName } from './site.ts';

/** It is one service for the whole world.
 *  @see https://docs.aws.amazon.com/general/latest/gr/cf_region.html
 *  @see https://docs.aws.amazon.com/AmazonCloudFront/latest/DeveloperGuide/cnames-and-https-requirements.html (whose certificates are there) */
const REGION_OF_CLOUDFRONT = 'us-east-1';

/** Of each service that a foundation has things of. */
export type Clients = Awaited<ReturnType<typeof openClients>>;

/** Loads their SDKs, which takes a second. */
export async function openClients(config: AwsConfig, host: Host, ground: GroundName = 'base') {
  const [
    { ACMClient },
    { CloudFrontClient },
    { CloudWatchLogsClient },
    { EC2Client },
    { ECRClient },
    { ECSClient },
    { ElasticLoadBalancingV2Client },
    { IAMClient },
    { S3Client },
    { ServiceDiscoveryClient },
    { STSClient },
  ] = await Promise.all([
    import('@aws-sdk/client-acm'),
    import('@aws-sdk/client-cloudfront'),
    import('@aws-sdk/client-cloudwatch-logs'),
    import('@aws-sdk/client-ec2'),
    import('@aws-sdk/client-ecr'),
    import('@aws-sdk/client-ecs'),
    import('@aws-sdk/client-elastic-load-balancing-v2'),
    import('@aws-sdk/client-iam'),
    import('@aws-sdk/client-s3'),
    import('@aws-sdk/client-servicediscovery'),
    import('@aws-sdk/client-sts'),
  ]);
  const clients = {
    // CloudFront takes certificates of its own region alone.
    acm: new ACMClient({
      ...clientSettings(config, host, 'ACM'),
      ...(ground === 'sites' && { region: REGION_OF_CLOUDFRONT }),
    }),
    cloudFront: new CloudFrontClient({ ...clientSettings(config, host, 'CLOUDFRONT'), region: REGION_OF_CLOUDFRONT }),
    logs: new CloudWatchLogsClient(clientSettings(config, host, 'CLOUDWATCH_LOGS')),
    ec2: new EC2Client(clientSettings(config, host, 'EC2')),
    ecr: new ECRClient(clientSettings(config, host, 'ECR')),
    ecs: new ECSClient(clientSettings(config, host, 'ECS')),
    elb: new ElasticLoadBalancingV2Client(clientSettings(config, host, 'ELASTIC_LOAD_BALANCING_V2')),
    iam: new IAMClient(clientSettings(config, host, 'IAM')),
    s3: new S3Client(s3Settings(config, host)),
    discovery: new ServiceDiscoveryClient(clientSettings(config, host, 'SERVICEDISCOVERY')),
    sts: new STSClient(clientSettings(config, host, 'STS')),
  };
  host.onClose(() => {
    for (const client of Object.values(clients)) client.destroy();
  });
  /** Few foundations have something there. */
  const codeBuild = once(async () => {
    const { CodeBuildClient } = await import('@aws-sdk/client-codebuild');
    const client = new CodeBuildClient(clientSettings(config, host, 'CODEBUILD'));
    host.onClose(() => {
      client.destroy();
    });
    return client;
  });
  return { ...clients, codeBuild };
}
