import {
  CreateRuleCommand,
  DeleteRuleCommand,
  paginateDescribeRules,
  type Action,
  type ElasticLoadBalancingV2Client,
  type Rule,
  type RuleCondition,
  type Tag,
} from '@aws-sdk/client-elastic-load-balancing-v2';
import { ProviderError, type Call, type Host } from '@clusternator/core/provider';
import { allSettled } from '../all-settled.ts';
import type { AwsFoundation, LoadBalancerOutputs } from '../foundation/outputs.ts';
import { isNamed, unlessAbsent } from '../storage/aws-error.ts';
import { balancersOf } from './balancers.ts';
import { listenerOf } from './listener.ts';
import { prioritiesFor } from './priorities.ts';

const PAGE_SIZE = 400;

/** A rule to make. `name` and `route` say where it goes. */
export interface NewRule {
  readonly name: string;
  readonly route: string;
  readonly conditions: RuleCondition[];
  readonly actions: Action[];
  readonly tags: Tag[];
}

/** A load balancer with all of its rules. */
export interface Ruled {
  readonly balancer: LoadBalancerOutputs;
  readonly rules: readonly Rule[];
}

/** The rules of the listener that the environments and slots behind a load balancer share. */
export class Rules {
  private readonly listener: string;

  constructor(
    private readonly elb: ElasticLoadBalancingV2Client,
    private readonly host: Host,
    balancer: LoadBalancerOutputs,
  ) {
    this.listener = listenerOf(balancer);
  }

  async all(call: Call): Promise<readonly Rule[]> {
    const input = { ListenerArn: this.listener, PageSize: PAGE_SIZE };
    const pages = paginateDescribeRules({ client: this.elb }, input, { abortSignal: call.signal });
    const rules: Rule[] = [];
    await this.host.pace('elbRead', call);
    for await (const page of pages) rules.push(...(page.Rules ?? []));
    return rules;
  }

  /**
   * @param isIt - Whether a rule that is there already is this one: another call may have made it meanwhile.
   * @throws ProviderError `quota`: the load balancer has no room for it.
   */
  async make(
    { name, route, conditions, actions, tags }: NewRule,
    isIt: (rule: Rule) => boolean,
    call: Call,
  ): Promise<Rule> {
    let used: ReadonlySet<string> = new Set();
    for (const priority of prioritiesFor(name, route)) {
      if (used.has(String(priority))) continue;
      const request = {
        ListenerArn: this.listener,
        Priority: priority,
        Conditions: conditions,
        Actions: actions,
        Tags: tags,
      };
      try {
        const { Rules: made } = await this.elb.send(new CreateRuleCommand(request), { abortSignal: call.signal });
        return made?.[0] ?? {};
      } catch (error) {
        if (!isNamed(error, ['PriorityInUse'])) throw error;
      }
      const rules = await this.all(call);
      const found = rules.find(isIt);
      if (found) return found;
      used = new Set(rules.map(({ Priority = '' }) => Priority));
    }
    throw new ProviderError('quota', `the load balancer has no priority left for a rule of ${route}`);
  }

  async remove(rules: readonly Rule[], call: Call): Promise<void> {
    const removing = rules.map(({ RuleArn }) =>
      unlessAbsent(this.elb.send(new DeleteRuleCommand({ RuleArn }), { abortSignal: call.signal }), ['RuleNotFound']),
    );
    await allSettled(removing);
  }
}

/** Those of all load balancers of a foundation, read side by side. */
export class AllRules {
  private readonly each: readonly (readonly [LoadBalancerOutputs, Rules])[];

  constructor(elb: ElasticLoadBalancingV2Client, host: Host, foundation: AwsFoundation) {
    this.each = balancersOf(foundation).map((balancer) => [balancer, new Rules(elb, host, balancer)] as const);
  }

  async byBalancer(call: Call): Promise<readonly Ruled[]> {
    return Promise.all(this.each.map(async ([balancer, rules]) => ({ balancer, rules: await rules.all(call) })));
  }

  async all(call: Call): Promise<readonly Rule[]> {
    return (await this.byBalancer(call)).flatMap(({ rules }) => rules);
  }

  /** @throws Error: the foundation has no such load balancer. */
  of({ arn }: LoadBalancerOutputs): Rules {
    const [, found] = this.each.find(([balancer]) => balancer.arn === arn) ?? [];
    if (!found) throw new Error(`the foundation has no load balancer ${arn}`);
    return found;
  }

  /** By their ARNs, whichever load balancer they are of. */
  async remove(rules: readonly Rule[], call: Call): Promise<void> {
    await this.each[0]?.[1].remove(rules, call);
  }
}
