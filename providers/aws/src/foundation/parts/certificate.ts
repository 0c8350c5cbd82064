import {
  DeleteCertificateCommand,
  DescribeCertificateCommand,
  ListTagsForCertificateCommand,
  paginateListCertificates,
  RequestCertificateCommand,
  type CertificateSummary,
} from '@aws-sdk/client-acm';
import type { RecordSet } from '@clusternator/core/provider';
import { certificateToken, tellCertificate } from '../../certificates.ts';
import { unlessAbsent } from '../../storage/aws-error.ts';
import type { Found, Part } from '../part.ts';
import type { Site } from '../site.ts';

const WILDCARD = '*.';

/** For the domain and all names right below it. It is good once the records that it asks for are there. */
export const certificate: Part = {
  name: 'certificate',
  after: [],
  remade: true, // whose records were not there for three days
  // It has to be gone before the last that tells whose it is.
  endsBefore: ['load balancer group'],
  async find(at) {
    const begun = at.begun('certificate');
    if (begun) return read(at, begun.id);
    const { domain } = at.shape;
    const found = (await at.certificates()).find(({ DomainName }) => DomainName === `${WILDCARD}${domain ?? ''}`);
    return found && (await read(at, found.CertificateArn ?? ''));
  },
  async make(at) {
    const domain = at.shape.domain ?? '';
    const command = new RequestCertificateCommand({
      DomainName: `${WILDCARD}${domain}`,
      SubjectAlternativeNames: [domain],
      ValidationMethod: 'DNS',
      IdempotencyToken: certificateToken(at.call.token('certificate')),
      Tags: at.tags('certificate'),
    });
    const { CertificateArn = '' } = await at.ask('acm', ({ acm }, options) => acm.send(command, options));
    return (await read(at, CertificateArn)) ?? { id: CertificateArn, phase: 'creating' };
  },
  remove: (at, { id }) => remove(at, id),
};

/** Of a domain that the foundation had before. */
export const formerCertificate: Part = {
  name: 'former certificate',
  after: [],
  endsBefore: ['load balancer group'],
  async find(at) {
    const wanted = `${WILDCARD}${at.shape.domain ?? ''}`;
    const found = (await at.certificates()).find(({ DomainName }) => DomainName !== wanted);
    return found && { id: found.CertificateArn ?? '', phase: 'active' };
  },
  async make() {
    return Promise.reject(new Error('nobody asks for a former certificate'));
  },
  remove: (at, { id }) => remove(at, id),
};

/** Those of ours. There is no finding them by tags but one by one. */
export async function readCertificates(at: Site): Promise<readonly CertificateSummary[]> {
  const summaries: CertificateSummary[] = [];
  await at.ask('acm', async ({ acm }, { abortSignal }) => {
    for await (const page of paginateListCertificates({ client: acm }, {}, { abortSignal })) {
      summaries.push(...(page.CertificateSummaryList ?? []));
    }
  });
  const wildcards = summaries.filter(({ DomainName }) => DomainName?.startsWith(WILDCARD));
  const tagged = await Promise.all(wildcards.map(async (one) => ((await isOurs(at, one)) ? [one] : [])));
  return tagged.flat();
}

/** To put into the domain's DNS. */
export function recordsOf(found: Found | undefined): readonly RecordSet[] {
  return found?.record ? [found.record] : [];
}

async function isOurs(at: Site, { CertificateArn }: CertificateSummary): Promise<boolean> {
  const command = new ListTagsForCertificateCommand({ CertificateArn });
  const asked = at.ask('acm', ({ acm }, options) => acm.send(command, options));
  return at.isOurs((await unlessAbsent(asked, ['ResourceNotFound']))?.Tags);
}

async function read(at: Site, CertificateArn: string): Promise<Found | undefined> {
  const command = new DescribeCertificateCommand({ CertificateArn });
  const asked = at.ask('acm', ({ acm }, options) => acm.send(command, options));
  const found = (await unlessAbsent(asked, ['ResourceNotFound']))?.Certificate;
  if (!found) return undefined;
  const { arn: id, ...told } = tellCertificate(found);
  return { id, ...told };
}

async function remove(at: Site, CertificateArn: string): Promise<void> {
  await at.ask('acm', ({ acm }, options) => acm.send(new DeleteCertificateCommand({ CertificateArn }), options));
}
