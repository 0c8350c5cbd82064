import type {
  Call,
  Foundation,
  FoundationSpec,
  Handle,
  Host,
  Plan,
  ResourceDriver,
  ResourceRef,
} from '@clusternator/core/provider';
import { allSettled } from '../all-settled.ts';
import type { Clients } from './clients.ts';
import { MOST_BALANCERS, type FoundationConfig } from './config.ts';
import type { Kind } from './kind.ts';
import { isReady, type Found, type Part } from './part.ts';
import { certificate } from './parts/certificate.ts';
import { mustBe } from '../place.ts';
import { findAll, makeAll, removeAll } from './schedule.ts';
import { shapeOf, type Shape } from './shape.ts';
import { Site, type Memory, type Wanted } from './site.ts';

const TOLD_AT_ONCE = 5;

/** What was seen by a call that is made again until it has settled. It spares asking for all of it each time. */
interface Seen {
  readonly token: string;
  readonly parts: ReadonlyMap<string, Found | undefined>;
  /** What AWS takes its time for. */
  readonly begun: ReadonlyMap<string, Found>;
}

/**
 * The ground of a project and stage on AWS. It consists of parts, each
 * made by one request, found by tags or by name, and told apart from what is not ours by its tags. So an interrupted call goes on where it was, one
 * that has nothing to do only reads, and a part that was changed by hand is mended like one that is missing.
 */
export class AwsFoundations<F> implements ResourceDriver<FoundationSpec, Foundation<F>> {
  #seen: Seen | undefined;
  readonly #memory: Memory = {};

  constructor(
    private readonly kind: Kind<F>,
    private readonly clients: Clients,
    private readonly host: Host,
    private readonly config: FoundationConfig,
  ) {}

  async ensure(spec: FoundationSpec, call: Call): Promise<Foundation<F>> {
    const shape = shapeOf(this.config, spec.domain);
    const at = this.site({ shape, id: spec.id, tags: spec.tags }, call);
    const parts = this.kind.partsOf(shape);
    await Promise.all([this.look(at), this.kind.check(at)]);
    await this.kind.refuse(at);
    await allSettled([makeAll([...parts, ...(await this.added(at))], at), this.kind.ahead(at)]);
    if (await areReady(parts, at)) {
      await this.kind.refuse(at); // what came there meanwhile
      await removeAll(this.notIn(parts), at);
      if (await areGone(this.notIn(parts), at)) {
        await makeAll([...parts, this.kind.fingerprint], at);
        at.lead(this.host.identify(spec.tags));
      }
    }
    const foundation = await this.show(spec.id, parts, at);
    await this.remember(foundation, parts, at);
    return foundation;
  }

  async read({ id, handle }: ResourceRef, call: Call): Promise<Foundation<F> | undefined> {
    await this.mustBeWhereItIs(handle, this.site({ shape: this.anyShape() }, call));
    return this.find(id, call);
  }

  async *list(call: Call): AsyncGenerator<Foundation<F>> {
    const found = await this.find(undefined, call);
    if (found) yield found;
  }

  async destroy({ id, handle }: ResourceRef, call: Call): Promise<void> {
    // No domain: all certificates are former ones.
    const at = this.site({ shape: this.anyShape(), id }, call);
    const looking = this.look(at);
    looking.catch(() => undefined); // where it is not there, that is told
    await this.mustBeWhereItIs(handle, at);
    const before = await looking;
    await removeAll(this.everythingAndAdded(), at);
    // What was removed now is looked for once more.
    const gone = this.everythingAndAdded().filter(
      // Of `certificate` nothing was seen: the last former one is it as soon as its domain is known again.
      ({ name }, index) => before[index] === undefined && name !== certificate.name,
    );
    this.#seen = { token: call.token(), parts: new Map(gone.map(({ name }) => [name, undefined])), begun: new Map() };
  }

  async plan(spec: FoundationSpec, call: Call): Promise<Plan> {
    const shape = shapeOf(this.config, spec.domain);
    const at = this.site({ shape, id: spec.id, tags: spec.tags }, call);
    await this.look(at);
    await this.kind.refuse(at);
    const parts = this.kind.partsOf(shape);
    const wanted = [...parts, this.kind.fingerprint].map(async ({ name, within }) => {
      const found = await at.find(name);
      if (isReady(found) || (!found && within !== undefined)) return [];
      return [{ action: found ? ('change' as const) : ('create' as const), what: name }];
    });
    const surplus = this.notIn(parts).map(async ({ name }) => {
      return (await at.find(name)) ? [{ action: 'destroy' as const, what: name }] : [];
    });
    return { changes: (await Promise.all([...wanted, ...surplus])).flat() };
  }

  /** Elsewhere all of it would look as if it were gone. @throws ProviderError `denied`. */
  private async mustBeWhereItIs(handle: Handle | undefined, at: Site): Promise<void> {
    if (handle?.account === undefined) return;
    const [region, { id: account }] = await Promise.all([at.region(), at.account()]);
    mustBe('account', handle.account, account);
    mustBe('region', handle.region, region);
  }

