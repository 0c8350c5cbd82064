import type { Call, Host } from '@clusternator/core/provider';
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

/** What there is of an environment beside its services. While those are whole they tell it themselves, and nothing is looked for. */
export class Leftovers {
  private readonly host: Host;
  private readonly groups: TargetGroups;
  private readonly names: ServiceNames;
  private readonly secrets: SecretStore;
  private readonly definitions: TaskDefinitions;

  constructor({ ecs, elb, discovery, secrets, host, foundation }: EcsParts) {
    this.host = host;
    this.groups = new TargetGroups(elb, host, foundation);
    this.names = new ServiceNames(discovery, foundation);
    this.secrets = new SecretStore(secrets, host);
    this.definitions = new TaskDefinitions(ecs, host);
  }

  async of(key: string, call: Call): Promise<readonly Leftover[]> {
    const prefix = `${key}-`;
    const [groups, definitions, secrets, names] = await Promise.all([
      this.groups.all(call),
      this.definitions.beginningWith(prefix, call),
      this.secrets.beginningWith(prefix, call),
      this.names.beginningWith(prefix, call),
    ]);
    const own = groups.filter(({ TargetGroupName = '' }) => TargetGroupName.startsWith(prefix));
    const [ofGroups, ofNames] = await Promise.all([
      this.groups.tags(own, call),
      Promise.all(names.map((name) => this.names.tagsOf(name, call))),
    ]);
    return [
      ...own.map(({ TargetGroupArn: ref = '' }) => ({
        kind: 'target group' as const,
        ref,
        tags: fromAwsTags(ofGroups.get(ref)),
      })),
      ...definitions.map(({ arn: ref, tags }) => ({ kind: 'task definition' as const, ref, tags })),
      ...secrets.map(({ name: ref, tags }) => ({ kind: 'secret' as const, ref, tags: fromAwsTags(tags) })),
      ...names.map(({ Id: ref = '' }, at) => ({ kind: 'name' as const, ref, tags: fromAwsTags(ofNames[at]) })),
    ];
  }

  async remove(leftovers: readonly Omit<Leftover, 'tags'>[], call: Call): Promise<void> {
    const of = (kind: Leftover['kind']): readonly string[] =>
      leftovers.filter((one) => one.kind === kind).map(({ ref }) => ref);
    await Promise.all([
      this.groups.remove(of('target group'), call),
      this.definitions.remove(of('task definition'), call),
      this.secrets.remove(of('secret'), call),
      this.names.remove(of('name'), call),
    ]);
  }
}
