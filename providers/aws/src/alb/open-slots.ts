import type { Connection, SlotDriver } from '@clusternator/core/provider';
import { clientSettings } from '../client-settings.ts';
import type { AwsConfig } from '../config.ts';
import { once } from '../foundation/once.ts';
import type { AwsFoundation } from '../foundation/outputs.ts';

/** Rules of the load balancer. Loads its SDK. */
export async function openSlots({
  config,
  host,
  foundation,
}: Connection<AwsConfig, AwsFoundation>): Promise<SlotDriver> {
  // Where the foundation is, whatever AWS_REGION says by now.
  const inItsRegion = { ...config, region: foundation.region };
  const [{ ElasticLoadBalancingV2Client }, { AlbSlots }, { CertifiedSlots }, { HostCertificates }] = await Promise.all([
    import('@aws-sdk/client-elastic-load-balancing-v2'),
    import('./alb-slots.ts'),
    import('./certified-slots.ts'),
    import('./host-certificates.ts'),
  ]);
  const elb = new ElasticLoadBalancingV2Client(clientSettings(inItsRegion, host, 'ELASTIC_LOAD_BALANCING_V2'));
  host.onClose(() => {
    elb.destroy();
  });
  /** Few slots have a name that needs it. */
  const acm = once(async () => {
    const { ACMClient } = await import('@aws-sdk/client-acm');
    const client = new ACMClient(clientSettings(inItsRegion, host, 'ACM'));
    host.onClose(() => {
      client.destroy();
    });
    return client;
  });
  return new CertifiedSlots(new AlbSlots(elb, host, foundation), new HostCertificates(elb, acm, host, foundation));
}
