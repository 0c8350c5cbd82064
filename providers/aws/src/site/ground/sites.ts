import { ProviderError } from '@clusternator/core/provider';
import type { Kind } from '../../foundation/kind.ts';
import type { Part } from '../../foundation/part.ts';
import { bucket } from '../../foundation/parts/bucket.ts';
import { certificate, formerCertificate, recordsOf } from '../../foundation/parts/certificate.ts';
import type { Site } from '../../foundation/site.ts';
import { bucketPolicy } from './bucket-policy.ts';
import { distribution, DISTRIBUTION, fingerprint, nameRecords } from './distribution.ts';
import { router } from './function.ts';
import { keyValueStore, storeOf } from './key-value-store.ts';
import { originAccess } from './origin-access.ts';
import type { SiteFoundation } from './outputs.ts';

const parts: readonly Part[] = [
  ...bucket,
  keyValueStore,
  ...router,
  originAccess,
  certificate,
  distribution,
  bucketPolicy,
];

/** A bucket with files, a distribution that serves them, and what tells it whose. There is no network in it. */
export const sites: Kind<SiteFoundation> = {
  ground: 'sites',
  partsOf: () => parts,
  partsOfAnyShape: () => [...parts, formerCertificate],
  added: [],
  fingerprint,
  check: (at) => (at.shape.domain === undefined ? Promise.reject(noDomain()) : Promise.resolve()),
  refuse: () => Promise.resolve(),
  ahead: () => Promise.resolve(),
  recordsOf: async (at) => [
    ...recordsOf(await at.find('certificate')),
    ...nameRecords(at, await at.find(DISTRIBUTION)),
  ],
  outputsOf,
};

async function outputsOf(at: Site): Promise<SiteFoundation> {
  const found = await at.find(DISTRIBUTION);
  return {
    region: await at.region(),
    account: (await at.account()).id,
    domain: at.shape.domain ?? '',
    bucket: await at.idOf('bucket'),
    keyValueStore: await storeOf(at),
    distribution: { id: found?.id ?? '', dnsName: found?.details?.dnsName ?? '' },
  };
}

function noDomain(): ProviderError {
  return new ProviderError(
    'invalid',
    'sites on AWS need a domain: CloudFront answers for names that it has a certificate of',
    {
      path: 'domain',
      hint: 'write domain: preview.shop.example, a name in a zone of the DNS provider; or serve the files from a container, with kind: containers',
    },
  );
}
