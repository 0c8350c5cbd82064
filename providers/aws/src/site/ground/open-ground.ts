import type { Connection, FoundationDriver, FoundationPart } from '@clusternator/core/provider';
import type { FoundationConfig } from '../../foundation/config.ts';
import { once } from '../../foundation/once.ts';
import { siteOutputsSchema, type SiteFoundation } from './outputs.ts';

/** The same of every stage. */
const TOLD: readonly FoundationPart[] = [
  { what: 'bucket', settings: { versions: true, public: false } },
  { what: 'CloudFront distribution', settings: { https: true } },
  { what: 'CloudFront function', settings: { count: 1 } },
  { what: 'CloudFront key value store', settings: { count: 1 } },
  { what: 'certificates', settings: { count: 1 } },
];

/** The foundation of sites. The SDKs are loaded by the first verb. */
export function openSiteFoundation({ config, host }: Connection<FoundationConfig, undefined>) {
  const verbs = once(async () => {
    const [{ AwsFoundations }, { sites }, { openClients }] = await Promise.all([
      import('../../foundation/aws-foundations.ts'),
      import('./sites.ts'),
      import('../../foundation/clients.ts'),
    ]);
    return new AwsFoundations(sites, await openClients(config, host, 'sites'), host, config);
  });
  return {
    outputs: siteOutputsSchema,
    parts: () => TOLD,
    ensure: async (spec, call) => (await verbs()).ensure(spec, call),
    read: async (ref, call) => (await verbs()).read(ref, call),
    async *list(call) {
      yield* (await verbs()).list(call);
    },
    destroy: async (ref, call) => (await verbs()).destroy(ref, call),
    plan: async (spec, call) => (await verbs()).plan(spec, call),
  } satisfies FoundationDriver<SiteFoundation>;
}
