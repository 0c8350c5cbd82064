import type { Connection } from '@clusternator/core/provider';
import { clientSettings } from '../client-settings.ts';
import type { BalancedConfig } from '../foundation/config.ts';
import type { AwsFoundation } from '../foundation/outputs.ts';
import type { EcsEnvironments } from './ecs-environments.ts';

/** Containers on ECS Fargate. Loads its SDKs. */
export async function openEnvironments({
  config,
  host,
  foundation,
}: Connection<BalancedConfig, AwsFoundation>): Promise<EcsEnvironments> {
  // Where the foundation is, whatever AWS_REGION says by now.
  const inItsRegion = { ...config, region: foundation.region };
  const [
    { ECSClient },
    { ElasticLoadBalancingV2Client },
    { ServiceDiscoveryClient },
    { SecretsManagerClient },
    cloudWatch,
  ] = await Promise.all([
    import('@aws-sdk/client-ecs'),
    import('@aws-sdk/client-elastic-load-balancing-v2'),
    import('@aws-sdk/client-servicediscovery'),
    import('@aws-sdk/client-secrets-manager'),
    import('@aws-sdk/client-cloudwatch-logs'),
  ]);
  const containers = await import('./ecs-environments.ts');
  const clients = {
    ecs: new ECSClient(clientSettings(inItsRegion, host, 'ECS')),
    elb: new ElasticLoadBalancingV2Client(clientSettings(inItsRegion, host, 'ELASTIC_LOAD_BALANCING_V2')),
    discovery: new ServiceDiscoveryClient(clientSettings(inItsRegion, host, 'SERVICEDISCOVERY')),
    secrets: new SecretsManagerClient(clientSettings(inItsRegion, host, 'SECRETS_MANAGER')),
    logs: new cloudWatch.CloudWatchLogsClient(clientSettings(inItsRegion, host, 'CLOUDWATCH_LOGS')),
  };
  host.onClose(() => {
    for (const client of Object.values(clients)) client.destroy();
  });
  return new containers.EcsEnvironments({ ...clients, host, foundation, loadBalancers: config.loadBalancers ?? 1 });
}
