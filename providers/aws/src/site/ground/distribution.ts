import {
  CreateDistributionWithTagsCommand,
  DeleteDistributionCommand,
  GetDistributionConfigCommand,
  paginateListDistributions,
  TagResourceCommand,
  UpdateDistributionCommand,
  type DistributionConfig,
  type DistributionSummary,
} from '@aws-sdk/client-cloudfront';
import type { RecordSet } from '@clusternator/core/provider';
import type { Found, Part } from '../../foundation/part.ts';
import type { Site } from '../../foundation/site.ts';
import { mustBe } from '../../place.ts';
import { configOf, isAsWanted, overlaid, regionOf } from './distribution-config.ts';
import { FUNCTION, PUBLISHED } from './function.ts';
import { ORIGIN_ACCESS } from './origin-access.ts';
import { ownTagged } from './tagged.ts';

export const DISTRIBUTION = 'distribution';
const RECORD_TTL_SECONDS = 300;

/** Serves the files of all environments at all names right below the domain. It has the fingerprint of what the foundation was made from. */
export const distribution: Part = {
  name: DISTRIBUTION,
  after: ['bucket', 'certificate', 'former certificate', ORIGIN_ACCESS, FUNCTION, PUBLISHED],
  lingers: true,
  async find(at) {
    const found = await summaryOf(at);
    if (!found) return undefined;
    const identity = await ownTagged(at, `the distribution ${found.Id ?? ''}`, found.ARN ?? '');
    at.lead(identity);
    // A stage has one for all regions: from another it would be led to another bucket, or removed without its own.
    mustBe('region', regionOf(found), await at.region());
    return show(found, { differs: !(await isAsWanted(at, found)), fingerprint: identity.fingerprint });
  },
  async make(at, found) {
    if (found) return change(at, found, async (config) => overlaid(config, await configOf(at, config.CallerReference)));
    const command = new CreateDistributionWithTagsCommand({
      DistributionConfigWithTags: {
        DistributionConfig: await configOf(at, at.call.token('distribution')),
        Tags: { Items: at.tags(DISTRIBUTION) },
      },
    });
    const { Distribution } = await at.send(({ cloudFront }, options) => cloudFront.send(command, options));
    return show({ ...Distribution, Enabled: true }, {});
  },
  /** It has to be off, everywhere, before it can be gone. */
  async remove(at, found) {
    if (found.details?.isOff === undefined) {
      await change(at, found, (config) => Promise.resolve({ ...config, Enabled: false }));
      return;
    }
    const { ETag } = await read(at, found.id);
    const command = new DeleteDistributionCommand({ Id: found.id, IfMatch: ETag });
    await at.send(({ cloudFront }, options) => cloudFront.send(command, options));
  },
};

/** Written once all else is as asked for. */
export const fingerprint: Part = {
  name: 'fingerprint',
  after: [DISTRIBUTION],
  within: DISTRIBUTION,
  async find(at) {
    const found = await at.find(DISTRIBUTION);
    // One that was just made has it already.
    const is = found?.details?.fingerprint;
    return found && { id: found.id, phase: 'active', differs: is !== undefined && is !== at.fingerprint };
  },
  async make(at) {
    const found = await at.find(DISTRIBUTION);
    const command = new TagResourceCommand({ Resource: found?.details?.arn, Tags: { Items: at.tags(DISTRIBUTION) } });
    await at.send(({ cloudFront }, options) => cloudFront.send(command, options));
    return { id: await at.idOf(DISTRIBUTION), phase: 'active' };
  },
};

/** All names right below the domain lead there. */
export function nameRecords({ shape: { domain } }: Site, found: Found | undefined): readonly RecordSet[] {
  const dnsName = found?.details?.dnsName ?? '';
  if (domain === undefined || dnsName === '') return [];
  return [{ name: `*.${domain}`, type: 'CNAME', ttlSeconds: RECORD_TTL_SECONDS, values: [dnsName] }];
}

/** CloudFront finds by id alone, and by what it shows of each. */
async function summaryOf(at: Site): Promise<DistributionSummary | undefined> {
  return at.send(async ({ cloudFront: client }, { abortSignal }) => {
    for await (const { DistributionList } of paginateListDistributions({ client }, {}, { abortSignal })) {
      const found = DistributionList?.Items?.find(({ Comment }) => Comment === at.of);
      if (found) return found;
    }
    return undefined;
  });
}

type Shown = Pick<Partial<DistributionSummary>, 'Id' | 'ARN' | 'DomainName' | 'Status' | 'Enabled'>;

function show(
  { Id = '', ARN = '', DomainName = '', Status, Enabled }: Shown,
  { differs = false, fingerprint }: { readonly differs?: boolean; readonly fingerprint?: string },
): Found {
  const isThere = Status === 'Deployed';
  const onItsWay = Enabled === true ? 'creating' : 'destroying';
  return {
    id: Id,
    phase: isThere ? 'active' : onItsWay,
    ...(!isThere && { message: 'CloudFront is taking the distribution in, which takes minutes' }),
    differs,
    details: {
      arn: ARN,
      dnsName: DomainName.toLowerCase(),
      ...(Enabled !== true && { isOff: 'yes' }),
      ...(fingerprint !== undefined && { fingerprint }),
    },
  };
}

function read(at: Site, Id: string) {
  return at.send(({ cloudFront }, options) => cloudFront.send(new GetDistributionConfigCommand({ Id }), options));
}

async function change(
  at: Site,
  { id: Id, details }: Found,
  to: (config: DistributionConfig) => Promise<DistributionConfig>,
): Promise<Found> {
  const { DistributionConfig: is, ETag } = await read(at, Id);
  if (!is) throw new Error(`CloudFront told nothing of the distribution ${Id}`);
  const command = new UpdateDistributionCommand({ Id, IfMatch: ETag, DistributionConfig: await to(is) });
  const { Distribution } = await at.send(({ cloudFront }, options) => cloudFront.send(command, options));
  const { fingerprint } = details ?? {};
  return show(
    { ...Distribution, Enabled: Distribution?.DistributionConfig?.Enabled },
    fingerprint === undefined ? {} : { fingerprint },
  );
}
