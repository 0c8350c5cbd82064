import type { Service } from '@aws-sdk/client-ecs';
import {
  ProviderError,
  type Call,
  type Environment,
  type EnvironmentDriver,
  type EnvironmentSpec,
  type ExecRequest,
  type ExecSession,
  type Health,
  type Identity,
  type Instances,
  type LogLine,
  type LogQuery,
  type ResourceRef,
} from '@clusternator/core/provider';
import { allSettled } from '../all-settled.ts';
import { TargetGroups } from '../alb/target-groups.ts';
import { byEnvironment, scaleEach } from '../by-environment.ts';
import { refuse } from '../environment-spec.ts';
import { toAwsTags } from '../storage/aws-tags.ts';
import { ours } from '../storage/ownership.ts';
import type { EcsParts } from './clients.ts';
import { fromEcsTags } from './ecs-tags.ts';
import { EnvironmentEnd } from './environment-end.ts';
import { healthOf } from './environment-health.ts';
import { EnvironmentLogs } from './environment-logs.ts';
import { nameOfService, showEnvironment } from './environment-view.ts';
import { keyOf, serviceOf, targetsOf } from './handle.ts';
import { LastWords } from './last-words.ts';
import { leftBehind } from './left-behind.ts';
import { Leftovers, type Leftover } from './leftovers.ts';
import { environmentKey } from './names.ts';
import { plannedServices, problemsOf, type PlannedService } from './plan.ts';
import { ServiceExec } from './service-exec.ts';
import { ServiceMaker } from './service-maker.ts';
import { Services } from './services.ts';
import { stateOf } from './service-state.ts';

/**
 * Environments as services of an ECS cluster on Fargate, each with a task definition of its own and, where it is public, a target group and
 * a rule of the load balancer. Their names follow from the environment's, so that one call reads them all.
 */
export class EcsEnvironments implements EnvironmentDriver {
  private readonly services: Services;
  private readonly groups: TargetGroups;
  private readonly maker: ServiceMaker;
  private readonly leftovers: Leftovers;
  private readonly end: EnvironmentEnd;
  private readonly log: EnvironmentLogs;
  private readonly lastWords: LastWords;
  private readonly commands: ServiceExec;
  /** Of which all services were seen: there is nothing more to look for before making. */
  private readonly complete = new Set<string>();
  /** By key: what AWS answered to the end of one. Whoever asks right after it, under the same token, is told so. */
  private readonly answered = new Map<string, { readonly token: string; readonly left: readonly Service[] }>();

  constructor(private readonly parts: EcsParts) {
    const { ecs, elb, logs, host, foundation } = parts;
    this.services = new Services(ecs, host, foundation);
    this.groups = new TargetGroups(elb, host);
    this.maker = new ServiceMaker(parts);
    this.leftovers = new Leftovers(parts);
    this.end = new EnvironmentEnd(parts);
    this.log = new EnvironmentLogs(logs, host, foundation);
    this.commands = new ServiceExec(ecs, host, foundation);
    this.lastWords = new LastWords({ ecs, logs, host, foundation });
  }

  async ensure(spec: EnvironmentSpec, call: Call): Promise<Environment> {
    refuse(spec, problemsOf(spec));
    const key = environmentKey(this.parts.host, spec.id);
    const [found, before] = await Promise.all([
      this.services.of(key, call),
      this.complete.has(key) ? undefined : this.groups.all(call),
    ]);
    const identity = this.identityOf(spec.id, found);
    if (identity && identity.fingerprint !== spec.fingerprint) return this.show(identity, key, found, call);
    const planned = plannedServices(spec, key);
    const missing = planned.filter(({ name }) => !found.some(({ serviceName }) => serviceName === name));
    if (missing.length === 0) {
      this.complete.add(key);
      if (identity) return this.show(identity, key, found, call);
    }
    for (const one of missing) this.maker.check(one);
    const groups = before ?? (await this.groups.all(call));
    const isOver = found.map(stateOf).some(({ phase }) => phase === 'destroying' || phase === 'failed');
    const next = isOver ? [] : missing.filter((one) => this.needsAreActive(one, found));
    const placed = await this.maker.place(spec, { planned, next }, groups, call);
    await allSettled(next.map((one) => this.maker.make(one, placed, call)));
    if (next.length === missing.length) this.complete.add(key);
    return this.onItsWay(spec, { key, found, missing, next });
  }

  async read({ id }: ResourceRef, call: Call): Promise<Environment | undefined> {
    const key = environmentKey(this.parts.host, id);
    const answer = this.answered.get(key);
    this.answered.delete(key);
    const known = answer?.token === call.token() ? answer.left : undefined;
    if (known?.length === 0) return undefined;
    const found = known ?? (await this.services.of(key, call));
    const identity = this.identityOf(id, found);
    if (identity) return this.show(identity, key, found, call);
    const left = await this.leftovers.of(key, call);
    return left.length === 0 ? undefined : this.showLeft(id, key, left);
  }

