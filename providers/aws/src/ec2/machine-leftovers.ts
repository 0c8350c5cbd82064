import type { Call, Host } from '@clusternator/core/provider';
import { allSettled } from '../all-settled.ts';
import { TargetGroups } from '../alb/target-groups.ts';
import { SecretStore } from '../ecs/secret-store.ts';
import { fromAwsTags } from '../storage/aws-tags.ts';
import type { MachineParts } from './clients.ts';
import { LaunchTemplates } from './launch-templates.ts';
import type { Sources } from '../sources/sources.ts';

/** Something that was made for an environment beside its groups, and whose it is. */
export interface Rest {
  readonly kind: 'target group' | 'launch template' | 'secret' | 'source';
  /** As its service removes it: an ARN, or a name. */
  readonly ref: string;
  readonly tags: Readonly<Record<string, string>>;
}

/** What there is of an environment beside its groups. */
export class MachineLeftovers {
  private readonly host: Host;
  private readonly targets: TargetGroups;
  private readonly templates: LaunchTemplates;
  private readonly secrets: SecretStore;

  constructor(
    { ec2, elb, secrets, host }: MachineParts,
    private readonly sources: Sources,
  ) {
    this.host = host;
    this.targets = new TargetGroups(elb, host);
    this.templates = new LaunchTemplates(ec2, host);
    this.secrets = new SecretStore(secrets, host);
  }

  async of(key: string, call: Call): Promise<readonly Rest[]> {
    const prefix = `${key}-`;
    const [groups, templates, secrets, source] = await Promise.all([
      this.targets.all(call),
      this.templates.beginningWith(prefix, call),
      this.secrets.beginningWith(prefix, call),
      this.sources.left(key, call),
    ]);
    const own = groups.filter(({ TargetGroupName = '' }) => TargetGroupName.startsWith(prefix));
    const ofGroups = await this.targets.tags(own, call);
    return [
      ...own.map(({ TargetGroupArn: ref = '' }) => ({
        kind: 'target group' as const,
        ref,
        tags: fromAwsTags(ofGroups.get(ref)),
      })),
      ...templates.map(({ LaunchTemplateName: ref = '', Tags }) => ({
        kind: 'launch template' as const,
        ref,
        tags: fromAwsTags(Tags),
      })),
      ...secrets.map(({ name: ref, tags }) => ({ kind: 'secret' as const, ref, tags: fromAwsTags(tags) })),
      ...(source ? [{ kind: 'source' as const, ref: source.key, tags: source.tags }] : []),
    ];
  }

  /** With all sources of the environment: their place in our own bucket says whose they are. */
  async remove(key: string, rest: readonly Rest[], call: Call): Promise<void> {
    const of = (kind: Rest['kind']): readonly string[] => rest.filter((one) => one.kind === kind).map(({ ref }) => ref);
    await allSettled([
      this.targets.remove(of('target group'), call),
      this.templates.remove(of('launch template'), call),
      this.secrets.remove(of('secret'), call),
      this.sources.remove(key, call),
    ]);
  }
}
