import type { Call, Host } from '@clusternator/core/provider';
import { allSettled } from '../all-settled.ts';
import { TargetGroups } from '../alb/target-groups.ts';
import { fromAwsTags } from '../storage/aws-tags.ts';
import type { EcsParts } from './clients.ts';
import { SecretStore } from './secret-store.ts';
import { ServiceNames } from './service-names.ts';
import { TaskDefinitions } from './task-definitions.ts';

/** Something that was made for an environment, and whose it is. */
export interface Leftover {
  readonly kind: 'target group' | 'task definition' | 'secret' | 'name';
  /** As its service removes it: an ARN, a name, an id. */
  readonly ref: string;
  readonly tags: Readonly<Record<string, string>>;
}

/** Something whose service tells of it, and so whose it is. */
export type Known = Omit<Leftover, 'tags'>;

/** What there is of an environment beside its services. While those are whole they tell it themselves, and nothing is looked for. */
export class Leftovers {
  private readonly host: Host;
  private readonly groups: TargetGroups;
  private readonly names: ServiceNames;
  private readonly secrets: SecretStore;
  private readonly definitions: TaskDefinitions;

  constructor({ ecs, elb, discovery, secrets, host, foundation }: EcsParts) {
    this.host = host;
    this.groups = new TargetGroups(elb, host);
    this.names = new ServiceNames(discovery, foundation);
    this.secrets = new SecretStore(secrets, host);
    this.definitions = new TaskDefinitions(ecs, host);
  }

  /** @param known - What is not asked for: it is removed anyway. */
  async of(key: string, call: Call, known: readonly Known[] = []): Promise<readonly Leftover[]> {
    const prefix = `${key}-`;
    const refs = known.map(({ ref }) => ref);
    const [[own, ofGroups], definitions, secrets, [names, ofNames]] = await Promise.all([
      this.groupsOf(prefix, refs, call),
      this.definitions.beginningWith(prefix, call, refs),
      this.secrets.beginningWith(prefix, call),
      this.namesOf(prefix, refs, call),
    ]);
    return [
      ...own.map(({ TargetGroupArn: ref = '' }) => ({
        kind: 'target group' as const,
        ref,
        tags: fromAwsTags(ofGroups.get(ref)),
      })),
      ...definitions.map(({ arn: ref, tags }) => ({ kind: 'task definition' as const, ref, tags })),
      ...secrets
        .filter(({ name }) => !refs.includes(name))
        .map(({ name: ref, tags }) => ({ kind: 'secret' as const, ref, tags: fromAwsTags(tags) })),
      ...names.map(({ Id: ref = '' }, at) => ({ kind: 'name' as const, ref, tags: fromAwsTags(ofNames[at]) })),
    ];
  }

  /** What takes a call of its own before it can be removed, and can have that while what refers to it still runs. */
  async prepare(known: readonly Known[], call: Call): Promise<void> {
    await this.definitions.deregister(refsOf(known, 'task definition'), call);
  }

  async remove(leftovers: readonly Known[], call: Call): Promise<void> {
    await allSettled([
      this.groups.remove(refsOf(leftovers, 'target group'), call),
      this.definitions.remove(refsOf(leftovers, 'task definition'), call),
      this.secrets.remove(refsOf(leftovers, 'secret'), call),
      this.names.remove(refsOf(leftovers, 'name'), call),
    ]);
  }
  private async groupsOf(prefix: string, known: readonly string[], call: Call) {
    const own = (await this.groups.all(call)).filter(
      ({ TargetGroupName = '', TargetGroupArn = '' }) =>
        TargetGroupName.startsWith(prefix) && !known.includes(TargetGroupArn),
    );
    return [own, await this.groups.tags(own, call)] as const;
  }

  private async namesOf(prefix: string, known: readonly string[], call: Call) {
    const own = (await this.names.beginningWith(prefix, call)).filter(({ Id = '' }) => !known.includes(Id));
    return [own, await Promise.all(own.map((name) => this.names.tagsOf(name, call)))] as const;
  }
}

function refsOf(leftovers: readonly Known[], kind: Leftover['kind']): readonly string[] {
  return leftovers.filter((one) => one.kind === kind).map(({ ref }) => ref);
}
