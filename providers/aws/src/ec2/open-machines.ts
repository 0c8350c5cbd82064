import type { Connection } from '@clusternator/core/provider';
import { clientSettings, s3Settings } from '../client-settings.ts';
import type { BalancedConfig } from '../foundation/config.ts';
import type { AwsFoundation } from '../foundation/outputs.ts';
import { quiet } from '../sources/quiet.ts';
import type { MachineSettings } from './config.ts';
import type { MachineEnvironments } from './machine-environments.ts';

/** Machines on EC2. Loads its SDKs. */
export async function openMachines({
  config,
  host,
  foundation,
}: Connection<BalancedConfig & { readonly machine: MachineSettings }, AwsFoundation>): Promise<MachineEnvironments> {
  // Where the foundation is, whatever AWS_REGION says by now.
  const inItsRegion = { ...config, region: foundation.region };
  const [
    { AutoScalingClient },
    { EC2Client },
    { ElasticLoadBalancingV2Client },
    { S3Client },
    { SecretsManagerClient },
    cloudWatch,
    { SSMClient },
    machines,
  ] = await Promise.all([
    import('@aws-sdk/client-auto-scaling'),
    import('@aws-sdk/client-ec2'),
    import('@aws-sdk/client-elastic-load-balancing-v2'),
    import('@aws-sdk/client-s3'),
    import('@aws-sdk/client-secrets-manager'),
    import('@aws-sdk/client-cloudwatch-logs'),
    import('@aws-sdk/client-ssm'),
    import('./machine-environments.ts'),
  ]);
  const clients = {
    scaling: new AutoScalingClient(clientSettings(inItsRegion, host, 'AUTO_SCALING')),
    ec2: new EC2Client(clientSettings(inItsRegion, host, 'EC2')),
    elb: new ElasticLoadBalancingV2Client(clientSettings(inItsRegion, host, 'ELASTIC_LOAD_BALANCING_V2')),
    s3: new S3Client({ ...s3Settings(inItsRegion, host), logger: quiet(host) }),
    secrets: new SecretsManagerClient(clientSettings(inItsRegion, host, 'SECRETS_MANAGER')),
    logs: new cloudWatch.CloudWatchLogsClient(clientSettings(inItsRegion, host, 'CLOUDWATCH_LOGS')),
    ssm: new SSMClient(clientSettings(inItsRegion, host, 'SSM')),
  };
  host.onClose(() => {
    for (const client of Object.values(clients)) client.destroy();
  });
  return new machines.MachineEnvironments({
    ...clients,
    host,
    foundation,
    machine: config.machine,
    loadBalancers: config.loadBalancers ?? 1,
  });
}
