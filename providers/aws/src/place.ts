import { ProviderError } from '@clusternator/core/provider';

const HINTS = {
  account: 'choose the profile or the keys of that account; `aws sts get-caller-identity` shows who you are',
  region: 'write provider: { name: aws, region: <region> }, or set AWS_REGION as it was',
};

/** Elsewhere everything would look as if it were gone. @throws ProviderError `denied`: nothing was asked of what is there. */
export function mustBe(what: keyof typeof HINTS, wanted: string | undefined, is: string): void {
  if (wanted === undefined || wanted === is) return;
  throw new ProviderError('denied', `the foundation is in the ${what} ${wanted}, and this is ${is}`, {
    path: what === 'region' ? 'provider.region' : 'provider.profile',
    hint: HINTS[what],
    retry: 'never',
    effect: 'none',
  });
}
