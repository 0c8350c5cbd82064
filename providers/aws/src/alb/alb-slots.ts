import {
  AddTagsCommand,
  ModifyRuleCommand,
  type ElasticLoadBalancingV2Client,
  type Rule,
} from '@aws-sdk/client-elastic-load-balancing-v2';
import {
  ProviderError,
  type Call,
  type Handle,
  type Host,
  type Identity,
  type RecordSet,
  type ResourceRef,
  type Route,
  type Slot,
  type SlotDriver,
  type SlotSpec,
} from '@clusternator/core/provider';
import { allSettled } from '../all-settled.ts';
import type { AwsFoundation } from '../foundation/outputs.ts';
import { fromAwsTags, toAwsTags, type AwsTag } from '../storage/aws-tags.ts';
import { ours } from '../storage/ownership.ts';
import { otherBalancerOf } from './balancers.ts';
import { tagsOf } from './elb-tags.ts';
import { schemeOf } from './listener.ts';
import { priorityDepth } from './priorities.ts';
import { AllRules, type Ruled, type Rules } from './rules.ts';
import { homeOf } from './slot-home.ts';
import { knownRules, slotHandle } from './slot-handle.ts';
import { mustBeInReach } from './slot-reach.ts';
import { routesOf, stampOf, UNSTAMPED } from './slot-routes.ts';
import {
  HEAD,
  LACKING,
  NOBODY,
  rulesOf,
  slotActions,
  slotConditions,
  slotKey,
  slotRuleOf,
  type SlotRule,
} from './slot-rules.ts';

/** Beside core's tags: how many rules there are once all are made. */
const RULES_TAG = 'rule_count';
const RECORD_SECONDS = 300;

type Tags = ReadonlyMap<string, readonly AwsTag[]>;
interface Found {
  readonly rules: readonly Rule[];
  /** Of all load balancers. */
  readonly all: readonly Ruled[];
  readonly tags: Tags;
}

/**
 * Slots as rules of the load balancer: one a public part for the head, and one for each standby, which so stays attached and is checked. A
 * rule's routes and the stamp that they were written under are one write, for the stamp is a host of the rule that no request ever names.
 * The load balancer takes no condition: core reads before and after. A slot lives behind one of a foundation's.
 */
export class AlbSlots implements SlotDriver {
  private readonly rules: AllRules;

  constructor(
    private readonly elb: ElasticLoadBalancingV2Client,
    private readonly host: Host,
    private readonly foundation: AwsFoundation,
  ) {
    this.rules = new AllRules(elb, host, foundation);
  }

  async ensure(spec: SlotSpec, call: Call): Promise<Slot> {
    const key = slotKey(this.host, spec.id);
    const before = await this.find(key, call);
    this.identityOf(spec.id, before);
    const wanted = rulesOf(spec);
    const kept = wanted.map((rule) => before.rules.find((one) => isFor(rule, one)));
    const surplus = before.rules.filter((rule) => !kept.includes(rule));
    const stamp = kept.flatMap((rule) => (rule && slotRuleOf(rule)?.stamp) ?? [])[0] ?? UNSTAMPED;
    const tags = { ...spec.tags, [RULES_TAG]: String(wanted.length) };
    for (const rule of wanted) slotConditions(rule, stamp, key); // what no rule takes is refused before any is made
    const isNew = before.rules.length === 0;
    const home = await this.homeOf(spec.id, before, call);
    const writing = wanted.map((rule, at) => {
      const there = kept[at];
      if (there) return this.rename(rule, there, key, call);
      // It takes over what the rule did that it replaces.
      const former = before.rules.find((one) => isSamePart(rule, one));
      return this.add(rule, { home, key, stamp, tags, isNew, ...(former && { former }) }, call);
    });
    const isChanged = (await allSettled(writing)).includes(true);
    await this.rules.remove(surplus, call);
    const retagged = await this.retag(
      kept.filter((rule) => rule !== undefined),
      before.tags,
      tags,
      call,
    );
    if (!isChanged && surplus.length === 0 && !retagged) return this.mustShow(spec.id, before, spec);
    return this.mustShow(spec.id, await this.find(key, call), spec);
  }

  /** @param ref - With the handle, the tags of the rules that it knows are asked for beside the rules, and not after them. */
  async read({ id, handle }: ResourceRef, call: Call): Promise<Slot | undefined> {
    const found = await this.find(slotKey(this.host, id), call, handle);
    return this.show(id, found);
  }

