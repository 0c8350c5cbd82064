import type { Service } from '@aws-sdk/client-ecs';
import type { Rule } from '@aws-sdk/client-elastic-load-balancing-v2';
import type { Call, Host } from '@clusternator/core/provider';
import { allSettled } from '../all-settled.ts';
import { TargetGroups } from '../alb/target-groups.ts';
import { toAwsTags } from '../storage/aws-tags.ts';
import { ours } from '../storage/ownership.ts';
import type { EcsParts } from './clients.ts';
import { fromEcsTags, RULE_TAG, SECRET_TAG } from './ecs-tags.ts';
import { isWhole } from './environment-view.ts';
import { LeadingRules, type Ending } from './leading-rules.ts';
import { Leftovers, type Known, type Leftover } from './leftovers.ts';
import { Services } from './services.ts';

/** Of an environment all of whose services were seen. */
interface Seen {
  readonly token: string;
  /** What its services refer to. It goes once they have. */
  readonly known: readonly Known[];
  /** What there is beside it, such as of two calls that made it at once. */
  readonly others: readonly Leftover[];
}

/**
 * Ends an environment: the rules first, so that nothing leads there, then the services, and once their tasks have ended what they referred
 * to. While a slot leads there nothing is touched. What is beside all that is looked for meanwhile.
 */
export class EnvironmentEnd {
  private readonly host: Host;
  private readonly services: Services;
  private readonly ways: LeadingRules;
  private readonly groups: TargetGroups;
  private readonly leftovers: Leftovers;
  /** By key. */
  private readonly seen = new Map<string, Seen>();

  constructor(private readonly parts: EcsParts) {
    const { ecs, elb, host, foundation } = parts;
    this.host = host;
    this.services = new Services(ecs, host, foundation);
    this.ways = new LeadingRules(elb, host, foundation);
    this.groups = new TargetGroups(elb, host);
    this.leftovers = new Leftovers(parts);
  }

  /**
   * @returns The services whose tasks are still ending; none: AWS has told of each thing that it is gone. Undefined: that has to be looked for.
   * @throws ProviderError `owned-by-other`; `conflict`: a rule of a slot, or of somebody else, leads there.
   */
  async of(ending: Ending, call: Call): Promise<readonly Service[] | undefined> {
    const [services, allRules] = await Promise.all([this.services.of(ending.key, call), this.ways.rules(call)]);
    for (const service of services)
      this.mustBeOurs(ending, `the ECS service ${service.serviceName ?? ''}`, fromEcsTags(service.tags));
    const made = services.flatMap(({ tags }) => fromEcsTags(tags)[RULE_TAG] ?? []);
    const leading = await this.ways.leadingTo(ending, allRules, made, call);
    const running = services.filter(({ status }) => status !== 'DRAINING');
    const looking = isWhole(services) ? this.look(ending, services.flatMap(referredTo), call) : undefined;
    const [left] = await allSettled([this.endServices(leading, running, call), looking]);
    // While tasks are ending, core asks again.
    const draining = [...services.filter(({ status }) => status === 'DRAINING'), ...left];
    if (draining.length > 0) return draining;
    const seen = this.seenBy(ending, call);
    await this.leftovers.remove(seen ? [...seen.known, ...seen.others] : await this.ownLeftovers(ending, call), call);
    this.seen.delete(ending.key);
    return seen && [];
  }

  /** @returns Those whose tasks are still ending. */
  private async endServices(leading: readonly Rule[], running: readonly Service[], call: Call) {
    // Nobody is sent there any more once the rules are gone, and the tasks need not wait for who was.
    await allSettled([this.ways.remove(leading, call), this.groups.endDraining(running.flatMap(groupsOf), call)]);
    if (running.length === 0) return [];
    const [left] = await allSettled([
      this.services.remove(running, call),
      this.leftovers.prepare(running.flatMap(referredTo), call),
    ]);
    return left;
  }

  private async look(ending: Ending, known: readonly Known[], call: Call): Promise<void> {
    if (this.seenBy(ending, call)) return;
    const found = await this.leftovers.of(ending.key, call, known);
    const others = found.filter(({ tags }) => {
      const identity = this.host.identify(tags);
      return identity?.type === 'environment' && identity.id === ending.id;
    });
    this.seen.set(ending.key, { token: call.token(), known, others });
  }

  /** By this call, which is made again until all has ended. */
  private seenBy({ key }: Ending, call: Call): Seen | undefined {
    const seen = this.seen.get(key);
    return seen?.token === call.token() ? seen : undefined;
  }

  private async ownLeftovers(ending: Ending, call: Call): Promise<readonly Leftover[]> {
    const found = await this.leftovers.of(ending.key, call);
    for (const { kind, ref, tags } of found) this.mustBeOurs(ending, `the ${kind} ${ref}`, tags);
    return found;
  }

  private mustBeOurs({ id }: Ending, what: string, tags: Readonly<Record<string, string>>): void {
    ours(this.host, { type: 'environment', id, what, tags: toAwsTags(tags) });
  }
}

function groupsOf({ loadBalancers = [] }: Service): readonly string[] {
  return loadBalancers.flatMap(({ targetGroupArn }) => targetGroupArn ?? []);
}

function referredTo(service: Service): readonly Known[] {
  const { taskDefinition, serviceRegistries = [], tags } = service;
  const secret = fromEcsTags(tags)[SECRET_TAG];
  const registries = serviceRegistries.flatMap(({ registryArn }) => registryArn ?? []);
  return [
    ...groupsOf(service).map((ref) => ({ kind: 'target group' as const, ref })),
    ...(taskDefinition === undefined ? [] : [{ kind: 'task definition' as const, ref: taskDefinition }]),
    ...registries.map((arn) => ({ kind: 'name' as const, ref: arn.split('/').at(-1) ?? '' })),
    ...(secret === undefined ? [] : [{ kind: 'secret' as const, ref: secret }]),
  ];
}
