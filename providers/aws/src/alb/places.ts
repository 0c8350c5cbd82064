import type { Rule, TargetGroup } from '@aws-sdk/client-elastic-load-balancing-v2';
import { ProviderError, type Call, type EnvironmentSpec } from '@clusternator/core/provider';
import type { PlannedService } from '../ecs/plan.ts';
import type { AwsFoundation, LoadBalancerOutputs } from '../foundation/outputs.ts';
import { targetGroupsOf } from './actions.ts';
import { balancerName, balancersOf } from './balancers.ts';

/** Of a load balancer. Not adjustable. @see https://docs.aws.amazon.com/elasticloadbalancing/latest/application/load-balancer-limits.html */
const MOST_GROUPS = 100;
/** Of the first, where there are others: environments of no slot leave them to slots. */
const KEPT_FOR_SLOTS = 20;

/** Of an environment. `next`: those that are to be made now. */
export interface Services {
  readonly planned: readonly PlannedService[];
  readonly next: readonly PlannedService[];
}
/** Which load balancer leads to an environment. */
export interface Place {
  readonly balancer: LoadBalancerOutputs;
  /** Another call can't choose another one any more. */
  readonly isSettled: boolean;
}

/**
 * Chooses load balancers. All of an environment is behind one, since its host name leads to one: that of its first public service. One that was
 * made for a slot is behind the first, as the slot is; any other is behind the one with the most room, and behind the first only where the
 * others are full.
 */
export class Places {
  private readonly all: readonly LoadBalancerOutputs[];

  /**
   * @param count - As many as the environment's own config knows of: where that is one, slots take it as it runs.
   * @param rules - Of each load balancer.
   */
  constructor(
    private readonly foundation: AwsFoundation,
    private readonly count: number,
    private readonly rules: (call: Call) => Promise<readonly (readonly Rule[])[]>,
  ) {
    this.all = balancersOf(foundation);
  }

  /**
   * @param groups - All target groups that there are.
   * @throws ProviderError `quota`: no load balancer has as much room.
   */
  async choose(
    spec: Pick<EnvironmentSpec, 'slot'>,
    { planned, next }: Services,
    groups: readonly TargetGroup[],
    call: Call,
  ): Promise<Place> {
    const of = (services: readonly PlannedService[]): readonly TargetGroup[] =>
      services.flatMap(
        ({ name, route }) => (route && groups.find(({ TargetGroupName }) => TargetGroupName === name)) ?? [],
      );
    const more = next.filter(({ route }) => route).length - of(next).length;
    const [first] = this.all;
    const known = first && this.all.length === 1 ? first : await this.placeOf(of(planned), call);
    const balancer = known ?? this.roomiest(spec, groups, more);
    const limit =
      MOST_GROUPS - (known || spec.slot !== undefined || balancer !== first || this.count === 1 ? 0 : KEPT_FOR_SLOTS);
    this.checkRoom(balancer, groups, more, limit);
    return { balancer, isSettled: known !== undefined };
  }

  /** Where what was made of an environment before is led to from. */
  private async placeOf(own: readonly TargetGroup[], call: Call): Promise<LoadBalancerOutputs | undefined> {
    if (own.length === 0) return undefined;
    const attached = this.all.find(({ arn }) =>
      own.some(({ LoadBalancerArns = [] }) => LoadBalancerArns.includes(arn)),
    );
    if (attached) return attached;
    const arns = new Set(own.map(({ TargetGroupArn }) => TargetGroupArn));
    const rules = await this.rules(call);
    return this.all.find((_, at) => rules[at]?.some((rule) => targetGroupsOf(rule).some((arn) => arns.has(arn))));
  }

  private roomiest({ slot }: Pick<EnvironmentSpec, 'slot'>, groups: readonly TargetGroup[], more: number) {
    const { loadBalancer } = this.foundation;
    const [, ...others] = this.all.slice(0, this.count);
    if (slot !== undefined) return loadBalancer;
    const [best] = others
      .map((balancer) => ({ balancer, count: countOn(balancer, groups) }))
      .filter(({ count }) => count + more <= MOST_GROUPS)
      .sort((a, b) => a.count - b.count);
    return best?.balancer ?? loadBalancer;
  }

  private checkRoom(balancer: LoadBalancerOutputs, groups: readonly TargetGroup[], more: number, limit: number): void {
    const there = countOn(balancer, groups);
    if (more === 0 || there + more <= limit) return;
    const which = this.all.length === 1 ? 'the load balancer' : `the load balancer ${balancerName(balancer)}`;
    const kept = limit < MOST_GROUPS ? `, of which ${String(MOST_GROUPS - limit)} are kept for slots` : '';
    const others = limit < MOST_GROUPS ? ', and the others are full' : '';
    throw new ProviderError(
      'quota',
      `${which} has ${String(there)} target groups of ${String(MOST_GROUPS)}${kept}${others}, and ${String(more)} more are needed`,
      {
        hint: 'destroy environments that nobody needs: clusternator env list, clusternator gc; or raise provider.loadBalancers, and clusternator foundation create makes one more',
      },
    );
  }
}

function countOn({ arn }: LoadBalancerOutputs, groups: readonly TargetGroup[]): number {
  return groups.filter(({ LoadBalancerArns = [] }) => LoadBalancerArns.includes(arn)).length;
}