  async *list(call: Call): AsyncGenerator<Slot> {
    const byKey = Map.groupBy(await this.rules.all(call), (rule) => slotRuleOf(rule)?.key);
    const marked = [...byKey].flatMap(([key, rules]) => (key === undefined ? [] : [rules]));
    const tags = await this.tags(marked.flat(), call);
    for (const rules of marked) {
      const identities = rules.map(({ RuleArn = '' }) => this.host.identify(fromAwsTags(tags.get(RuleArn))));
      const [identity] = identities.filter((one) => one?.type === 'slot');
      const own = rules.filter((_, at) => identities[at]?.type === 'slot' && identities[at].id === identity?.id);
      const slot = identity && this.show(identity.id, { rules: own, tags, all: [] });
      if (slot) yield slot;
    }
  }

  /** A rule's ARN never returns: an end that comes late finds none of its own. */
  async destroy({ id, handle }: ResourceRef, call: Call): Promise<void> {
    const found = await this.find(slotKey(this.host, id), call);
    this.identityOf(id, found);
    const known = handle && new Set(knownRules(handle).map(({ arn }) => arn));
    const meant = found.rules.filter(({ RuleArn = '' }) => known?.has(RuleArn) ?? true);
    if (meant.length === 0 && found.rules.length > 0)
      throw new ProviderError('conflict', `slot ${id} was made anew since it was read`, { effect: 'none' });
    await this.rules.remove(meant, call);
  }

  async route(slot: Slot, routes: readonly Route[], stamp: string, call: Call): Promise<Slot> {
    const key = slotKey(this.host, slot.id);
    const known = knownRules(slot.handle);
    if (known.length === 0) throw new ProviderError('not-found', `there is no slot ${slot.id}`, { effect: 'none' });
    for (const one of routes) mustBeInReach(this.foundation, slot, one);
    const writing = known.map(({ arn, ...rule }) => {
      const command = new ModifyRuleCommand({
        RuleArn: arn,
        Conditions: slotConditions(rule, stamp, key),
        Actions: slotActions(rule, routes),
      });
      return this.elb.send(command, { abortSignal: call.signal });
    });
    // Each answer has the rule as it is then. Its tags are as they were read: core looks at all of it next.
    const rules = (await allSettled(writing)).flatMap(({ Rules = [] }) => Rules);
    const { stamp: _, ...rest } = slot;
    return { ...rest, ...this.shown(rules) };
  }

  private async find(key: string, call: Call, handle: Handle = {}): Promise<Found> {
    const known = knownRules(handle).map(({ arn }) => arn);
    const [all, early] = await Promise.all([
      this.rules.byBalancer(call),
      // One of them may be gone. That is told by what is there.
      tagsOf(this.elb, this.host, known, call).catch((): Tags => new Map()),
    ]);
    const rules = all.flatMap((one) => one.rules.filter((rule) => slotRuleOf(rule)?.key === key));
    const isWhole = rules.every(({ RuleArn = '' }) => early.has(RuleArn));
    return { rules, all, tags: isWhole ? early : await this.tags(rules, call) };
  }

  private tags(rules: readonly Rule[], call: Call): Promise<Tags> {
    const arns = rules.map(({ RuleArn = '' }) => RuleArn);
    return tagsOf(this.elb, this.host, arns, call);
  }

  /** Other hosts for a rule, which keeps where it leads to. @returns Whether anything was written. */
  private async rename(rule: SlotRule, there: Rule, key: string, call: Call): Promise<boolean> {
    const told = slotRuleOf(there);
    if (told && isSame(told.hosts, rule.hosts) && told.path === rule.path) return false;
    const Conditions = slotConditions(rule, told?.stamp ?? UNSTAMPED, key);
    await this.elb.send(new ModifyRuleCommand({ RuleArn: there.RuleArn, Conditions }), { abortSignal: call.signal });
    return true;
  }

  private async add(
    rule: SlotRule,
    to: {
      readonly home: Rules;
      readonly key: string;
      readonly stamp: string;
      readonly tags: Readonly<Record<string, string>>;
      readonly former?: Rule;
      readonly isNew: boolean;
    },
    call: Call,
  ): Promise<true> {
    const { home, key, stamp, tags, former, isNew } = to;
    const newRule = {
      name: `${key}.${rule.role}.${rule.part}`,
      route: rule.path,
      conditions: slotConditions(rule, stamp, key),
      // No environment that the slot leads to has a part that is new to it, and no standby a place.
      actions: former?.Actions ?? (isNew || rule.role !== HEAD ? NOBODY : LACKING),
      tags: toAwsTags(tags),
    };
    await home.make(newRule, (one) => slotRuleOf(one)?.key === key && isFor(rule, one), call);
    return true;
  }

