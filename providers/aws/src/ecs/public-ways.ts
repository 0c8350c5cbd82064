import type {
  CreateTargetGroupCommandInput,
  ElasticLoadBalancingV2Client,
  Rule,
  TargetGroup,
} from '@aws-sdk/client-elastic-load-balancing-v2';
import type { Call, Host } from '@clusternator/core/provider';
import { forwardTo, targetGroupsOf } from '../alb/actions.ts';
import { conditionsFor } from '../alb/conditions.ts';
import { Rules } from '../alb/rules.ts';
import { TargetGroups } from '../alb/target-groups.ts';
import type { AwsFoundation } from '../foundation/outputs.ts';
import { toAwsTags } from '../storage/aws-tags.ts';
import { ours } from '../storage/ownership.ts';
import type { PlannedService } from './plan.ts';

/** What leads to a public service: its target group, and the rule of the environment's own host. */
export class PublicWays {
  private readonly groups: TargetGroups;
  private readonly rules: Rules;

  constructor(
    elb: ElasticLoadBalancingV2Client,
    private readonly host: Host,
    foundation: AwsFoundation,
  ) {
    this.groups = new TargetGroups(elb, host, foundation);
    this.rules = new Rules(elb, host, foundation);
  }

  /**
   * @param groups - All that there were before, to tell what an interrupted call had made.
   * @param requestOf - For a port: what the target group is made by.
   * @returns Undefined for a service that is not public.
   * @throws ProviderError `owned-by-other`, `quota`.
   */
  async lead(
    { environment, name, route }: PlannedService,
    groups: readonly TargetGroup[],
    requestOf: (port: number) => CreateTargetGroupCommandInput,
    call: Call,
  ): Promise<{ readonly targetGroup: string; readonly rule?: string } | undefined> {
    if (!route) return undefined;
    const before = groups.find(({ TargetGroupName }) => TargetGroupName === name);
    const group = before ?? (await this.groups.create(requestOf(route.port), call));
    const { TargetGroupArn: targetGroup = '' } = group;
    const leadsThere = (rule: Rule): boolean => targetGroupsOf(rule).includes(targetGroup);
    const known = before ? await this.rules.all(call) : [];
    if (before) {
      const tags = (await this.groups.tags([before], call)).get(targetGroup);
      ours(this.host, { type: 'environment', id: environment.id, what: `the target group ${name}`, tags });
    }
    const rule =
      known.find(leadsThere) ??
      (await this.rules.make(
        {
          name,
          route: route.path,
          conditions: conditionsFor(route.hosts, route.path),
          actions: forwardTo([{ targetGroup, percent: 100 }]),
          tags: toAwsTags(environment.tags),
        },
        leadsThere,
        call,
      ));
    return { targetGroup, ...(rule.RuleArn !== undefined && { rule: rule.RuleArn }) };
  }
}
