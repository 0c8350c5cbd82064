import type {
  CreateTargetGroupCommandInput,
  ElasticLoadBalancingV2Client,
  Rule,
  TargetGroup,
} from '@aws-sdk/client-elastic-load-balancing-v2';
import type { Call, EnvironmentSpec, Host } from '@clusternator/core/provider';
import { forwardTo, targetGroupsOf } from '../alb/actions.ts';
import { balancersOf } from '../alb/balancers.ts';
import { conditionsFor } from '../alb/conditions.ts';
import { Places, type Services } from '../alb/places.ts';
import { AllRules } from '../alb/rules.ts';
import { TargetGroups } from '../alb/target-groups.ts';
import type { AwsFoundation, LoadBalancerOutputs } from '../foundation/outputs.ts';
import { isNamed } from '../storage/aws-error.ts';
import { toAwsTags } from '../storage/aws-tags.ts';
import { ours } from '../storage/ownership.ts';
import type { PlannedService } from './plan.ts';

/** Where the services of an environment are led to from, and all target groups that there were before. */
export interface Placed {
  readonly balancer: LoadBalancerOutputs;
  readonly groups: readonly TargetGroup[];
}
/** What a target group is made by. */
export type GroupRequest = (planned: PlannedService, port: number) => CreateTargetGroupCommandInput;

/** What leads to a public service: its target group, and the rule of the environment's own host. */
export class PublicWays {
  private readonly groups: TargetGroups;
  private readonly rules: AllRules;
  private readonly places: Places;

  /** @param count - Of load balancers, by the environment's config. */
  constructor(
    elb: ElasticLoadBalancingV2Client,
    private readonly host: Host,
    private readonly foundation: AwsFoundation,
    count: number,
    private readonly requestOf: GroupRequest,
  ) {
    this.groups = new TargetGroups(elb, host);
    this.rules = new AllRules(elb, host, foundation);
    this.places = new Places({ elb, host, foundation, rules: this.rules }, count);
  }

  /**
   * Chooses the load balancer for what is to be made next. Where a call beside this one could choose another, the first public service leads
   * the way: its target group is behind one, whoever was first.
   * @throws ProviderError `quota`.
   */
  async place(
    spec: Pick<EnvironmentSpec, 'slot'>,
    services: Services,
    groups: readonly TargetGroup[],
    call: Call,
  ): Promise<Placed> {
    const { balancer, isSettled } = await this.places.choose(spec, services, groups, call);
    const [first, ...others] = services.next.filter(({ route }) => route);
    if (isSettled || !first || others.length === 0) return { balancer, groups };
    const { at } = await this.lead(first, { balancer, groups }, call);
    return { balancer: at, groups: await this.groups.all(call) };
  }

  /**
   * @returns Undefined for a service that is not public.
   * @throws ProviderError `owned-by-other`, `quota`.
   */
  async make(
    planned: PlannedService,
    placed: Placed,
    call: Call,
  ): Promise<{ readonly targetGroup: string; readonly rule?: string } | undefined> {
    if (!planned.route) return undefined;
    const { targetGroup, rule } = await this.lead(planned, placed, call);
    return { targetGroup, ...(rule.RuleArn !== undefined && { rule: rule.RuleArn }) };
  }

  private async lead(planned: PlannedService, { balancer, groups }: Placed, call: Call) {
    const { environment, name, route: { hosts, path, port } = NOWHERE } = planned;
    const before = groups.find(({ TargetGroupName }) => TargetGroupName === name);
    const group = before ?? (await this.groups.create(this.requestOf(planned, port), call));
    const { TargetGroupArn: targetGroup = '' } = group;
    const leadsThere = (rule: Rule): boolean => targetGroupsOf(rule).includes(targetGroup);
    const known = before ? await this.rules.of(balancer).all(call) : [];
    if (before) {
      const tags = (await this.groups.tags([before], call)).get(targetGroup);
      ours(this.host, { type: 'environment', id: environment.id, what: `the target group ${name}`, tags });
    }
    const newRule = {
      name,
      route: path,
      conditions: conditionsFor(hosts, path),
      actions: forwardTo([{ targetGroup, percent: 100 }]),
      tags: toAwsTags(environment.tags),
    };
    const there = known.find(leadsThere);
    if (there) return { targetGroup, rule: there, at: balancer };
    try {
      return { targetGroup, rule: await this.rules.of(balancer).make(newRule, leadsThere, call), at: balancer };
    } catch (error) {
      // A call beside this one has it behind another one already.
      const at = isNamed(error, ['TargetGroupAssociationLimit']) ? await this.balancerOf(targetGroup, call) : undefined;
      if (!at || at.arn === balancer.arn) throw error;
      return { targetGroup, rule: await this.rules.of(at).make(newRule, leadsThere, call), at };
    }
  }

  private async balancerOf(targetGroup: string, call: Call): Promise<LoadBalancerOutputs | undefined> {
    const arn = await this.groups.balancerOf(targetGroup, call);
    return balancersOf(this.foundation).find((one) => one.arn === arn);
  }
}

const NOWHERE = { hosts: [], path: '/', port: 0 };
