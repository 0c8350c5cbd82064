import type { AwsFoundation } from '../foundation/outputs.ts';

/** The listener that has the rules: the one for HTTP only redirects where there is one for HTTPS. */
export function listenerOf({ loadBalancer }: AwsFoundation): string {
  return loadBalancer.https ?? loadBalancer.http;
}

export function schemeOf({ loadBalancer }: AwsFoundation): 'http' | 'https' {
  return loadBalancer.https === undefined ? 'http' : 'https';
}
