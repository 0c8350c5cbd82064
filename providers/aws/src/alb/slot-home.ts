import type { ElasticLoadBalancingV2Client } from '@aws-sdk/client-elastic-load-balancing-v2';
import type { Call, Host } from '@clusternator/core/provider';
import type { LoadBalancerOutputs } from '../foundation/outputs.ts';
import { fromAwsTags } from '../storage/aws-tags.ts';
import { targetGroupsOf } from './actions.ts';
import { tagsOf } from './elb-tags.ts';
import type { Ruled } from './rules.ts';
import { slotKey, slotRuleOf } from './slot-rules.ts';

/** Core's, of an environment that was made for a slot. */
const SLOT_TAG = 'clusternator_slot';

/** Where a slot lives: where it has rules or, before it has any, where an environment was made for it. Undefined: nowhere yet. */
export async function homeOf(
  slot: string,
  all: readonly Ruled[],
  { elb, host }: { readonly elb: ElasticLoadBalancingV2Client; readonly host: Host },
  call: Call,
): Promise<LoadBalancerOutputs | undefined> {
  const key = slotKey(host, slot);
  const own = all.find(({ rules }) => rules.some((rule) => slotRuleOf(rule)?.key === key));
  if (own) return own.balancer;
  const leading = all.flatMap(({ balancer, rules }) =>
    rules
      .filter((rule) => !slotRuleOf(rule) && targetGroupsOf(rule).length > 0)
      .map(({ RuleArn = '' }) => ({ balancer, arn: RuleArn })),
  );
  const arns = leading.map(({ arn }) => arn);
  const tags = await tagsOf(elb, host, arns, call);
  const isMadeForIt = (arn: string): boolean => {
    const its = fromAwsTags(tags.get(arn));
    return host.identify(its)?.type === 'environment' && its[SLOT_TAG] === slot;
  };
  return leading.find(({ arn }) => isMadeForIt(arn))?.balancer;
}
