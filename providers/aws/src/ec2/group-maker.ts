import type { Call } from '@clusternator/core/provider';
import { conditionsFor } from '../alb/conditions.ts';
import { allSettled } from '../all-settled.ts';
import type { PlannedService } from '../ecs/plan.ts';
import { PublicWays, type GroupRequest, type Placed } from '../ecs/public-ways.ts';
import { SecretStore } from '../ecs/secret-store.ts';
import { ownSecrets } from '../ecs/task-requests.ts';
import { subnetsIn } from '../storage/disk-zones.ts';
import { ours } from '../storage/ownership.ts';
import type { MachineParts } from './clients.ts';
import { disksOf } from './disks.ts';
import { Groups } from './groups.ts';
import { LaunchTemplates } from './launch-templates.ts';
import { groupRequest, launchTemplateRequest, machineTargets } from './requests.ts';
import { type Sources } from '../sources/sources.ts';

/** Stands for the digest of an archive that is not packed yet, and for the ARN of a secret. */
const ANY_SOURCE = { key: `sources/${'k'.repeat(31)}/${'0'.repeat(64)}.tar.gz`, sha256: '0'.repeat(64) };

/**
 * Makes the machines of a service that is not there yet. Its source and its secret come first, then the template that tells machines of
 * both, beside the target group and the rule that leads there. The group comes last: where it is, all is. With disks it is in their zone.
 */
export class GroupMaker {
  private readonly ways: PublicWays;
  private readonly secrets: SecretStore;
  private readonly templates: LaunchTemplates;
  private readonly groups: Groups;

  constructor(
    private readonly parts: MachineParts,
    private readonly sources: Sources,
  ) {
    const { scaling, ec2, elb, secrets, host, foundation } = parts;
    const requestOf: GroupRequest = (planned, port) => machineTargets(parts, planned, port);
    this.ways = new PublicWays(elb, host, foundation, parts.loadBalancers, requestOf);
    this.secrets = new SecretStore(secrets, host);
    this.templates = new LaunchTemplates(ec2, host);
    this.groups = new Groups(scaling, host);
  }

  /** What AWS would refuse in the middle of it. @throws ProviderError `invalid`. */
  check(planned: PlannedService, call: Call): void {
    launchTemplateRequest(this.parts, planned, { source: ANY_SOURCE }, call);
    if (planned.route) conditionsFor(planned.route.hosts, planned.route.path);
  }

  /** What has to be known before the first of them is made. @throws ProviderError `quota`. */
  place(...asked: Parameters<PublicWays['place']>): Promise<Placed> {
    return this.ways.place(...asked);
  }

  async make(planned: PlannedService, placed: Placed, call: Call): Promise<void> {
    const [zone] = disksOf(planned.spec).map((disk) => disk.zone);
    const [subnets, described, target] = await allSettled([
      zone === undefined ? undefined : subnetsIn(zone, this.parts, call),
      this.describe(planned, call),
      this.ways.make(planned, placed, call),
    ]);
    await this.groups.create(
      groupRequest(this.parts, planned, { ...described, ...target, ...(subnets && { subnets }) }),
      call,
    );
  }

  private async describe(planned: PlannedService, call: Call) {
    const { environment, key, name, spec } = planned;
    if (spec.artefact.kind !== 'files') throw new Error(`service ${planned.service} has no source`);
    const own = ownSecrets(spec);
    const [source, secret] = await allSettled([
      this.sources.put(key, spec.artefact, environment.tags, call),
      Object.keys(own).length > 0 ? this.secrets.create(name, own, environment.tags, call) : undefined,
    ]);
    if (secret)
      ours(this.parts.host, {
        type: 'environment',
        id: environment.id,
        what: `the secret ${name}`,
        tags: secret.tags,
      });
    const request = launchTemplateRequest(this.parts, planned, { source, ...(secret && { secret: secret.arn }) }, call);
    const template = await this.templates.create(request, environment.id, call);
    return { template, ...(secret && { secret: secret.name }) };
  }
}
