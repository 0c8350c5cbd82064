import { request } from 'node:http';
import { setTimeout as sleep } from 'node:timers/promises';
import {
  DeregisterTargetsCommand,
  DescribeTargetGroupAttributesCommand,
  RegisterTargetsCommand,
  type TargetGroup,
  type TargetHealth,
} from '@aws-sdk/client-elastic-load-balancing-v2';
import type { Clients } from './clients.ts';

const DELAY = 'deregistration_delay.timeout_seconds';
const DEFAULT_DELAY_SECONDS = 300;
const SHORTEST_PAUSE_MILLISECONDS = 50;

type State = 'initial' | 'healthy' | 'unhealthy' | 'draining' | 'unused';

/** Where to, and how it is. */
export interface Target {
  readonly address: string;
  readonly port: number;
  /** Where it is reached: an instance is registered by its id. */
  readonly host: string;
  health: TargetHealth & { State: State };
  /** Requests and connections that it has right now; each can be cut off. */
  readonly open: Set<() => void>;
  streak: number;
  timer: NodeJS.Timeout | undefined;
}
interface Group {
  settings: TargetGroup;
  isUsed: boolean;
  readonly targets: Map<string, Target>;
  turn: number;
  /** Rises with each change that is made here. */
  version: number;
}

const INITIAL = {
  State: 'initial',
  Reason: 'Elb.RegistrationInProgress',
  Description: 'Target registration is in progress',
} as const;
const UNUSED = {
  State: 'unused',
  Reason: 'Target.NotInUse',
  Description: 'Target group is not configured to receive traffic from the load balancer',
} as const;
const DRAINING = {
  State: 'draining',
  Reason: 'Target.DeregistrationInProgress',
  Description: 'Target deregistration is in progress',
} as const;

/**
 * The targets of all target groups, their health found by asking them.
 * @see https://docs.aws.amazon.com/elasticloadbalancing/latest/application/target-group-health-checks.html
 */
export class Targets {
  readonly #groups = new Map<string, Group>();
  #ended = false;

  /** @param onChange - A target's health is another. @param hostOf - Where a registered target is. */
  constructor(
    private readonly clients: Clients,
    private readonly speed: number,
    private readonly onChange: (group: string) => void,
    private readonly hostOf: (address: string) => string,
  ) {}

  /** Takes over what the groups are. @param used - Those that a listener or a rule leads to. */
  setGroups(groups: readonly TargetGroup[], used: ReadonlySet<string>): void {
    for (const settings of groups) {
      const arn = settings.TargetGroupArn ?? '';
      const group = this.#groups.get(arn) ?? newGroup(settings);
      this.#groups.set(arn, group);
      group.settings = settings;
      const isUsed = used.has(arn);
      if (isUsed === group.isUsed) continue;
      group.isUsed = isUsed;
      for (const target of group.targets.values()) {
        if (target.health.State !== 'draining') this.#begin(arn, group, target);
      }
    }
    const known = new Set(groups.map(({ TargetGroupArn }) => TargetGroupArn));
    for (const [arn, group] of this.#groups) {
      if (known.has(arn)) continue;
      for (const target of group.targets.values()) clearTimeout(target.timer);
      this.#groups.delete(arn);
    }
  }

