import type { Call, Host } from '@clusternator/core/provider';
import { allSettled } from '../all-settled.ts';
import { conditionsFor } from '../alb/conditions.ts';
import { ours } from '../storage/ownership.ts';
import type { AwsTag } from '../storage/aws-tags.ts';
import type { EcsParts } from './clients.ts';
import { PublicWays, type GroupRequest, type Placed } from './public-ways.ts';
import { ServiceNames } from './service-names.ts';
import { SecretStore } from './secret-store.ts';
import { Services } from './services.ts';
import type { PlannedService } from './plan.ts';
import { serviceRequest, targetGroupRequest } from './service-requests.ts';
import { TaskDefinitions } from './task-definitions.ts';
import { ownSecrets, taskDefinitionRequest } from './task-requests.ts';
import { serviceName } from './names.ts';

/**
 * Makes a service that is not there yet. What it refers to comes first: its secrets and its task definition, beside its target group and
 * then the rule that leads there, without which ECS refuses it. The service itself comes last: where it is, all is.
 */
export class ServiceMaker {
  private readonly host: Host;
  private readonly ways: PublicWays;
  private readonly names: ServiceNames;
  private readonly secrets: SecretStore;
  private readonly services: Services;
  private readonly definitions: TaskDefinitions;

  constructor(private readonly parts: EcsParts) {
    const { ecs, elb, discovery, secrets, host, foundation } = parts;
    this.host = host;
    const requestOf: GroupRequest = (planned, port) => targetGroupRequest(parts, planned, port);
    this.ways = new PublicWays(elb, host, foundation, parts.loadBalancers, requestOf);
    this.names = new ServiceNames(discovery, foundation);
    this.secrets = new SecretStore(secrets, host);
    this.services = new Services(ecs, host, foundation);
    this.definitions = new TaskDefinitions(ecs, host);
  }

  /** What AWS would refuse in the middle of it. @throws ProviderError `invalid`, `unsupported`. */
  check(planned: PlannedService): void {
    const { route } = planned;
    taskDefinitionRequest(this.parts, planned, { hosts: {} });
    if (route) conditionsFor(route.hosts, route.path);
  }

  /** What has to be known before the first of them is made. @throws ProviderError `quota`. */
  place(...asked: Parameters<PublicWays['place']>): Promise<Placed> {
    return this.ways.place(...asked);
  }

  async make(planned: PlannedService, placed: Placed, call: Call): Promise<void> {
    const [definition, target, registry] = await allSettled([
      this.define(planned, call),
      this.ways.make(planned, placed, call),
      this.register(planned, call),
    ]);
    const made = { ...definition, ...target, ...registry };
    await this.services.create(serviceRequest(this.parts, planned, made, call), call);
  }

  private async define(planned: PlannedService, call: Call) {
    const { environment, name, spec } = planned;
    const own = ownSecrets(spec);
    const secret =
      Object.keys(own).length > 0 ? await this.secrets.create(name, own, environment.tags, call) : undefined;
    if (secret) this.mustBeOurs(planned, `the secret ${name}`, secret.tags);
    const needs = { hosts: this.hostsOf(planned), ...(secret && { secret: secret.arn }) };
    const request = taskDefinitionRequest(this.parts, planned, needs);
    return { taskDefinition: await this.definitions.register(request, call), ...(secret && { secret: secret.name }) };
  }

  private async register(planned: PlannedService, call: Call) {
    const { environment, name, isNeeded } = planned;
    if (!isNeeded) return undefined;
    const [before] = (await this.names.beginningWith(name, call)).filter(({ Name }) => Name === name);
    if (before) this.mustBeOurs(planned, `the name ${name}`, await this.names.tagsOf(before, call));
    const { Arn } = before ?? (await this.names.create(name, environment.tags, call));
    return Arn === undefined ? undefined : { registry: Arn };
  }

  /** By the variables in which it learns them. */
  private hostsOf({ environment, key, spec }: PlannedService): Readonly<Record<string, string>> {
    const all = Object.keys(environment.services);
    return Object.fromEntries(
      Object.entries(spec.needs)
        .filter(([, variable]) => variable !== '')
        .map(([needed, variable]) => [variable, this.names.hostOf(serviceName(key, all.indexOf(needed)))]),
    );
  }

  private mustBeOurs({ environment }: PlannedService, what: string, tags: readonly AwsTag[] | undefined): void {
    ours(this.host, { type: 'environment', id: environment.id, what, tags });
  }
}
