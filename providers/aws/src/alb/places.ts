import type { ElasticLoadBalancingV2Client, TargetGroup } from '@aws-sdk/client-elastic-load-balancing-v2';
import { ProviderError, type Call, type EnvironmentSpec, type Host } from '@clusternator/core/provider';
import type { PlannedService } from '../ecs/plan.ts';
import type { AwsFoundation, LoadBalancerOutputs } from '../foundation/outputs.ts';
import { targetGroupsOf } from './actions.ts';
import { balancerName, balancersOf } from './balancers.ts';
import type { AllRules } from './rules.ts';
import { homeOf } from './slot-home.ts';

/** Of a load balancer. Not adjustable. @see https://docs.aws.amazon.com/elasticloadbalancing/latest/application/load-balancer-limits.html */
const MOST_GROUPS = 100;
/** Of each, where there are several, for the slots that are behind it. */
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
interface Surroundings {
  readonly elb: ElasticLoadBalancingV2Client;
  readonly host: Host;
  readonly foundation: AwsFoundation;
  readonly rules: AllRules;
}

/**
 * Chooses load balancers. All of an environment is behind one, since its host name leads to one: that of its first public service. One that is
 * made for a slot is where the slot lives, and a new slot lives behind the first while it has room. Any other is behind the one of the others with the
 * most room, and behind the first once those are full.
 */
export class Places {
  private readonly all: readonly LoadBalancerOutputs[];

  /** @param count - As many as the environment's own config knows of: where that is one, slots take it as it runs. */
  constructor(
    private readonly at: Surroundings,
    private readonly count: number,
  ) {
    this.all = balancersOf(at.foundation);
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
    const { loadBalancer: first } = this.at.foundation;
    const known = this.all.length === 1 ? first : await this.known(of(planned), call);
    const home = known || spec.slot === undefined ? undefined : await this.homeOf(spec.slot, call);
    const [settled, keeps] = [known ?? home, this.count > 1 && this.all.length > 1];
    const limit = settled || !keeps ? MOST_GROUPS : MOST_GROUPS - KEPT_FOR_SLOTS;
    const balancer = settled ?? this.roomiest(spec, groups, limit - more);
    this.checkRoom(balancer, groups, more, limit);
    return { balancer, isSettled: known !== undefined };
  }

  /** Where what was made of an environment before is led to from. */
  private async known(own: readonly TargetGroup[], call: Call): Promise<LoadBalancerOutputs | undefined> {
    if (own.length === 0) return undefined;
    const attached = this.all.find(({ arn }) =>
      own.some(({ LoadBalancerArns = [] }) => LoadBalancerArns.includes(arn)),
    );
    if (attached) return attached;
    const arns = new Set(own.map(({ TargetGroupArn }) => TargetGroupArn));
    const ruled = await this.at.rules.byBalancer(call);
    return ruled.find(({ rules }) => rules.some((rule) => targetGroupsOf(rule).some((arn) => arns.has(arn))))?.balancer;
  }

  private async homeOf(slot: string, call: Call): Promise<LoadBalancerOutputs | undefined> {
    return homeOf(slot, await this.at.rules.byBalancer(call), this.at, call);
  }

  private roomiest({ slot }: Pick<EnvironmentSpec, 'slot'>, groups: readonly TargetGroup[], most: number) {
    const { loadBalancer: first } = this.at.foundation;
    const [, ...others] = this.all.slice(0, this.count);
    const count = (balancer: LoadBalancerOutputs): number => countOn(balancer, groups);
    if (slot !== undefined && count(first) <= most) return first;
    const [best] = others.filter((one) => count(one) <= most).sort((a, b) => count(a) - count(b));
    return best ?? first;
  }

  private checkRoom(balancer: LoadBalancerOutputs, groups: readonly TargetGroup[], more: number, limit: number): void {
    const there = countOn(balancer, groups);
    if (more === 0 || there + more <= limit) return;
    const which = this.all.length === 1 ? 'the load balancer' : `the load balancer ${balancerName(balancer)}`;
    const kept =
      limit < MOST_GROUPS
        ? `, of which ${String(MOST_GROUPS - limit)} are kept for slots, and no other has more room`
        : '';
    throw new ProviderError(
      'quota',
      `${which} has ${String(there)} target groups of ${String(MOST_GROUPS)}${kept}; ${String(more)} more are needed`,
      {
        hint: 'destroy environments that nobody needs: clusternator env list, clusternator gc; or raise provider.loadBalancers, and clusternator foundation create makes one more',
      },
    );
  }
}

function countOn({ arn }: LoadBalancerOutputs, groups: readonly TargetGroup[]): number {
  return groups.filter(({ LoadBalancerArns = [] }) => LoadBalancerArns.includes(arn)).length;
}
