import type { CloudWatchLogsClient } from '@aws-sdk/client-cloudwatch-logs';
import type { ECSClient } from '@aws-sdk/client-ecs';
import type { ElasticLoadBalancingV2Client } from '@aws-sdk/client-elastic-load-balancing-v2';
import type { SecretsManagerClient } from '@aws-sdk/client-secrets-manager';
import type { ServiceDiscoveryClient } from '@aws-sdk/client-servicediscovery';
import type { Host } from '@clusternator/core/provider';
import type { AwsFoundation } from '../foundation/outputs.ts';

/** What environments are made with. */
export interface EcsParts {
  readonly ecs: ECSClient;
  readonly elb: ElasticLoadBalancingV2Client;
  readonly discovery: ServiceDiscoveryClient;
  readonly secrets: SecretsManagerClient;
  readonly logs: CloudWatchLogsClient;
  readonly host: Host;
  readonly foundation: AwsFoundation;
  /** As many as the config knows of. */
  readonly loadBalancers: number;
}