  private async find(id: string | undefined, call: Call): Promise<Foundation<F> | undefined> {
    const scout = this.site({ shape: this.anyShape(), ...(id !== undefined && { id }) }, call);
    const certificates = await scout.certificates();
    const [domain, ...others] = certificates.flatMap(({ DomainName }) => DomainName?.replace(/^\*\./, '') ?? []);
    const shape = shapeOf(this.config, others.length === 0 ? domain : undefined);
    const at = this.site({ shape, certificates, ...(id !== undefined && { id }) }, call);
    const found = await this.look(at);
    if (found.every((one) => one === undefined)) {
      this.#seen = undefined;
      return undefined;
    }
    return this.show(id ?? at.identity?.id ?? '', this.kind.partsOf(shape), at);
  }

  private async show(id: string, parts: readonly Part[], at: Site): Promise<Foundation<F>> {
    const surplus = this.notIn(parts);
    const [wanted, more] = await Promise.all([findAll(parts, at), findAll(surplus, at)]);
    const lacking = parts.filter((_, index) => !isReady(wanted[index])).map(({ name }) => name);
    const left = surplus.filter((_, index) => more[index] !== undefined).map(({ name }) => name);
    const failed = wanted.find((found) => found?.phase === 'failed');
    const isGoing = [...wanted, ...more].some((found) => found?.phase === 'destroying');
    const { fingerprint: its, tags } = at.identity ?? {};
    const [region, { id: account }] = await Promise.all([at.region(), at.account()]);
    const base = {
      id,
      handle: { account, region },
      records: await this.kind.recordsOf(at),
      ...(its !== undefined && { fingerprint: its }),
      ...(tags && { tags }),
    };
    const messages = wanted.flatMap((found) => found?.message ?? []);
    if (failed) return { ...base, phase: 'failed', message: failed.message ?? 'a part has failed' };
    if (lacking.length === 0 && left.length === 0) {
      return { ...base, phase: 'active', outputs: await this.kind.outputsOf(at) };
    }
    const waits = [
      ...(lacking.length > 0 ? [`not ready: ${some(lacking)}`] : []),
      ...(left.length > 0 ? [`to be removed: ${some(left)}`] : []),
      ...messages,
    ];
    return { ...base, phase: isGoing ? 'destroying' : 'creating', message: waits.join('; ') };
  }

  private site(wanted: Omit<Wanted, 'ground' | 'memory' | 'begun'>, call: Call): Site {
    const known = new Map([...this.everythingAndAdded(), this.kind.fingerprint].map((part) => [part.name, part]));
    // Those of this shape go before those of any: which routes a subnet has follows from it.
    for (const part of this.kind.partsOf(wanted.shape)) known.set(part.name, part);
    const seen = this.#seen?.token === call.token() ? this.#seen : undefined;
    const its = { ground: this.kind.ground, memory: this.#memory, ...(seen && { begun: seen.begun }) };
    const at = new Site(this.clients, this.host, call, { ...wanted, ...its }, known);
    for (const [name, found] of seen?.parts ?? []) at.keep(name, found);
    return at;
  }

  private look(at: Site): Promise<readonly (Found | undefined)[]> {
    return findAll(this.everythingAndAdded(), at);
  }

  /** What is there of it, if only in part. */
  private async added(at: Site): Promise<readonly Part[]> {
    const found = await findAll(this.kind.added, at);
    return found.some(Boolean) ? this.kind.added : [];
  }

  /** Until it has settled: neither what is ready then is asked for again, nor what is not to be and was not there. */
  private async remember({ phase }: Foundation<F>, wanted: readonly Part[], at: Site): Promise<void> {
    const names = this.everythingAndAdded().map(({ name }) => name);
    const surplus = new Set([...this.notIn(wanted), ...this.kind.added].map(({ name }) => name));
    const pairs = await Promise.all(names.map(async (name) => [name, await at.find(name)] as const));
    const parts = new Map(pairs.filter(([name, found]) => isReady(found) || (!found && surplus.has(name))));
    const begun = pairs.flatMap(([name, found]) =>
      found?.phase === 'creating' && found.id !== '' ? [[name, found] as const] : [],
    );
    this.#seen = phase === 'creating' ? { token: at.call.token(), parts, begun: new Map(begun) } : undefined;
  }

  private anyShape(): Shape {
    return { cidr: '', zones: 6, nat: 'zone', loadBalancers: MOST_BALANCERS, logDays: this.config.logDays };
  }

  private everything(): readonly Part[] {
    return this.kind.partsOfAnyShape(this.config.logDays);
  }

  private everythingAndAdded(): readonly Part[] {
    return [...this.everything(), ...this.kind.added];
  }

  private notIn(parts: readonly Part[]): readonly Part[] {
    const names = new Set(parts.map(({ name }) => name));
    return this.everything().filter(({ name }) => !names.has(name));
  }
}

async function areReady(parts: readonly Part[], at: Site): Promise<boolean> {
  return (await findAll(parts, at)).every(isReady);
}

async function areGone(parts: readonly Part[], at: Site): Promise<boolean> {
  return (await findAll(parts, at)).every((found) => found === undefined);
}

/** The first of them, and how many more. */
function some(names: readonly string[]): string {
  const rest = names.length - TOLD_AT_ONCE;
  return names.slice(0, TOLD_AT_ONCE).join(', ') + (rest > 0 ? ` and ${String(rest)} more` : '');
}
