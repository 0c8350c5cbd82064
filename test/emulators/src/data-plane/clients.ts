import '@aws-sdk/signature-v4a';
import { CloudFrontClient } from '@aws-sdk/client-cloudfront';
import { CloudFrontKeyValueStoreClient } from '@aws-sdk/client-cloudfront-keyvaluestore';
import { AutoScalingClient } from '@aws-sdk/client-auto-scaling';
import { CloudWatchLogsClient } from '@aws-sdk/client-cloudwatch-logs';
import { EC2Client } from '@aws-sdk/client-ec2';
import { ECSClient } from '@aws-sdk/client-ecs';
import { IAMClient } from '@aws-sdk/client-iam';
import { ElasticLoadBalancingV2Client } from '@aws-sdk/client-elastic-load-balancing-v2';
import { S3Client } from '@aws-sdk/client-s3';
import { Route53Client } from '@aws-sdk/client-route-53';
import { SecretsManagerClient } from '@aws-sdk/client-secrets-manager';
import { ServiceDiscoveryClient } from '@aws-sdk/client-servicediscovery';
import { SSMClient } from '@aws-sdk/client-ssm';

import type { UserKeys } from '../iam.ts';

/** The public interface of an account. */
export interface Clients {
  readonly balancing: ElasticLoadBalancingV2Client;
  readonly cloudFront: CloudFrontClient;
  readonly discovery: ServiceDiscoveryClient;
  readonly ec2: EC2Client;
  readonly ecs: ECSClient;
  readonly iam: IAMClient;
  readonly logs: CloudWatchLogsClient;
  readonly parameters: SSMClient;
  readonly route53: Route53Client;
  readonly s3: S3Client;
  readonly scaling: AutoScalingClient;
  readonly secrets: SecretsManagerClient;
  /** What is in key value stores. */
  readonly stores: CloudFrontKeyValueStoreClient;
}

/** The emulators take any, unless they are told to look. */
const KEYS = { accessKeyId: 'data-plane', secretAccessKey: 'data-plane' };

export function clientsAt(endpoint: string, region: string, credentials: UserKeys = KEYS): Clients {
  const at = { endpoint, region, credentials };
  return {
    balancing: new ElasticLoadBalancingV2Client(at),
    cloudFront: new CloudFrontClient(at),
    discovery: new ServiceDiscoveryClient(at),
    ec2: new EC2Client(at),
    ecs: new ECSClient(at),
    iam: new IAMClient(at),
    logs: new CloudWatchLogsClient(at),
    parameters: new SSMClient(at),
    route53: new Route53Client(at),
    s3: new S3Client({ ...at, forcePathStyle: true }),
    scaling: new AutoScalingClient(at),
    secrets: new SecretsManagerClient(at),
    // The account would be put before an address.
    stores: new CloudFrontKeyValueStoreClient({
      region,
      credentials: at.credentials,
      endpointProvider: () => ({ url: new URL(endpoint) }),
    }),
  };
}

export function closeAll(clients: Clients): void {
  for (const client of Object.values<{ destroy(): void }>({ ...clients })) client.destroy();
}
