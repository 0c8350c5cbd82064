import type { Call } from '@clusternator/core/provider';
import { TargetGroups } from '../alb/target-groups.ts';
import { RULE_TAG } from '../ecs/ecs-tags.ts';
import { LeadingRules, type Ending } from '../ecs/leading-rules.ts';
import { fromAwsTags, toAwsTags } from '../storage/aws-tags.ts';
import { ours } from '../storage/ownership.ts';
import type { MachineParts } from './clients.ts';
import { isEnding } from './group-state.ts';
import { Groups } from './groups.ts';
import { MachineLeftovers } from './machine-leftovers.ts';
import type { Sources } from '../sources/sources.ts';

/**
 * Ends an environment: the rules first, so that nothing leads there, then the groups with their machines, and once those are gone what they
 * referred to. While a slot leads there nothing is touched.
 */
export class MachineEnd {
  private readonly groups: Groups;
  private readonly ways: LeadingRules;
  private readonly targets: TargetGroups;
  private readonly leftovers: MachineLeftovers;

  constructor(
    private readonly parts: MachineParts,
    sources: Sources,
  ) {
    const { scaling, elb, host, foundation } = parts;
    this.groups = new Groups(scaling, host);
    this.ways = new LeadingRules(elb, host, foundation);
    this.targets = new TargetGroups(elb, host);
    this.leftovers = new MachineLeftovers(parts, sources);
  }

  /** @throws ProviderError `owned-by-other`; `conflict`: a rule of a slot, or of somebody else, leads there. */
  async of(ending: Ending, call: Call): Promise<void> {
    const [groups, rules] = await Promise.all([this.groups.of(ending.key, call), this.ways.rules(call)]);
    for (const { AutoScalingGroupName = '', Tags } of groups)
      this.mustBeOurs(ending, `the Auto Scaling group ${AutoScalingGroupName}`, fromAwsTags(Tags));
    const made = groups.flatMap(({ Tags }) => fromAwsTags(Tags)[RULE_TAG] ?? []);
    // Read before the first is removed: one that is not ours keeps all of it.
    const rest = groups.length === 0 ? await this.leftovers.of(ending.key, call) : undefined;
    for (const { kind, ref, tags } of rest ?? []) this.mustBeOurs(ending, `the ${kind} ${ref}`, tags);
    await this.ways.close(ending, rules, made, call);
    if (rest) {
      await this.leftovers.remove(ending.key, rest, call);
      return;
    }
    const running = groups.filter((group) => !isEnding(group));
    if (running.length === 0) return; // core asks again
    const targetGroups = running.flatMap(({ TargetGroupARNs = [] }) => TargetGroupARNs);
    await this.targets.endDraining(targetGroups, call);
    await this.groups.remove(running, call);
  }

  private mustBeOurs({ id }: Ending, what: string, tags: Readonly<Record<string, string>>): void {
    ours(this.parts.host, { type: 'environment', id, what, tags: toAwsTags(tags) });
  }
}
