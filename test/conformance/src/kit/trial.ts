import { setTimeout as sleep } from 'node:timers/promises';
import { ProviderError, type Capabilities, type Provider, type Resource, type Zone } from '@clusternator/core';
import type { Wire, WireCall } from '../proxy/wire.ts';
import type { Artefacts } from './apps.ts';
import { KitClock } from './clock.ts';
import type { Account, Harness, Identified, Refusal, RefusalKind, Target } from './harness.ts';
import { httpGet, type HttpAnswer, type HttpOptions } from './http.ts';
import { NotRun, type CaseResult } from './report.ts';
import { Specs, type Owner } from './specs.ts';
import { Tenant, type Kind } from './tenant.ts';

export interface TrialParts {
  readonly harness: Harness;
  readonly account: Account;
  readonly wire: Wire | undefined;
  readonly artefacts: Artefacts;
  /** What the names of the run's projects begin with. */
  readonly runPrefix: string;
  /** Of this trial alone. */
  readonly project: string;
  /** Told so far by the whole run, for what a secret may have got into. */
  readonly told: string[];
  readonly counts: VerbCounts;
  /** What the cases before this one came to. */
  readonly before: readonly CaseResult[];
}
/** Mutating calls on the wire by verb: the most that one call of it made. */
export type VerbCounts = Map<string, number>;

/** What one change of records holds at most. */
export const RECORDS_AT_ONCE = 100;

/** The value of every secret that the kit gives away: it may turn up nowhere. */
export const SECRET = 'kit-secret-value-5b1f0c7e';

/** What a case works with: a project of its own in the account, the wire to the cloud, and whoever else is in the account. */
export class Trial {
  readonly clock = new KitClock();
  readonly main: Tenant;
  readonly specs: Specs;
  readonly #parts: TrialParts;
  readonly #tenants: Tenant[] = [];
  /** While it is set, the mutating calls of each verb are counted for the report. */
  isCounting = false;
  readonly secrets = { TOKEN: SECRET };

  constructor(parts: TrialParts) {
    this.#parts = parts;
    this.main = this.tenant();
    this.specs = this.specsOf(this.main);
  }

