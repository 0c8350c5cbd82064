import type { Connection, SlotDriver } from '@clusternator/core/provider';
import { clientSettings } from '../client-settings.ts';
import type { AwsConfig } from '../config.ts';
import type { AwsFoundation } from '../foundation/outputs.ts';

/** Rules of the load balancer. Loads its SDK. */
export async function openSlots({
  config,
  host,
  foundation,
}: Connection<AwsConfig, AwsFoundation>): Promise<SlotDriver> {
  // Where the foundation is, whatever AWS_REGION says by now.
  const inItsRegion = { ...config, region: foundation.region };
  const [{ ElasticLoadBalancingV2Client }, { AlbSlots }] = await Promise.all([
    import('@aws-sdk/client-elastic-load-balancing-v2'),
    import('./alb-slots.ts'),
  ]);
  const elb = new ElasticLoadBalancingV2Client(clientSettings(inItsRegion, host, 'ELASTIC_LOAD_BALANCING_V2'));
  host.onClose(() => {
    elb.destroy();
  });
  return new AlbSlots(elb, host, foundation);
}
