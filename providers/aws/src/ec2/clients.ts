import type { AutoScalingClient } from '@aws-sdk/client-auto-scaling';
import type { CloudWatchLogsClient } from '@aws-sdk/client-cloudwatch-logs';
import type { EC2Client } from '@aws-sdk/client-ec2';
import type { ElasticLoadBalancingV2Client } from '@aws-sdk/client-elastic-load-balancing-v2';
import type { S3Client } from '@aws-sdk/client-s3';
import type { SecretsManagerClient } from '@aws-sdk/client-secrets-manager';
import type { SSMClient } from '@aws-sdk/client-ssm';
import type { Host } from '@clusternator/core/provider';
import type { AwsFoundation } from '../foundation/outputs.ts';
import type { MachineSettings } from './config.ts';

/** What environments on machines are made with. */
export interface MachineParts {
  readonly scaling: AutoScalingClient;
  readonly ec2: EC2Client;
  readonly elb: ElasticLoadBalancingV2Client;
  readonly s3: S3Client;
  readonly secrets: SecretsManagerClient;
  readonly logs: CloudWatchLogsClient;
  readonly ssm: SSMClient;
  readonly host: Host;
  readonly foundation: AwsFoundation;
  /** As many as the config knows of. */
  readonly loadBalancers: number;
  readonly machine: MachineSettings;
}