  /** Tags that somebody else put on are left. @returns Whether anything was written. */
  private async retag(
    rules: readonly Rule[],
    have: Tags,
    tags: Readonly<Record<string, string>>,
    call: Call,
  ): Promise<boolean> {
    const behind = rules.flatMap(({ RuleArn = '' }) => {
      const now = fromAwsTags(have.get(RuleArn));
      return Object.entries(tags).every(([key, value]) => now[key] === value) ? [] : [RuleArn];
    });
    for (const ResourceArn of behind) {
      const command = new AddTagsCommand({ ResourceArns: [ResourceArn], Tags: toAwsTags(tags) });
      await this.elb.send(command, { abortSignal: call.signal });
    }
    return behind.length > 0;
  }

  /** @throws ProviderError `owned-by-other`. */
  private identityOf(id: string, { rules, tags }: Pick<Found, 'rules' | 'tags'>): Identity | undefined {
    const identities = rules.map(({ RuleArn = '' }) =>
      ours(this.host, { type: 'slot', id, what: `the rule ${RuleArn}`, tags: tags.get(RuleArn) }),
    );
    return identities[0];
  }

  private show(id: string, found: Found): Slot | undefined {
    const identity = this.identityOf(id, found);
    if (!identity) return undefined;
    const { fingerprint, tags } = identity;
    const counts = found.rules.map(({ RuleArn = '' }) => fromAwsTags(found.tags.get(RuleArn))[RULES_TAG]);
    const isWhole = counts.every((count) => count === String(found.rules.length));
    const phase = isWhole ? ('active' as const) : ('creating' as const);
    return { id, phase, fingerprint, tags, ...this.shown(found.rules) };
  }

  private mustShow(id: string, found: Found, spec: SlotSpec): Slot {
    const slot = this.show(id, found);
    if (!slot)
      throw new ProviderError('unavailable', `slot ${id} was made, and the load balancer tells of none of its rules`);
    const records = this.recordsFor([...spec.hosts, ...spec.standbyHosts], found.rules);
    return { ...slot, ...(records.length > 0 && { records }) };
  }

  private shown(rules: readonly Rule[]): Pick<Slot, 'handle' | 'routes' | 'stamp' | 'url'> {
    const stamp = stampOf(rules);
    const [host] = rules.flatMap((rule) => {
      const told = slotRuleOf(rule);
      return told?.role === HEAD ? told.hosts.slice(0, 1) : [];
    });
    return {
      handle: slotHandle(rules),
      routes: routesOf(rules),
      ...(stamp !== undefined && { stamp }),
      ...(host !== undefined && schemeOf(this.foundation) === 'http' && { url: `http://${host}` }),
    };
  }

  /** Where a new slot has nothing that was made for it, it lives behind the first: what is shared is there. */
  private async homeOf(id: string, { all }: Found, call: Call): Promise<Rules> {
    const { loadBalancer: first } = this.foundation;
    return this.rules.of(
      (all.length > 1 ? await homeOf(id, all, { elb: this.elb, host: this.host }, call) : undefined) ?? first,
    );
  }

  /** Names under the domain lead to the first load balancer by the foundation's own record. */
  private recordsFor(hosts: readonly string[], rules: readonly Rule[]): readonly RecordSet[] {
    const arns = rules.flatMap(({ RuleArn }) => RuleArn ?? []);
    const other = otherBalancerOf(this.foundation, arns);
    const { dnsName } = other ?? this.foundation.loadBalancer;
    const domain = other ? undefined : this.foundation.domain;
    return hosts
      .filter((host) => domain === undefined || !host.endsWith(`.${domain}`))
      .map((name) => ({
        name,
        type: 'CNAME',
        ttlSeconds: RECORD_SECONDS,
        values: [dnsName.toLowerCase()],
      }));
  }
}

function isSamePart({ role, part }: SlotRule, rule: Rule): boolean {
  const told = slotRuleOf(rule);
  return told?.role === role && told.part === part;
}

/** A rule whose path is of another depth has another place among the rules, and is made anew. */
function isFor(wanted: SlotRule, rule: Rule): boolean {
  return isSamePart(wanted, rule) && priorityDepth(slotRuleOf(rule)?.path ?? '/') === priorityDepth(wanted.path);
}

function isSame(some: readonly string[], others: readonly string[]): boolean {
  return some.length === others.length && some.every((one) => others.includes(one));
}
