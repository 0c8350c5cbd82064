import {
  DescribeListenersCommand,
  DescribeLoadBalancersCommand,
  DescribeRulesCommand,
  DescribeTargetGroupsCommand,
  DescribeTargetHealthCommand,
  type ElasticLoadBalancingV2Client,
  type Listener as ListenerView,
  type LoadBalancer,
  type Rule,
  type TargetGroup,
} from '@aws-sdk/client-elastic-load-balancing-v2';
import type { Certificates } from './certificates.ts';
import type { ForwardMemory } from './forward-memory.ts';
import { Listener, type ListenerSettings } from './listener.ts';
import { groupsOf } from './rules.ts';
import type { Targets } from './targets.ts';

/** The data plane of all application load balancers of an account. */
export class LoadBalancers {
  /** By their DNS names, in lower case; in each by the port that it is said to listen on. */
  #byName = new Map<string, ReadonlyMap<number, Listener>>();
  readonly #listeners = new Map<string, Listener>();

  constructor(
    private readonly client: ElasticLoadBalancingV2Client,
    private readonly memory: ForwardMemory,
    private readonly targets: Targets,
    private readonly certificates: Certificates,
  ) {}

  has(name: string): boolean {
    return this.#byName.has(plain(name));
  }

  listener(name: string, port: number): Listener | undefined {
    return this.#byName.get(plain(name))?.get(port);
  }

  /** Takes over what the public interface tells. */
  async refresh(): Promise<void> {
    const [balancers, groups] = await Promise.all([this.#balancers(), this.#groups()]);
    const used = new Set<string>();
    const byName = new Map<string, ReadonlyMap<number, Listener>>();
    const kept = new Set<string>();
    for (const { LoadBalancerArn, DNSName = '' } of balancers) {
      const ports = new Map<number, Listener>();
      for (const view of await this.#listenersOf(LoadBalancerArn ?? '')) {
        const rules = await this.#rulesOf(view.ListenerArn ?? '');
        for (const { Actions = [] } of rules) for (const arn of groupsOf(Actions)) used.add(arn);
        kept.add(view.ListenerArn ?? '');
        ports.set(view.Port ?? 0, await this.#listen(view, rules));
      }
      byName.set(plain(DNSName), ports);
    }
    this.#byName = byName;
    this.targets.setGroups(groups, used);
    for (const [arn, listener] of this.#listeners) {
      if (kept.has(arn)) continue;
      this.#listeners.delete(arn);
      await listener.close();
    }
    await Promise.all(groups.map(async ({ TargetGroupArn }) => this.refreshTargets(TargetGroupArn ?? '')));
  }

  /** Takes over who is registered in a group. */
  async refreshTargets(TargetGroupArn: string): Promise<void> {
    const before = this.targets.versionOf(TargetGroupArn);
    const { TargetHealthDescriptions = [] } = await this.client
      .send(new DescribeTargetHealthCommand({ TargetGroupArn }))
      .catch(unlessGone({ TargetHealthDescriptions: [] }));
    // What was read before a change that was made here says nothing of it.
    if (this.targets.versionOf(TargetGroupArn) !== before) return this.refreshTargets(TargetGroupArn);
    const registered = TargetHealthDescriptions.flatMap(({ Target }) =>
      Target?.Id && Target.Port ? [{ address: Target.Id, port: Target.Port }] : [],
    );
    this.targets.setTargets(TargetGroupArn, registered);
  }

  async end(): Promise<void> {
    await Promise.all([...this.#listeners.values()].map(async (listener) => listener.close()));
    this.#listeners.clear();
    this.#byName.clear();
  }

  async #listen(view: ListenerView, rules: readonly Rule[]): Promise<Listener> {
    const arn = view.ListenerArn ?? '';
    const settings: ListenerSettings = { port: view.Port ?? 0, isTls: view.Protocol === 'HTTPS', rules };
    const known = this.#listeners.get(arn);
    if (known?.settings.isTls === settings.isTls) {
      known.settings = settings;
      return known;
    }
    await known?.close();
    const listener = await Listener.listen(settings, this.targets, this.certificates);
    this.#listeners.set(arn, listener);
    return listener;
  }

  async #balancers(): Promise<readonly LoadBalancer[]> {
    const all = await pages(async (Marker) => {
      const { LoadBalancers: items, NextMarker } = await this.client.send(new DescribeLoadBalancersCommand({ Marker }));
      return { items, NextMarker };
    });
    return all.filter(({ Type }) => Type === 'application');
  }

  async #groups(): Promise<readonly TargetGroup[]> {
    return pages(async (Marker) => {
      const { TargetGroups: items, NextMarker } = await this.client.send(new DescribeTargetGroupsCommand({ Marker }));
      return { items, NextMarker };
    });
  }

  async #listenersOf(LoadBalancerArn: string): Promise<readonly ListenerView[]> {
    return pages(async (Marker) => {
      const { Listeners: items, NextMarker } = await this.client.send(
        new DescribeListenersCommand({ LoadBalancerArn, Marker }),
      );
      return { items, NextMarker };
    }).catch(unlessGone([]));
  }

  /** With the default's among them. */
  async #rulesOf(ListenerArn: string): Promise<readonly Rule[]> {
    const rules = await pages(async (Marker) => {
      const { Rules: items, NextMarker } = await this.client.send(new DescribeRulesCommand({ ListenerArn, Marker }));
      return { items, NextMarker };
    }).catch(unlessGone([]));
    return rules.map((rule) => this.memory.restored(rule));
  }
}

interface Page<T> {
  readonly items: readonly T[] | undefined;
  readonly NextMarker: string | undefined;
}

async function pages<T>(read: (marker: string | undefined) => Promise<Page<T>>): Promise<readonly T[]> {
  const all: T[] = [];
  let marker: string | undefined;
  do {
    const page = await read(marker);
    all.push(...(page.items ?? []));
    marker = page.NextMarker;
  } while (marker);
  return all;
}

/** What was deleted since it was listed is not there; any other failure leaves all as it was. */
function unlessGone<T>(empty: T): (error: unknown) => T {
  return (error) => {
    if (error instanceof Error && error.name.includes('NotFound')) return empty;
    throw error;
  };
}

/** Aliases may ask for both families of addresses. */
function plain(name: string): string {
  return name
    .toLowerCase()
    .replace(/\.$/, '')
    .replace(/^dualstack\./, '');
}