  get provider(): Provider {
    return this.#parts.harness.provider;
  }
  get harness(): Harness {
    return this.#parts.harness;
  }
  get account(): Account {
    return this.#parts.account;
  }
  get capabilities(): Capabilities {
    return this.main.capabilities;
  }
  get artefacts(): Artefacts {
    return this.#parts.artefacts;
  }
  get told(): readonly string[] {
    return this.#parts.told;
  }
  get before(): readonly CaseResult[] {
    return this.#parts.before;
  }
  get counts(): VerbCounts {
    return this.#parts.counts;
  }
  get runPrefix(): string {
    return this.#parts.runPrefix;
  }
  get hasWire(): boolean {
    return this.#parts.wire !== undefined;
  }
  get settleSeconds(): number {
    return this.harness.settleSeconds ?? 60;
  }
  get followSeconds(): number {
    return this.harness.followSeconds ?? 0;
  }
  /** A case that uses it names `wire` among its abilities. */
  get wire(): Wire {
    return must(this.#parts.wire, 'the fault proxy');
  }
  get stranger(): NonNullable<Account['stranger']> {
    return must(this.account.stranger, 'a stranger');
  }
  refusal(kind: RefusalKind): Refusal | ((call: WireCall) => Refusal) {
    const refusal = this.harness.refusals?.[kind];
    if (!refusal) throw new NotRun(`the harness does not say how its cloud refuses what is ${kind} (Harness.refusals)`);
    return refusal;
  }

  /** As another process would have it; `suffix` makes another project. */
  tenant(suffix = '', stage = 'kit'): Tenant {
    const { account, project, artefacts, told, wire, counts } = this.#parts;
    const owner: Owner = { project: `${project}${suffix}`, stage };
    const onVerb = (verb: string) => {
      const before = wire?.mutations ?? 0;
      return () => {
        if (this.isCounting) counts.set(verb, Math.max(counts.get(verb) ?? 0, (wire?.mutations ?? 0) - before));
      };
    };
    const tenant = new Tenant({
      ...{ provider: this.provider, account, owner, clock: this.clock, artefacts, told, onVerb },
      secrets: this.secrets,
      settleSeconds: this.settleSeconds,
    });
    this.#tenants.push(tenant);
    return tenant;
  }

  specsOf(tenant: Tenant): Specs {
    return new Specs(tenant.owner, this.account, this.artefacts, this.harness.parts);
  }

  target(type: Target['type'], id: string, tenant = this.main): Target {
    return { type, id, owner: tenant.owner };
  }

  /** An environment that runs, of one service that answers with its id. */
  environment(id: string, parts?: Parameters<Specs['environment']>[1]) {
    return this.main.make('environments', this.specs.environment(id, parts));
  }

  /** The URL of a part of it. */
  urlOf(resource: { readonly url?: string }, spec: { readonly hosts: readonly string[] }): string {
    return resource.url ?? `https://${must(spec.hosts[0], 'a host')}`;
  }

  get(url: string, query: Readonly<Record<string, string>> = {}, options?: HttpOptions): Promise<HttpAnswer> {
    const target = new URL(url);
    for (const [name, value] of Object.entries(query)) target.searchParams.set(name, value);
    return httpGet(this.account, target, options);
  }

  /** What is answered once the cloud has followed a write, or when it has had its time: at once, unless the harness tells of one. */
  async followed(
    url: string,
    hasFollowed: (answer: HttpAnswer) => boolean,
    options?: HttpOptions,
  ): Promise<HttpAnswer> {
    const deadline = this.clock.monotonicSeconds() + this.followSeconds;
    for (;;) {
      const answer = await this.get(url, {}, options);
      if (hasFollowed(answer) || this.clock.monotonicSeconds() >= deadline) return answer;
      await sleep(20);
    }
  }

  /** Looks again until it holds. @throws with what it saw last. */
  async until<T>(what: string, look: () => Promise<T> | T, holds: (seen: T) => boolean): Promise<T> {
    const deadline = this.clock.monotonicSeconds() + this.settleSeconds;
    for (let pauseMs = 5; ; pauseMs = Math.min(500, pauseMs * 1.5)) {
      const seen = await look();
      if (holds(seen)) return seen;
      if (this.clock.monotonicSeconds() > deadline)
        throw new Error(`it did not come to hold that ${what}; last seen: ${JSON.stringify(seen)}`);
      await sleep(pauseMs);
    }
  }

  /** What of this trial's projects is in the account, by the cloud's own lists, but for what they stand on. */
  async things(): Promise<readonly Identified[]> {
    return (await this.#everything()).filter(({ identity }) => identity?.type !== 'foundation');
  }

  /** The same of what they stand on. @param of - Left out: of all of the trial's projects. */
  async ground(of?: Tenant): Promise<readonly Identified[]> {
    const isWanted = (thing: Identified) => of === undefined || of.host.identify(thing.tags) !== undefined;
    const all = await this.#everything();
    return all.filter((thing) => thing.identity?.type === 'foundation' && isWanted(thing));
  }

  async #everything(): Promise<readonly Identified[]> {
    const all = (await this.account.inventory?.()) ?? [];
    return all.flatMap((thing) => {
      const tenant = this.#tenants.find(({ host }) => host.identify(thing.tags) !== undefined);
      const isNamed = this.#tenants.some(({ owner }) => thing.name.includes(owner.project));
      return tenant || isNamed ? [{ ...thing, identity: tenant?.host.identify(thing.tags) }] : [];
    });
  }

  /** A record name of this trial's own. */
  recordName(label: string): string {
    return `kit-${label}-${this.main.owner.project}.${must(this.account.zone, 'a zone')}`;
  }

  /** The zone to write in. */
  async zone(): Promise<Zone> {
    const dns = await this.main.dns();
    const all = await this.main.call('dns.zones', 'all', (call) => Array.fromAsync(dns.zones(call)));
    return must(
      all.find(({ name }) => name === this.account.zone),
      `a zone that the provider lists: ${all.map(({ name }) => name).join(', ')}`,
    );
  }

  /** Removes all that the trial's drivers list. Faults are lifted before. */
  async clean(): Promise<void> {
    this.#parts.wire?.lift();
    this.clock.skewSeconds = 0;
    this.clock.pace = 1;
    for (const tenant of distinctByOwner(this.#tenants)) {
      for (const kind of this.#kinds()) {
        const left: readonly Resource[] = await tenant.list(kind);
        await Promise.all(left.map((one) => tenant.remove(kind, one)));
      }
    }
    if (this.provider.drivers.dns && this.account.zone !== undefined) await this.#cleanRecords();
    if (this.provider.drivers.state) await this.#cleanDocuments();
  }

  /** Ends what its drivers opened. */
  async close(): Promise<void> {
    for (const tenant of this.#tenants) await tenant.close();
  }

  async #cleanRecords(): Promise<void> {
    const [dns, zone] = [await this.main.dns(), await this.zone()];
    const { project } = this.main.owner;
    await this.main.call('dns.change', 'clean', async (call) => {
      const left = (await Array.fromAsync(dns.records(zone, {}, call))).filter(({ name }) => name.includes(project));
      for (let from = 0; from < left.length; from += RECORDS_AT_ONCE)
        await dns.change(
          zone,
          left.slice(from, from + RECORDS_AT_ONCE).map((expected) => ({ expected, next: null })),
          call,
        );
      for (const own of await Array.fromAsync(dns.zones(call))) {
        if (!own.isOwn) continue;
        for (const expected of await Array.fromAsync(dns.records(own, {}, call)))
          if (expected.name !== own.name) await dns.change(own, [{ expected, next: null }], call);
        await dns.ownZones?.remove(own, call);
      }
    });
  }

  async #cleanDocuments(): Promise<void> {
    const state = await this.main.state();
    await this.main.call('state.delete', 'clean', async (call) => {
      for await (const { key, revision } of state.list(`${this.main.owner.project}/`, call))
        await state.delete(key, revision, call);
    });
  }

  /** In the order in which nothing is in use any more. */
  #kinds(): readonly Kind[] {
    const { drivers } = this.provider;
    const hasSnapshots = this.capabilities['storage.snapshots']?.can === 'yes';
    return [
      ...(drivers.slots ? (['slots'] as const) : []),
      ...(drivers.environments ? (['environments'] as const) : []),
      ...(drivers.storage && hasSnapshots ? (['snapshots'] as const) : []),
      ...(drivers.storage ? (['volumes'] as const) : []),
      ...(drivers.foundation ? (['foundation'] as const) : []),
    ];
  }
}

function distinctByOwner(tenants: readonly Tenant[]): readonly Tenant[] {
  return [...new Map(tenants.map((tenant) => [`${tenant.owner.project} ${tenant.owner.stage}`, tenant])).values()];
}

export function must<T>(value: T | undefined, what: string): T {
  if (value === undefined) throw new Error(`the harness has not given ${what}`);
  return value;
}

/** What was thrown, as its code. Not a ProviderError, or nothing thrown: a text that equals no code. */
export async function codeOf(work: Promise<unknown>): Promise<string> {
  const error = await errorOf(work);
  return error?.code ?? 'nothing was thrown';
}

/** @throws what was thrown, where that is no ProviderError. */
export async function errorOf(work: Promise<unknown>): Promise<ProviderError | undefined> {
  try {
    await work;
  } catch (error) {
    if (ProviderError.is(error)) return error;
    throw error;
  }
  return undefined;
}
