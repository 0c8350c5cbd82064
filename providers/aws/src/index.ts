import { defineProvider } from '@clusternator/core/provider';
import { slotCapabilities } from './alb/capabilities.ts';
import { buildCapabilities } from './builds/capabilities.ts';
import { buildRateLimits } from './builds/rate-limits.ts';
import { check } from './check.ts';
import { clientSettings, s3Settings } from './client-settings.ts';
import { dnsCapabilities } from './dns/capabilities.ts';
import { machineCapabilities } from './ec2/capabilities.ts';
import { machineRateLimits } from './ec2/rate-limits.ts';
import { environmentCapabilities } from './ecs/capabilities.ts';
import { environmentRateLimits } from './ecs/rate-limits.ts';
import { errorOf } from './errors.ts';
import { isOfSites, ofContainers, type AwsGround } from './ground.ts';
import { openFoundation } from './foundation/open-foundation.ts';
import { foundationRateLimits } from './foundation/rate-limits.ts';
import { permissions } from './permissions.ts';
import { providerConfigSchema } from './provider-config.ts';
import { siteCapabilities } from './site/capabilities.ts';
import { openSiteFoundation } from './site/ground/open-ground.ts';
import { storageCapabilities, storageRateLimits } from './storage/capabilities.ts';

/** AWS: containers on ECS Fargate, commands on EC2, slots on a load balancer, databases on RDS, files on EFS; or sites on S3 behind CloudFront;
 *  names on Route 53, and state on S3. */
const provider = defineProvider<typeof providerConfigSchema, AwsGround>({
  id: 'aws',
  config: providerConfigSchema,
  examples: {
    environments: { region: 'eu-central-1' },
    sites: { region: 'eu-central-1', kind: 'sites' },
    dns: {},
    state: { region: 'eu-central-1', bucket: 'example-clusternator' },
  },
  capabilities: (config) => ({
    ...(config.kind === 'sites'
      ? siteCapabilities
      : {
          ...environmentCapabilities,
          ...machineCapabilities,
          ...slotCapabilities(config),
          ...buildCapabilities,
          ...storageCapabilities(config),
        }),
    ...dnsCapabilities,
  }),
  check,
  // What is in one region knows nothing of another. Sites are in all of them, and stand on nothing that containers do.
  place: ({ region, kind }) => (kind === 'sites' ? 'sites' : region),
  permissions,
  rateLimits: {
    ...foundationRateLimits,
    ...environmentRateLimits,
    ...machineRateLimits,
    ...buildRateLimits,
    ...storageRateLimits,
    route53: {
      perSecond: 5,
      burst: 5,
      source: 'https://docs.aws.amazon.com/Route53/latest/DeveloperGuide/DNSLimitations.html#limits-api-requests',
    },
  },
  errorOf,
  drivers: {
    dns: async ({ config, host }) => {
      const [{ Route53Dns }, { zoneOfLoadBalancer }, { Route53Client }] = await Promise.all([
        import('./dns/route53-dns.ts'),
        import('./dns/load-balancer-zone.ts'),
        import('@aws-sdk/client-route-53'),
      ]);
      // It is one service for the whole world, with its endpoint in us-east-1.
      const client = new Route53Client({ region: 'us-east-1', ...clientSettings(config, host, 'ROUTE_53') });
      host.onClose(() => {
        client.destroy();
      });
      return new Route53Dns(client, host, (name, call) => zoneOfLoadBalancer(name, config, host, call));
    },
    state: async ({ config, host }) => {
      const [{ openS3State }, { S3Client }] = await Promise.all([
        import('./s3-state.ts'),
        import('@aws-sdk/client-s3'),
      ]);
      const client = new S3Client(s3Settings(config, host));
      host.onClose(() => {
        client.destroy();
      });
      return openS3State(client, host, config);
    },
    foundation: (to) => Promise.resolve(to.config.kind === 'sites' ? openSiteFoundation(to) : openFoundation(to)),
    environments: async ({ foundation, ...to }) =>
      isOfSites(foundation)
        ? (await import('./site/open-sites.ts')).openSiteEnvironments({ ...to, foundation })
        : (await import('./environments.ts')).openEitherKind({ ...to, foundation }),
    slots: async ({ foundation, ...to }) =>
      isOfSites(foundation)
        ? (await import('./site/open-sites.ts')).openSiteSlots({ ...to, foundation })
        : (await import('./alb/open-slots.ts')).openSlots({ ...to, foundation }),
    storage: async ({ foundation, ...to }) =>
      (await import('./storage/open-storage.ts')).openStorage({
        ...to,
        foundation: ofContainers(foundation, 'volumes'),
      }),
    images: async ({ foundation, ...to }) =>
      (await import('./images/open-images.ts')).openImages({ ...to, foundation: ofContainers(foundation, 'images') }),
  },
});

// Not in one with the above: TypeScript 6 does not rewrite the imports inside of an `export default` expression.
export default provider;
