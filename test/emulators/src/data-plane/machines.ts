import {
  paginateDescribeAutoScalingGroups,
  TerminateInstanceInAutoScalingGroupCommand,
  type AutoScalingGroup,
} from '@aws-sdk/client-auto-scaling';
import { DescribeLaunchTemplateVersionsCommand } from '@aws-sdk/client-ec2';
import type { Disks } from './disks.ts';
import { ensureMachineImage, type MachineImage } from './machine-image.ts';
import { Machine, type MachinePlace } from './machine.ts';
import type { Plane } from './plane.ts';

/** What a machine does before it answers takes as long here as anywhere: a grace that is shortened for tests is no shorter than this. */
const LEAST_GRACE_MILLISECONDS = 120_000;

/** Where an instance of a group gets its requests. */
interface Ways {
  readonly groups: readonly string[];
  /** Before that long it is not given up for what its target groups say. */
  readonly graceMilliseconds: number;
  readonly isByBalancer: boolean;
}

/** The instances of all Auto Scaling groups of an account. */
export class Machines {
  readonly #machines = new Map<string, Machine>();
  readonly #ways = new Map<string, Ways>();
  readonly #addresses = new Map<string, string>();
  readonly #ending = new Set<Machine>();
  readonly #leaving = new Set<Promise<void>>();
  readonly #givenUp = new Set<string>();
  #image: Promise<MachineImage> | undefined;
  #isEnding = false;

  /** @param endpoint - Where machines reach the public interface. @param disks - What those that ended had. */
  constructor(
    private readonly plane: Plane,
    private readonly region: string,
    private readonly endpoint: () => string,
    private readonly disks: Pick<Disks, 'ended'>,
  ) {}

  get all(): readonly Machine[] {
    return [...this.#machines.values()];
  }

  /** Where a target is: that of an instance is told by its id. */
  addressOf(target: string): string {
    if (!target.startsWith('i-')) return target;
    const known = this.#addresses.get(target) ?? this.plane.engine.nextAddress();
    this.#addresses.set(target, known);
    return known;
  }

  /** Of one that runs, or is ending. */
  containerOf(id: string): string | undefined {
    return [...this.all, ...this.#ending].find(({ place }) => place.id === id)?.container;
  }

  has(group: string): boolean {
    return [...this.#ways.keys()].includes(group);
  }

  /** Takes over what the public interface tells. */
  async refresh(): Promise<void> {
    const { scaling } = this.plane.clients;
    const seen = new Set<string>();
    const groups: AutoScalingGroup[] = [];
    for await (const page of paginateDescribeAutoScalingGroups({ client: scaling }, {}))
      groups.push(...(page.AutoScalingGroups ?? []));
    this.#remember(groups);
    for (const { AutoScalingGroupName: group = '', Instances = [] } of groups) {
      for (const { InstanceId: id = '', LaunchTemplate } of Instances) {
        seen.add(id);
        if (this.#machines.has(id) || this.#isEnding) continue;
        const made = await this.#madeOf(LaunchTemplate?.LaunchTemplateId, LaunchTemplate?.Version);
        this.#start(new Machine({ id, group, ...made }, this.addressOf(id), this.plane));
      }
    }
    for (const machine of this.all) {
      if (!seen.has(machine.place.id)) this.#leave(machine);
      else if (this.#isUnhealthy(machine)) await this.#giveUp(machine);
    }
  }

  /** Returns when what is to end has ended. */
  async settled(): Promise<void> {
    await Promise.all(this.#leaving);
  }

  async end(): Promise<void> {
    this.#isEnding = true;
    await Promise.all([...this.#leaving, ...this.all.map(async (machine) => machine.end())]);
    this.#machines.clear();
  }

  /** One that is gone is remembered for as long as its machines end. */
  #remember(groups: readonly AutoScalingGroup[]): void {
    const names = new Set(groups.map(({ AutoScalingGroupName }) => AutoScalingGroupName));
    for (const name of this.#ways.keys())
      if (!names.has(name) && !this.all.some(({ place }) => place.group === name)) this.#ways.delete(name);
    for (const { AutoScalingGroupName: name = '', ...group } of groups) {
      this.#ways.set(name, {
        groups: group.TargetGroupARNs ?? [],
        graceMilliseconds: Math.max(
          LEAST_GRACE_MILLISECONDS,
          ((group.HealthCheckGracePeriod ?? 0) * 1000) / this.plane.speed,
        ),
        isByBalancer: group.HealthCheckType === 'ELB',
      });
    }
  }

  #start(machine: Machine): void {
    this.#machines.set(machine.place.id, machine);
    const variables = {
      AWS_ENDPOINT_URL: this.endpoint(),
      AWS_ACCESS_KEY_ID: 'machine',
      AWS_SECRET_ACCESS_KEY: 'machine',
      AWS_DEFAULT_REGION: this.region,
    };
    this.#image ??= ensureMachineImage(this.plane.engine);
    void this.#image
      .then(async (image) => machine.start(image, variables, () => void this.#giveUp(machine)))
      .catch(async (error: unknown) => {
        process.stderr.write(`data plane: ${machine.place.id} did not start: ${String(error)}\n`);
        await this.#giveUp(machine);
      });
  }

  /** As Auto Scaling does: no more new requests, those in flight are waited for, and then it ends. */
  #leave(machine: Machine): void {
    const { id, group } = machine.place;
    this.#machines.delete(id);
    this.#ending.add(machine);
    const leaving = (async () => {
      const { targets } = this.plane;
      const registered = (this.#ways.get(group)?.groups ?? []).flatMap((arn) =>
        targets.in(arn).flatMap(({ address, port }) => (address === id ? [{ arn, port }] : [])),
      );
      await Promise.all(registered.map(async ({ arn, port }) => targets.deregister(arn, id, port)));
      await machine.end();
      this.#ending.delete(machine);
      await this.disks.ended(id);
    })();
    this.#leaving.add(leaving);
    void leaving.finally(() => this.#leaving.delete(leaving));
  }

  /** Auto Scaling starts another in its place. */
  async #giveUp(machine: Machine): Promise<void> {
    const { id } = machine.place;
    if (this.#isEnding || machine.isOver || this.#givenUp.has(id)) return;
    this.#givenUp.add(id);
    await this.plane.clients.scaling
      .send(new TerminateInstanceInAutoScalingGroupCommand({ InstanceId: id, ShouldDecrementDesiredCapacity: false }))
      .catch(() => undefined); // its group was deleted meanwhile
  }

  #isUnhealthy({ place: { id, group }, startedAt }: Machine): boolean {
    const ways = this.#ways.get(group);
    if (!ways?.isByBalancer || Date.now() - startedAt < ways.graceMilliseconds) return false;
    const own = ways.groups.flatMap((arn) => this.plane.targets.in(arn).filter(({ address }) => address === id));
    return own.some(({ health }) => health.State === 'unhealthy');
  }

  async #madeOf(
    LaunchTemplateId: string | undefined,
    version = '$Default',
  ): Promise<Pick<MachinePlace, 'userData' | 'profile'>> {
    const asked = new DescribeLaunchTemplateVersionsCommand({ LaunchTemplateId, Versions: [version] });
    const { LaunchTemplateVersions = [] } = await this.plane.clients.ec2.send(asked);
    const { UserData = '', IamInstanceProfile } = LaunchTemplateVersions[0]?.LaunchTemplateData ?? {};
    return { userData: UserData, profile: IamInstanceProfile?.Arn };
  }
}
