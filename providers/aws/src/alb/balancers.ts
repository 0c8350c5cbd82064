import type { AwsFoundation, LoadBalancerOutputs } from '../foundation/outputs.ts';

const OF_RULE = /:listener-rule\/(app\/[^/]+\/[^/]+)\//;

/** All of a foundation. */
export function balancersOf({ loadBalancer, otherLoadBalancers = [] }: AwsFoundation): readonly LoadBalancerOutputs[] {
  return [loadBalancer, ...otherLoadBalancers];
}

/** The one that a rule is of, where it is not the first: their ARNs have its name and id. */
export function otherBalancerOf(
  { otherLoadBalancers = [] }: AwsFoundation,
  rules: readonly string[],
): LoadBalancerOutputs | undefined {
  const names = rules.flatMap((arn) => OF_RULE.exec(arn)?.[1] ?? []);
  return otherLoadBalancers.find(({ arn }) => names.some((name) => arn.endsWith(`/${name}`)));
}

/** As messages call it. */
export function balancerName({ arn }: LoadBalancerOutputs): string {
  return arn.split('/').at(-2) ?? arn;
}
