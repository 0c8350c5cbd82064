import type { Service } from '@aws-sdk/client-ecs';
import type { Call, Host } from '@clusternator/core/provider';
import { TargetGroups } from '../alb/target-groups.ts';
import { toAwsTags } from '../storage/aws-tags.ts';
import { ours } from '../storage/ownership.ts';
import type { EcsParts } from './clients.ts';
import { fromEcsTags, RULE_TAG, SECRET_TAG } from './ecs-tags.ts';
import { isWhole } from './environment-view.ts';
import { LeadingRules, type Ending } from './leading-rules.ts';
import { Leftovers, type Leftover } from './leftovers.ts';
import { Services } from './services.ts';

/**
 * Ends an environment: the rules first, so that nothing leads there, then the services, and once their tasks have ended what they referred
 * to. While a slot leads there nothing is touched.
 */
export class EnvironmentEnd {
  private readonly host: Host;
  private readonly services: Services;
  private readonly ways: LeadingRules;
  private readonly groups: TargetGroups;
  private readonly leftovers: Leftovers;
  /** By key: what services referred to that were seen to end. It goes once they have, and is not looked for. */
  private readonly referred = new Map<string, readonly Omit<Leftover, 'tags'>[]>();

  constructor(private readonly parts: EcsParts) {
    const { ecs, elb, host, foundation } = parts;
    this.host = host;
    this.services = new Services(ecs, host, foundation);
    this.ways = new LeadingRules(elb, host, foundation);
    this.groups = new TargetGroups(elb, host, foundation);
    this.leftovers = new Leftovers(parts);
  }

  /** @throws ProviderError `owned-by-other`; `conflict`: a rule of a slot, or of somebody else, leads there. */
  async of(ending: Ending, call: Call): Promise<void> {
    const [services, allRules] = await Promise.all([this.services.of(ending.key, call), this.ways.rules(call)]);
    for (const service of services)
      this.mustBeOurs(ending, `the ECS service ${service.serviceName ?? ''}`, fromEcsTags(service.tags));
    const made = services.flatMap(({ tags }) => fromEcsTags(tags)[RULE_TAG] ?? []);
    await this.ways.close(ending, allRules, made, call);
    if (isWhole(services)) this.referred.set(ending.key, services.flatMap(referredTo));
    const running = services.filter(({ status }) => status !== 'DRAINING');
    if (running.length > 0) await this.groups.endDraining(running.flatMap(groupsOf), call);
    const haveEnded = await this.services.remove(running, call);
    // While tasks are ending, core asks again.
    if (running.length < services.length) return;
    if (!haveEnded) return;
    await this.leftovers.remove(this.referred.get(ending.key) ?? (await this.ownLeftovers(ending, call)), call);
    this.referred.delete(ending.key);
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

function referredTo(service: Service): readonly Omit<Leftover, 'tags'>[] {
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
