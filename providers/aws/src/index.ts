import { defineProvider, no, yes, type Capabilities } from '@clusternator/core/provider';
import { clientSettings } from './client-settings.ts';
import { configSchema } from './config.ts';
import { errorOf } from './errors.ts';
import { permissions } from './permissions.ts';

const ENVIRONMENTS = 'this provider keeps DNS and state; it runs no environments';

const capabilities: Capabilities = {
  'environments.images': no(ENVIRONMENTS),
  'environments.processes': no(ENVIRONMENTS),
  'environments.sites': no(ENVIRONMENTS),
  'dns.atomic': yes({ limit: 500, note: 'a batch has 1,000 records and 32,000 characters of values' }),
  'dns.compareAndSet': yes(),
  'dns.alias': yes({ note: 'to a name of the same zone' }),
};

/** AWS: the project's names on Route 53, and its state on S3, for projects whose environments run elsewhere. */
const provider = defineProvider({
  id: 'aws',
  config: configSchema,
  examples: { dns: {}, state: { region: 'eu-central-1', bucket: 'example-clusternator' } },
  capabilities: () => capabilities,
  permissions,
  rateLimits: {
    route53: {
      perSecond: 5,
      burst: 5,
      source: 'https://docs.aws.amazon.com/Route53/latest/DeveloperGuide/DNSLimitations.html#limits-api-requests',
    },
  },
  errorOf,
  drivers: {
    dns: async ({ config, host }) => {
      const [{ Route53Dns }, { Route53Client }] = await Promise.all([
        import('./dns/route53-dns.ts'),
        import('@aws-sdk/client-route-53'),
      ]);
      // It is one service for the whole world, with its endpoint in us-east-1.
      const client = new Route53Client({ region: 'us-east-1', ...clientSettings(config, host, 'ROUTE_53') });
      host.onClose(() => {
        client.destroy();
      });
      return new Route53Dns(client, host);
    },
    state: async ({ config, host }) => {
      const [{ openS3State }, { S3Client }] = await Promise.all([
        import('./s3-state.ts'),
        import('@aws-sdk/client-s3'),
      ]);
      const settings = clientSettings(config, host, 'S3');
      // A bucket's name is no part of the host where that is told.
      const client = new S3Client({ ...settings, forcePathStyle: settings.endpoint !== undefined });
      host.onClose(() => {
        client.destroy();
      });
      return openS3State(client, host, config);
    },
  },
});

// Not in one with the above: TypeScript 6 does not rewrite the imports inside of an `export default` expression.
export default provider;
