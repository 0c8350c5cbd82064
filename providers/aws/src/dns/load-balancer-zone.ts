import { ProviderError, type Call, type Host } from '@clusternator/core/provider';
import { clientSettings } from '../client-settings.ts';
import type { AwsConfig } from '../config.ts';

/** `shop-1234.eu-central-1.elb.amazonaws.com`. */
const NAME = /\.([a-z0-9-]+)\.elb\.amazonaws\.com(?:\.cn)?$/;

export function isLoadBalancer(name: string): boolean {
  return NAME.test(name);
}

/**
 * The zone that AWS has the names of a region's load balancers in, which an alias to one of them has to name.
 * @throws ProviderError `unsupported`: the account has no such load balancer.
 */
export async function zoneOfLoadBalancer(name: string, config: AwsConfig, host: Host, call: Call): Promise<string> {
  const { ElasticLoadBalancingV2Client, paginateDescribeLoadBalancers } =
    await import('@aws-sdk/client-elastic-load-balancing-v2');
  const [, region = ''] = NAME.exec(name) ?? [];
  const client = new ElasticLoadBalancingV2Client(
    clientSettings({ ...config, region }, host, 'ELASTIC_LOAD_BALANCING_V2'),
  );
  try {
    await host.pace('elbRead', call);
    for await (const page of paginateDescribeLoadBalancers({ client }, {}, { abortSignal: call.signal })) {
      const found = page.LoadBalancers?.find(({ DNSName }) => DNSName?.toLowerCase() === name.toLowerCase());
      if (found?.CanonicalHostedZoneId !== undefined) return found.CanonicalHostedZoneId;
    }
  } finally {
    client.destroy();
  }
  throw new ProviderError('unsupported', `the account has no load balancer ${name} for an alias to lead to`, {
    hint: 'make the alias by hand, or give the slot a name below the top of the zone',
  });
}
