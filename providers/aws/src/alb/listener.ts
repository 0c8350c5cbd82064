import type { AwsFoundation, LoadBalancerOutputs } from '../foundation/outputs.ts';

/** The listener that has the rules: the one for HTTP only redirects where there is one for HTTPS. */
export function listenerOf({ http, https }: LoadBalancerOutputs): string {
  return https ?? http;
}

export function schemeOf({ loadBalancer }: AwsFoundation): 'http' | 'https' {
  return loadBalancer.https === undefined ? 'http' : 'https';
}
