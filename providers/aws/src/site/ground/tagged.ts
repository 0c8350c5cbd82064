import { ListTagsForResourceCommand } from '@aws-sdk/client-cloudfront';
import type { Identity } from '@clusternator/core/provider';
import type { Site } from '../../foundation/site.ts';

/** Whose something of CloudFront is. @throws ProviderError `owned-by-other`. */
export async function ownTagged(at: Site, what: string, Resource: string): Promise<Identity> {
  const { Tags } = await at.send(({ cloudFront }, options) =>
    cloudFront.send(new ListTagsForResourceCommand({ Resource }), options),
  );
  return at.own(what, Tags?.Items);
}
