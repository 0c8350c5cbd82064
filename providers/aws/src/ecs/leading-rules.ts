import type { ElasticLoadBalancingV2Client, Rule } from '@aws-sdk/client-elastic-load-balancing-v2';
import { ProviderError, type Call, type Host } from '@clusternator/core/provider';
import { targetGroupsOf } from '../alb/actions.ts';
import { hostsOf } from '../alb/conditions.ts';
import { tagsOf } from '../alb/elb-tags.ts';
import { AllRules } from '../alb/rules.ts';
import { markOf } from '../alb/slot-marks.ts';
import type { AwsFoundation } from '../foundation/outputs.ts';
import { fromAwsTags } from '../storage/aws-tags.ts';
import { parseServiceName, targetGroupName } from './names.ts';

/** An environment that is to end. */
export interface Ending {
  readonly id: string;
  readonly key: string;
}

/** The rules that lead to an environment: they go before it does. */
export class LeadingRules {
  private readonly all: AllRules;

  constructor(
    private readonly elb: ElasticLoadBalancingV2Client,
    private readonly host: Host,
    foundation: AwsFoundation,
  ) {
    this.all = new AllRules(elb, host, foundation);
  }

  /** Of all load balancers, whoever's they are. */
  rules(call: Call): Promise<readonly Rule[]> {
    return this.all.all(call);
  }

  /** Removes those that lead there. @throws ProviderError what `leadingTo` throws. Nothing is removed then. */
  async close(ending: Ending, all: readonly Rule[], known: readonly string[], call: Call): Promise<void> {
    await this.remove(await this.leadingTo(ending, all, known, call), call);
  }

  /**
   * Those that its services were made with, and what an interrupted call left.
   * @param known - The ARNs of those that its services tell.
   * @throws ProviderError `conflict`: a rule of a slot, or of somebody else, leads there.
   */
  async leadingTo(
    ending: Ending,
    all: readonly Rule[],
    known: readonly string[],
    call: Call,
  ): Promise<readonly Rule[]> {
    const leading = all.filter((rule) =>
      targetGroupsOf(rule).some((arn) => parseServiceName(targetGroupName(arn))?.key === ending.key),
    );
    const slots = leading.flatMap((rule) => markOf(hostsOf(rule)) ?? []);
    if (slots.length > 0) throw inUse(ending, `a slot leads there, as ${slots[0]?.role ?? ''}`);
    const unknown = leading.filter(({ RuleArn = '' }) => !known.includes(RuleArn));
    const arns = unknown.map(({ RuleArn = '' }) => RuleArn);
    const tags = await tagsOf(this.elb, this.host, arns, call);
    for (const { RuleArn = '' } of unknown) {
      const identity = this.host.identify(fromAwsTags(tags.get(RuleArn)));
      if (identity?.id !== ending.id) throw inUse(ending, `the rule ${RuleArn} leads there, and is not ours`);
    }
    return leading;
  }

  async remove(leading: readonly Rule[], call: Call): Promise<void> {
    await this.all.remove(leading, call);
  }
}

function inUse({ id }: Ending, why: string): ProviderError {
  return new ProviderError('conflict', `environment ${id} can't be destroyed: ${why}`, {
    effect: 'none',
    retry: 'never',
  });
}