  async *list(call: Call): AsyncGenerator<Environment> {
    const { host, foundation } = this.parts;
    const byKey = await byEnvironment(
      this.services.all(call),
      ({ serviceName: name, tags }) => ({ name, tags: fromEcsTags(tags) }),
      host,
    );
    for (const [key, { identity, parts }] of byKey) yield showEnvironment(identity, key, parts, { foundation });
    for await (const { identity, key } of leftBehind('tasks', this.groups, this.parts, byKey, call)) {
      const { id, fingerprint, tags } = identity;
      yield { id, fingerprint, tags, phase: 'creating', handle: { key }, parts: {} };
    }
  }

  async destroy({ id }: ResourceRef, call: Call): Promise<void> {
    const key = environmentKey(this.parts.host, id);
    this.complete.delete(key);
    this.answered.delete(key);
    const left = await this.end.of({ id, key }, call);
    if (left) this.answered.set(key, { token: call.token(), left });
  }

  async health({ id, handle }: Environment, call: Call): Promise<Health> {
    const key = keyOf(handle) ?? environmentKey(this.parts.host, id);
    const [found, ...targets] = await Promise.all([
      this.services.of(key, call),
      ...Object.entries(targetsOf(handle)).map(
        async ([service, arn]) => [service, await this.groups.health(arn, call)] as const,
      ),
    ]);
    if (found.length === 0) throw noEnvironment(id);
    return healthOf(found.map(stateOf), new Map(targets), this.parts.host.now());
  }

  async *logs({ id, handle }: Environment, query: LogQuery, call: Call): AsyncGenerator<LogLine> {
    const key = keyOf(handle) ?? environmentKey(this.parts.host, id);
    const runs = async (): Promise<boolean> => (await this.services.of(key, call)).length > 0;
    yield* this.log.read(key, query, runs, call);
  }

  async scale(environment: Environment, instances: Readonly<Record<string, Instances>>, call: Call): Promise<void> {
    await scaleEach(environment, instances, (name, count) => this.services.scale(name, count, call));
  }

  async exec({ id, handle }: Environment, request: ExecRequest, call: Call): Promise<ExecSession> {
    const name = serviceOf(handle, request.service);
    const [service] = name === undefined ? [] : await this.services.named([name], call);
    if (!service) throw new ProviderError('not-found', `there is no service ${request.service} of environment ${id}`);
    return this.commands.run(service, request, call);
  }

  private needsAreActive({ spec }: PlannedService, found: readonly Service[]): boolean {
    const active = new Set(
      found.map(stateOf).flatMap(({ service, phase }) => (phase === 'active' || phase === 'stopped' ? [service] : [])),
    );
    return Object.keys(spec.needs).every((needed) => active.has(needed));
  }

  private async show(identity: Identity, key: string, found: readonly Service[], call: Call): Promise<Environment> {
    const shown = showEnvironment(identity, key, found, { foundation: this.parts.foundation });
    return shown.phase === 'failed' ? this.lastWords.addTo(shown, key, call) : shown;
  }

  /** What was just asked for: ECS tells of it when it is asked next. */
  private onItsWay(
    { id, fingerprint, tags }: EnvironmentSpec,
    now: {
      readonly key: string;
      readonly found: readonly Service[];
      readonly missing: readonly PlannedService[];
      readonly next: readonly PlannedService[];
    },
  ): Environment {
    const waiting = Object.fromEntries(
      now.missing.map((one) => [
        one.service,
        now.next.includes(one) ? 'it is being started' : `it waits for ${Object.keys(one.spec.needs).join(', ')}`,
      ]),
    );
    const { foundation } = this.parts;
    const shown = showEnvironment({ type: 'environment', id, fingerprint, tags }, now.key, now.found, {
      foundation,
      waiting,
    });
    return shown.phase === 'active' ? { ...shown, phase: 'creating' } : shown;
  }

  /** @throws ProviderError `owned-by-other`. */
  private identityOf(id: string, found: readonly Service[]): Identity | undefined {
    const identities = found.map((service) =>
      ours(this.parts.host, {
        ...{ type: 'environment', id, what: `the ECS service ${nameOfService(service)}` },
        tags: toAwsTags(fromEcsTags(service.tags)),
      }),
    );
    return identities[0];
  }

  private showLeft(id: string, key: string, left: readonly Leftover[]): Environment | undefined {
    const identities = left.map(({ tags }) => this.parts.host.identify(tags));
    const own = identities.find((one) => one?.type === 'environment' && one.id === id);
    if (!own) return undefined;
    const what = left.map(({ kind, ref }) => `${kind} ${ref}`).join(', ');
    const { fingerprint, tags } = own;
    return { id, fingerprint, tags, phase: 'creating', handle: { key }, parts: {}, message: `there is ${what}` };
  }
}

function noEnvironment(id: string): ProviderError {
  return new ProviderError('not-found', `there is no environment ${id} in the cluster`);
}
