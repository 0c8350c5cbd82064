import { ProviderError, type Route, type Slot } from '@clusternator/core/provider';
import { keyOf, otherBalancer } from '../ecs/handle.ts';
import type { AwsFoundation } from '../foundation/outputs.ts';
import { balancerName, otherBalancerOf } from './balancers.ts';
import { knownRules } from './slot-handle.ts';

/** @throws ProviderError `invalid`: a target group belongs to one load balancer, and the environment is behind another. */
export function mustBeInReach(foundation: AwsFoundation, slot: Slot, { handle }: Route): void {
  const arns = knownRules(slot.handle).map(({ arn }) => arn);
  const own = otherBalancerOf(foundation, arns);
  if (otherBalancer(handle) === (own && balancerName(own))) return;
  const where = balancerName(own ?? foundation.loadBalancer);
  throw new ProviderError(
    'invalid',
    `slot ${slot.id} is behind the load balancer ${where}, and can't lead to ${keyOf(handle) ?? 'an environment'}, which is behind another`,
    {
      hint: 'a commit whose config says `loadBalancers` as the foundation has them gives the slot an environment of its own',
      effect: 'none',
      retry: 'never',
    },
  );
}
