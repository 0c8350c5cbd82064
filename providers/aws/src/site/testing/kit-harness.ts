import { readFileSync } from 'node:fs';
import { S3Client } from '@aws-sdk/client-s3';
import type { Account, Harness } from '@clusternator/conformance';
import { systemClock } from '@clusternator/core';
import { pollUntilSettled, tagsFor, withCall } from '@clusternator/core/kit';
import { defineProvider, type Call, type Host } from '@clusternator/core/provider';
import { startDataPlane } from '@clusternator/emulators/data-plane';
import { startEmulator } from '@clusternator/emulators/emulator';
import { tagNewBuckets } from '@clusternator/emulators/tagged-buckets';
import { configSchema } from '../../config.ts';
import { errorOf } from '../../errors.ts';
import { foundationConfigSchema } from '../../foundation/config.ts';
import { isMutating, REGION } from '../../foundation/testing/foundation-scene.ts';
import { givenEnvironment, givenFoundation } from '../../foundation/testing/given-foundation.ts';
import { hostOf } from '../../foundation/testing/kit-harness.ts';
import { awsRefusals } from '../../testing/kit-refusals.ts';
import { siteCapabilities } from '../capabilities.ts';
import { openStore } from '../clients.ts';
import { openSiteFoundation } from '../ground/open-ground.ts';
import { siteOutputsSchema, type SiteFoundation } from '../ground/outputs.ts';
import { openSiteEnvironments, openSiteSlots } from '../open-sites.ts';
import { EMULATOR } from './ground-scene.ts';
import { SiteThings } from './site-things.ts';

const DOMAIN = 'preview.example.com';
const KEYS = { accessKeyId: 'kit', secretAccessKey: 'kit' };
const OWNER = { project: 'ground', stage: 'main' };

/** Environments and slots of sites, on a foundation that is there. */
const provider = defineProvider<typeof configSchema, SiteFoundation>({
  id: 'aws',
  config: configSchema,
  examples: { sites: { region: REGION } },
  capabilities: () => siteCapabilities,
  permissions: () => [],
  errorOf,
  drivers: {
    environments: openSiteEnvironments,
    slots: openSiteSlots,
    foundation: ({ host }) => givenFoundation(host, siteOutputsSchema),
  },
});

/** Sites behind a CloudFront that answers. */
const harness: Harness = {
  module: import.meta.url,
  provider,
  parts: 'sites',
  refusals: awsRefusals,
  floors: {
    'environments.ensure': 3,
    'environments.destroy': 3,
    'slots.ensure': 1,
    'slots.route': 1,
    'slots.destroy': 1,
  },
  async open(tools): Promise<Account> {
    const { url, end } = await startEmulator(EMULATOR, 'all');
    const plane = await startDataPlane({ emulator: url });
    const tagged = await tagNewBuckets(url);
    const { host, close } = hostOf(OWNER, { AWS_ENDPOINT_URL: url, AWS_ENDPOINT_URL_S3: tagged.url });
    const foundation = await makeFoundation(host);
    await plane.refresh();
    const edge = await plane.addressOf(foundation.distribution.dnsName, 443);
    const { hostname, port } = new URL(`https://${edge ?? ''}`);
    const ca = readFileSync(plane.caFile, 'utf8');
    const things = new SiteThings();
    const front = await tools.proxy(
      { url },
      {
        isMutating(call) {
          things.note(call);
          return isMutating(call);
        },
      },
    );
    const s3 = new S3Client({ endpoint: url, region: REGION, credentials: KEYS, forcePathStyle: true });
    const store = await openStore(configSchema.parse({}), host, foundation.keyValueStore);
    return {
      config: { region: REGION },
      env: givenEnvironment(front, REGION, KEYS, foundation),
      domain: DOMAIN,
      dial: () => ({ host: hostname, port: Number(port), ca }),
      inventory: async () => things.all(s3, foundation.bucket, await callOf((call) => store.all(call))),
      async end() {
        s3.destroy();
        await close();
        await tagged.end();
        await plane.end();
        await end();
      },
    };
  },
};
export default harness;

async function makeFoundation(host: Host): Promise<SiteFoundation> {
  const config = foundationConfigSchema.parse({ region: REGION, kind: 'sites' });
  const driver = openSiteFoundation({ config, host, foundation: undefined });
  const tags = tagsFor(OWNER, { type: 'foundation', id: 'main', fingerprint: 'f' });
  const spec = { id: 'main', fingerprint: 'f', tags, domain: DOMAIN };
  const made = await callOf((call) =>
    pollUntilSettled(() => driver.ensure(spec, call), { clock: systemClock, call, doing: 'make the foundation' }),
  );
  if (!made.outputs) throw new Error(`the foundation is not whole: ${made.message ?? ''}`);
  return made.outputs;
}

function callOf<T>(work: (call: Call) => Promise<T>): Promise<T> {
  const { signal } = new AbortController();
  const parts = { clock: systemClock, signal, operation: 'op', doing: 'look', deadlineSeconds: 60, errorOf };
  return withCall(parts, work);
}
