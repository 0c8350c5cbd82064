import {
  CreateOriginAccessControlCommand,
  DeleteOriginAccessControlCommand,
  GetOriginAccessControlCommand,
  ListOriginAccessControlsCommand,
  type OriginAccessControlSummary,
} from '@aws-sdk/client-cloudfront';
import type { Part } from '../../foundation/part.ts';
import type { Site } from '../../foundation/site.ts';

export const ORIGIN_ACCESS = 'origin access';

/** By it the bucket knows CloudFront. It carries no tags, and is ours by its name, of which an account has one.
 *  @see https://docs.aws.amazon.com/AmazonCloudFront/latest/DeveloperGuide/private-content-restricting-access-to-s3.html */
export const originAccess: Part = {
  name: ORIGIN_ACCESS,
  after: [],
  async find(at) {
    const found = (await all(at)).find(({ Name }) => Name === at.of);
    return found && { id: found.Id ?? '', phase: 'active' };
  },
  async make(at) {
    const command = new CreateOriginAccessControlCommand({
      OriginAccessControlConfig: {
        Name: at.of,
        Description: `${at.host.project} ${at.host.stage}`,
        OriginAccessControlOriginType: 's3',
        SigningBehavior: 'always',
        SigningProtocol: 'sigv4',
      },
    });
    const { OriginAccessControl } = await at.send(({ cloudFront }, options) => cloudFront.send(command, options));
    return { id: OriginAccessControl?.Id ?? '', phase: 'active' };
  },
  async remove(at, { id: Id }) {
    const { ETag } = await at.send(({ cloudFront }, options) =>
      cloudFront.send(new GetOriginAccessControlCommand({ Id }), options),
    );
    await at.send(({ cloudFront }, options) =>
      cloudFront.send(new DeleteOriginAccessControlCommand({ Id, IfMatch: ETag }), options),
    );
  },
};

async function all(at: Site): Promise<readonly OriginAccessControlSummary[]> {
  const found: OriginAccessControlSummary[] = [];
  for (let Marker: string | undefined; ;) {
    const command = new ListOriginAccessControlsCommand({ ...(Marker !== undefined && { Marker }) });
    const { OriginAccessControlList: page } = await at.send(({ cloudFront }, options) =>
      cloudFront.send(command, options),
    );
    found.push(...(page?.Items ?? []));
    if (page?.IsTruncated !== true) return found;
    Marker = page.NextMarker;
  }
}
