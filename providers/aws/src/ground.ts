import { ProviderError } from '@clusternator/core/provider';
import type { AwsFoundation } from './foundation/outputs.ts';
import type { SiteFoundation } from './site/ground/outputs.ts';

/** What drivers stand on: what containers need, or what sites do. */
export type AwsGround = AwsFoundation | SiteFoundation;

export function isOfSites(foundation: AwsGround): foundation is SiteFoundation {
  return 'keyValueStore' in foundation;
}

/** @throws ProviderError `unsupported`: it is one of sites. */
export function ofContainers(foundation: AwsGround, what: string): AwsFoundation {
  if (!isOfSites(foundation)) return foundation;
  throw new ProviderError('unsupported', `there are no ${what} where environments are sites alone`, {
    path: 'provider.kind',
    hint: 'write kind: containers, or leave it out',
  });
}