  /** Takes over who is registered. */
  setTargets(arn: string, registered: readonly { readonly address: string; readonly port: number }[]): void {
    const group = this.#groups.get(arn);
    if (!group || this.#ended) return;
    const keys = new Set(registered.map(keyOf));
    for (const { address, port } of registered) {
      const known = group.targets.get(keyOf({ address, port }));
      if (known && known.health.State !== 'draining') continue;
      const target: Target = known ?? {
        address,
        port,
        host: this.hostOf(address),
        health: INITIAL,
        open: new Set(),
        streak: 0,
        timer: undefined,
      };
      group.targets.set(keyOf(target), target);
      this.#begin(arn, group, target);
    }
    for (const [key, target] of group.targets) {
      if (!keys.has(key) && target.health.State !== 'draining') void this.#drain(arn, group, target);
    }
  }

  async register(arn: string, address: string, port: number): Promise<void> {
    await this.clients.balancing.send(
      new RegisterTargetsCommand({ TargetGroupArn: arn, Targets: [{ Id: address, Port: port }] }),
    );
    const group = this.#groups.get(arn);
    if (!group) return;
    group.version += 1;
    this.setTargets(arn, [...registeredIn(group), { address, port }]);
  }

  versionOf(arn: string): number {
    return this.#groups.get(arn)?.version ?? 0;
  }

  /** Returns when no request of it is left, or after the group's delay. */
  async deregister(arn: string, address: string, port: number): Promise<void> {
    await this.clients.balancing
      .send(new DeregisterTargetsCommand({ TargetGroupArn: arn, Targets: [{ Id: address, Port: port }] }))
      .catch(() => undefined); // the group may be gone
    const group = this.#groups.get(arn);
    const target = group?.targets.get(keyOf({ address, port }));
    if (!group || !target) return;
    group.version += 1;
    await this.#drain(arn, group, target);
  }

  healthOf(arn: string, address: string, port: number): TargetHealth | undefined {
    return this.#groups.get(arn)?.targets.get(keyOf({ address, port }))?.health;
  }

  /** All targets of a group, also those that drain. */
  in(arn: string): readonly Target[] {
    return [...(this.#groups.get(arn)?.targets.values() ?? [])];
  }

  isUsed(arn: string): boolean {
    return this.#groups.get(arn)?.isUsed ?? false;
  }

  /** The next one to get a request. Where none is healthy, those get it that were found unhealthy: it "fails open". */
  next(arn: string): Target | undefined {
    const group = this.#groups.get(arn);
    if (!group) return undefined;
    const all = [...group.targets.values()];
    const healthy = all.filter(({ health }) => health.State === 'healthy');
    const able = healthy.length > 0 ? healthy : all.filter(({ health }) => health.State === 'unhealthy');
    return able[group.turn++ % Math.max(1, able.length)];
  }

  end(): void {
    this.#ended = true;
    for (const { targets } of this.#groups.values()) for (const { timer } of targets.values()) clearTimeout(timer);
    this.#groups.clear();
  }

  #begin(arn: string, group: Group, target: Target): void {
    clearTimeout(target.timer);
    target.streak = 0;
    target.health = group.isUsed ? INITIAL : UNUSED;
    this.onChange(arn);
    if (group.isUsed) void this.#check(arn, group, target);
  }

  async #check(arn: string, group: Group, target: Target): Promise<void> {
    const before = target.health;
    const failure = await failureOf(target, group.settings);
    if (this.#ended || target.health !== before || this.#groups.get(arn) !== group) return;
    const pause = ((group.settings.HealthCheckIntervalSeconds ?? 30) * 1000) / this.speed;
    target.timer = setTimeout(() => void this.#check(arn, group, target), Math.max(pause, SHORTEST_PAUSE_MILLISECONDS));
    const isGood = failure === undefined;
    if (isGood === (before.State === 'healthy')) {
      target.streak = 0;
      if (failure && before.State === 'unhealthy') target.health = failure;
      if (before.State !== 'initial') return;
    }
    target.streak += 1;
    const { HealthyThresholdCount = 5, UnhealthyThresholdCount = 2 } = group.settings;
    // A new one has to pass once.
    const needed = isGood ? (before.State === 'initial' ? 1 : HealthyThresholdCount) : UnhealthyThresholdCount;
    if (target.streak < needed) return;
    target.streak = 0;
    target.health = failure ?? { State: 'healthy' };
    this.onChange(arn);
  }

  async #drain(arn: string, group: Group, target: Target): Promise<void> {
    clearTimeout(target.timer);
    target.health = DRAINING;
    this.onChange(arn);
    const until = Date.now() + ((await this.#delayOf(arn)) * 1000) / this.speed;
    while (target.open.size > 0 && Date.now() < until && !this.#ended) await sleep(10);
    if (target.health !== DRAINING) return; // registered again meanwhile
    for (const cut of target.open) cut();
    if (group.targets.get(keyOf(target)) === target) group.targets.delete(keyOf(target));
    this.onChange(arn);
  }

  async #delayOf(TargetGroupArn: string): Promise<number> {
    const { Attributes = [] } = await this.clients.balancing
      .send(new DescribeTargetGroupAttributesCommand({ TargetGroupArn }))
      .catch(() => ({ Attributes: [] })); // the group is gone
    return Number(Attributes.find(({ Key }) => Key === DELAY)?.Value ?? DEFAULT_DELAY_SECONDS);
  }
}

function newGroup(settings: TargetGroup): Group {
  return { settings, isUsed: false, targets: new Map(), turn: 0, version: 0 };
}

function keyOf({ address, port }: { readonly address: string; readonly port: number }): string {
  return `${address}:${String(port)}`;
}

function registeredIn(group: Group): readonly Target[] {
  return [...group.targets.values()].filter(({ health }) => health.State !== 'draining');
}

/** Asks as the load balancer does. */
async function failureOf(
  target: Target,
  settings: TargetGroup,
): Promise<(TargetHealth & { State: State }) | undefined> {
  const { HealthCheckPath = '/', HealthCheckPort = 'traffic-port', HealthCheckTimeoutSeconds = 5 } = settings;
  const port = HealthCheckPort === 'traffic-port' ? target.port : Number(HealthCheckPort);
  const answer = await new Promise<number | 'Target.Timeout' | 'Target.FailedHealthChecks'>((resolve) => {
    const asked = request(
      {
        host: target.host,
        port,
        path: HealthCheckPath,
        headers: { host: `${target.host}:${String(port)}`, 'user-agent': 'ELB-HealthChecker/2.0' },
        agent: false,
        signal: AbortSignal.timeout(HealthCheckTimeoutSeconds * 1000),
      },
      (response) => {
        response.resume();
        resolve(response.statusCode ?? 0);
      },
    );
    asked.on('error', ({ name }) =>
      resolve(/Timeout|Abort/.test(name) ? 'Target.Timeout' : 'Target.FailedHealthChecks'),
    );
    asked.end();
  });
  if (typeof answer === 'string') {
    const Description = answer === 'Target.Timeout' ? 'Request timed out' : 'Health checks failed';
    return { State: 'unhealthy', Reason: answer, Description };
  }
  if (fits(answer, settings.Matcher?.HttpCode ?? '200')) return undefined;
  const Description = `Health checks failed with these codes: [${String(answer)}]`;
  return { State: 'unhealthy', Reason: 'Target.ResponseCodeMismatch', Description };
}

/** `200`, `200,202` or `200-299`. */
function fits(status: number, matcher: string): boolean {
  return matcher.split(',').some((part) => {
    const [from = NaN, to = from] = part.split('-').map(Number);
    return status >= from && status <= to;
  });
}
