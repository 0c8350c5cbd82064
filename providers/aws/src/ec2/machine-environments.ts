import type { AutoScalingGroup } from '@aws-sdk/client-auto-scaling';
import {
  NativeKey,
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
import { TargetGroups } from '../alb/target-groups.ts';
import { allSettled } from '../all-settled.ts';
import { byEnvironment, scaleEach } from '../by-environment.ts';
import { refuse } from '../environment-spec.ts';
import { HOST_TAG } from '../ecs/ecs-tags.ts';
import { healthOf } from '../ecs/environment-health.ts';
import { EnvironmentLogs } from '../ecs/environment-logs.ts';
import { showStates } from '../ecs/environment-view.ts';
import { keyOf, serviceOf } from '../ecs/handle.ts';
import { leftBehind } from '../ecs/left-behind.ts';
import { plannedServices } from '../ecs/plan.ts';
import type { ServiceState } from '../ecs/service-state.ts';
import { fromAwsTags } from '../storage/aws-tags.ts';
import { ours } from '../storage/ownership.ts';
import type { MachineParts } from './clients.ts';
import { DiskLook } from './disk-look.ts';
import { GroupMaker } from './group-maker.ts';
import { countOfGroups } from './group-state.ts';
import { GroupLook, type Looked } from './group-look.ts';
import { Groups } from './groups.ts';
import { MachineEnd } from './machine-end.ts';
import { MachineExec } from './machine-exec.ts';
import { MachineLeftovers } from './machine-leftovers.ts';
import { machineKey, onMachines } from './names.ts';
import { machineProblems } from './plan.ts';
import { Sources } from '../sources/sources.ts';

/** What `environment.as(awsMachines)` gives. */
export interface AwsMachines {
  /** As EC2 Auto Scaling tells of them. */
  readonly groups: readonly AutoScalingGroup[];
}
export const awsMachines = new NativeKey<AwsMachines>();

/**
 * Environments as machines of EC2: a service is an Auto Scaling group, with a launch template of its own, a target group and a rule of the
 * load balancer. A machine fetches the source of the commit and runs its command. Names follow from the environment's, so that one call
 * reads all groups.
 */
export class MachineEnvironments implements EnvironmentDriver {
  private readonly groups: Groups;
  private readonly targets: TargetGroups;
  private readonly maker: GroupMaker;
  private readonly leftovers: MachineLeftovers;
  private readonly end: MachineEnd;
  private readonly disks: DiskLook;
  private readonly look: GroupLook;
  private readonly log: EnvironmentLogs;
  private readonly commands: MachineExec;

  constructor(private readonly parts: MachineParts) {
    const { scaling, elb, s3, logs, ssm, host, foundation } = parts;
    const sources = new Sources(s3, host, foundation);
    this.groups = new Groups(scaling, host);
    this.targets = new TargetGroups(elb, host);
    this.disks = new DiskLook(parts);
    this.maker = new GroupMaker(parts, sources);
    this.leftovers = new MachineLeftovers(parts, sources);
    this.end = new MachineEnd(parts, sources);
    this.look = new GroupLook(parts, this.groups, this.targets, this.disks);
    this.log = new EnvironmentLogs(logs, host, foundation);
    this.commands = new MachineExec(ssm, host, this.targets);
  }

  async ensure(spec: EnvironmentSpec, call: Call): Promise<Environment> {
    refuse(spec, machineProblems(spec, this.parts.machine));
    const key = machineKey(this.parts.host, spec.id);
    const found = await this.groups.of(key, call);
    const identity = this.identityOf(spec.id, found);
    const planned = plannedServices(spec, key);
    const missing = planned.filter(
      ({ name }) => !found.some(({ AutoScalingGroupName }) => AutoScalingGroupName === name),
    );
    if (identity && (identity.fingerprint !== spec.fingerprint || missing.length === 0))
      return this.show(identity, key, found, call);
    for (const one of missing) this.maker.check(one, call);
    const known = await this.look.at(key, found, call);
    const isOver = known.some(({ state: { phase } }) => phase === 'destroying' || phase === 'failed');
    const next = isOver ? [] : missing;
    const before = await this.targets.all(call);
    const placed = await this.maker.place(spec, { planned, next }, before, call);
    await allSettled(next.map((one) => this.maker.make(one, placed, call)));
    const { id, fingerprint, tags } = spec;
    const waiting = Object.fromEntries(missing.map(({ service }) => [service, 'its machines are being started']));
    const about = { key, host: spec.hosts[0], count: Object.keys(spec.services).length };
    const states = known.map(({ state }) => state);
    return this.marked(
      showStates({ type: 'environment', id, fingerprint, tags }, about, states, {
        foundation: this.parts.foundation,
        waiting,
      }),
      found,
    );
  }

  async read({ id }: ResourceRef, call: Call): Promise<Environment | undefined> {
    const key = machineKey(this.parts.host, id);
    const found = await this.groups.of(key, call);
    const identity = this.identityOf(id, found);
    if (identity) return this.show(identity, key, found, call);
    const left = await this.leftovers.of(key, call);
    const own = left
      .map(({ tags }) => this.parts.host.identify(tags))
      .find((one) => one?.type === 'environment' && one.id === id);
    const what = left.map(({ kind, ref }) => `${kind} ${ref}`).join(', ');
    return own && this.onItsWay(own, key, `there is ${what}`);
  }

  async *list(call: Call): AsyncGenerator<Environment> {
    const { host } = this.parts;
    const byKey = await byEnvironment(
      this.groups.all(call),
      ({ AutoScalingGroupName: name, Tags }) => ({ name, tags: fromAwsTags(Tags) }),
      host,
    );
    for (const [key, { identity, parts }] of byKey) yield await this.show(identity, key, parts, call);
    for await (const { identity, key } of leftBehind('machines', this.targets, this.parts, byKey, call))
      yield this.onItsWay(identity, key);
  }

  async destroy({ id }: ResourceRef, call: Call): Promise<void> {
    await this.end.of({ id, key: machineKey(this.parts.host, id) }, call);
  }

  async health({ id }: Environment, call: Call): Promise<Health> {
    const key = machineKey(this.parts.host, id);
    const found = await this.groups.of(key, call);
    if (!this.identityOf(id, found))
      throw new ProviderError('not-found', `there is no environment ${id} on machines of the foundation`);
    const looked = await this.look.at(key, found, call);
    const targets = new Map(looked.map(({ state: { service }, targets: its }) => [service, its] as const));
    return healthOf(
      looked.map(({ state }) => state),
      targets,
      this.parts.host.now(),
    );
  }

  async *logs({ id, handle }: Environment, query: LogQuery, call: Call): AsyncGenerator<LogLine> {
    const key = keyOf(handle) ?? machineKey(this.parts.host, id);
    const runs = async (): Promise<boolean> => (await this.groups.of(key, call)).length > 0;
    yield* this.log.read(key, query, runs, call);
  }

  async scale(environment: Environment, instances: Readonly<Record<string, Instances>>, call: Call): Promise<void> {
    await scaleEach(environment, instances, async (name, count) => {
      const group = count > 0 ? await this.groups.find(name, call) : undefined;
      if (group) await this.disks.mustBeFree(group, call);
      await this.groups.scale(name, count, call);
    });
  }

  async exec({ id, handle }: Environment, request: ExecRequest, call: Call): Promise<ExecSession> {
    const name = serviceOf(handle, request.service);
    const group = name === undefined ? undefined : await this.groups.find(name, call);
    if (!group) throw new ProviderError('not-found', `there is no service ${request.service} of environment ${id}`);
    this.identityOf(id, [group]);
    return this.commands.run(group, request, call);
  }

  private async show(
    identity: Identity,
    key: string,
    groups: readonly AutoScalingGroup[],
    call: Call,
  ): Promise<Environment> {
    const looked: readonly Looked[] = await this.look.at(key, groups, call);
    const states: readonly ServiceState[] = looked.map(({ state }) => state);
    const host = groups.map(({ Tags }) => fromAwsTags(Tags)[HOST_TAG]).find((one) => one !== undefined);
    const about = { key, host, count: countOfGroups(groups) };
    return this.marked(showStates(identity, about, states, { foundation: this.parts.foundation }), groups);
  }

  private marked(shown: Environment, groups: readonly AutoScalingGroup[]): Environment {
    return awsMachines.attach({ ...shown, handle: onMachines(shown.handle) }, { groups });
  }

  private onItsWay({ id, fingerprint, tags }: Identity, key: string, message?: string): Environment {
    const handle = onMachines({ key });
    return {
      id,
      fingerprint,
      tags,
      phase: 'creating',
      handle,
      parts: {},
      ...(message !== undefined && { message }),
    };
  }

  /** @throws ProviderError `owned-by-other`. */
  private identityOf(id: string, found: readonly AutoScalingGroup[]): Identity | undefined {
    const identities = found.map(({ AutoScalingGroupName = '', Tags }) =>
      ours(this.parts.host, {
        type: 'environment',
        id,
        what: `the Auto Scaling group ${AutoScalingGroupName}`,
        tags: Tags,
      }),
    );
    return identities[0];
  }
}
