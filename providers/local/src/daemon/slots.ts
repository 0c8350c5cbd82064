import { randomBytes } from 'node:crypto';
import { isDeepStrictEqual } from 'node:util';
import { ProviderError } from '@clusternator/core/provider';
import type { RoutingBody, SlotBody, StoredRoute } from '../control/slot-protocol.ts';
import type { SlotView } from '../control/views.ts';
import type { ProxyServer } from '../proxy/server.ts';
import type { RoutingTable } from '../proxy/table.ts';
import type { EnvironmentRecord, LocalDatabase, Scope, SlotRecord } from './database.ts';
import type { EnvironmentNames } from './environment-names.ts';
import { keyOf } from './keys.ts';
import { SlotDrains } from './slot-drains.ts';
import { hostShares, showHosts } from './slot-hosts.ts';

export interface SlotsDeps {
  readonly database: LocalDatabase;
  readonly table: RoutingTable;
  readonly proxy: ProxyServer;
  readonly log: (message: string, error?: unknown) => void;
}
/** What is there once the daemon listens. */
export interface SlotsSurroundings {
  readonly proxyPort: number;
  readonly names: EnvironmentNames;
  /** By its key. */
  readonly environment: (key: string) => Pick<EnvironmentRecord, 'project' | 'stage' | 'phase'> | undefined;
}

const PROXY_ADDRESS = '127.0.0.1';

/** All slots of this state folder. Whatever is acknowledged is on the disk before, and in the proxy. */
export class Slots {
  readonly #deps: SlotsDeps;
  readonly #drains: SlotDrains;
  readonly #all = new Map<string, SlotRecord>();
  #around: SlotsSurroundings | undefined;

  /** Their hosts are known from now on, so that nobody is told otherwise while the daemon comes up. */
  constructor(deps: SlotsDeps) {
    this.#deps = deps;
    this.#drains = new SlotDrains(deps.proxy, deps.log);
    for (const record of deps.database.slots()) this.#keep(record);
  }

  /** Its methods are for after this. */
  start(around: SlotsSurroundings): void {
    this.#around = around;
    for (const record of this.#all.values()) {
      this.#name(record).catch((error: unknown) => {
        this.#deps.log(`slot ${record.key} has no DNS records`, error);
      });
    }
  }

  close(): void {
    this.#drains.close();
  }

  /** Makes it without routes, or changes it and leaves its routes as they are. @throws ProviderError `owned-by-other` (a host). */
  async ensure(scope: Scope, id: string, spec: SlotBody): Promise<SlotView> {
    const key = keyOf(scope, id);
    this.#assertHostsAreFree(key, spec);
    const before = this.#all.get(key);
    const record: SlotRecord = before
      ? { ...before, spec }
      : { project: scope.project, stage: scope.stage, id, key, spec, routes: [], version: newVersion() };
    if (!isDeepStrictEqual(before?.spec, spec)) {
      this.#deps.database.putSlot(record);
      this.#keep(record);
      await this.#forget(before, record);
    }
    await this.#name(record);
    return this.#view(this.#all.get(key) ?? record);
  }

  /** @throws ProviderError `not-found`. */
  require(scope: Scope, id: string): SlotView {
    return this.#view(this.#find(scope, id));
  }

  list(scope: Scope): readonly SlotView[] {
    const all = [...this.#all.values()];
    return all
      .filter(({ project, stage }) => project === scope.project && stage === scope.stage)
      .map((it) => this.#view(it));
  }

  /** @throws ProviderError `not-found`, `conflict` (the routes are others by now; nothing was written), `invalid`. */
  route(scope: Scope, id: string, routing: RoutingBody): SlotView {
    const before = this.#find(scope, id);
    if (isOwnEarlierTry(before, routing)) return this.#view(before);
    if (before.version !== routing.version) throw routedSince(id);
    const { routes, stamp, token } = routing;
    assertShares(id, routes);
    for (const { environment } of routes) this.#assertRoutable(scope, environment);
    const written = { from: routing.version, token };
    const record: SlotRecord = { ...before, routes, stamp, version: newVersion(), written };
    this.#deps.database.putSlot(record);
    this.#keep(record);
    this.#drain(before, record);
    return this.#view(record);
  }

  /**
   * To remove what is gone succeeds. Its environments stay.
   * @param version - Only if it is still the one that was read so.
   * @throws ProviderError `conflict` (it was routed or made anew since; nothing was removed).
   */
  async destroy(scope: Scope, id: string, version?: string): Promise<void> {
    const before = this.#all.get(keyOf(scope, id));
    if (!before) return;
    if (version !== undefined && before.version !== version) throw routedSince(id);
    this.#deps.database.removeSlot(before.key);
    this.#all.delete(before.key);
    this.#drain(before, { ...before, routes: [] });
    await this.#forget(before, undefined);
  }

  /** @throws ProviderError `conflict`, naming the slots. */
  assertNotRouted({ key, id }: Pick<EnvironmentRecord, 'key' | 'id'>): void {
    const users = [...this.#all.values()].filter(({ routes }) => routes.some((it) => it.environment === key));
    if (users.length === 0) return;
    const names = users.map((slot) => slot.id).join(', ');
    throw new ProviderError('conflict', `environment ${id} can't be destroyed: slot ${names} leads to it`, {
      effect: 'none',
      retry: 'never',
      hint: 'promote another environment first',
    });
  }

  #find(scope: Scope, id: string): SlotRecord {
    const record = this.#all.get(keyOf(scope, id));
    if (record) return record;
    throw new ProviderError('not-found', `there is no slot ${id} of ${scope.project}/${scope.stage}`);
  }

  #keep(record: SlotRecord): void {
    this.#all.set(record.key, record);
    showHosts(this.#deps.table, record);
  }

  /** Connections to what a host no longer leads to are let go; those to what it leads to again stay. */
  #drain(before: SlotRecord, after: SlotRecord): void {
    const leads = new Map(hostShares(after).map(({ host, shares }) => [host, new Set(shares.map((it) => it.backend))]));
    for (const [host, backends] of leads) for (const backend of backends) this.#drains.end(host, backend);
    for (const { host, shares } of hostShares(before)) {
      const left = shares.filter(({ backend }) => leads.get(host)?.has(backend) !== true);
      for (const { backend } of left) this.#drains.begin(host, backend, after.spec.drain);
    }
  }

  /** Hosts that a slot no longer has. */
  async #forget(before: SlotRecord | undefined, after: SlotRecord | undefined): Promise<void> {
    if (!before) return;
    const kept = new Set(after && hostShares(after).map(({ host }) => host));
    for (const { host } of hostShares(before)) if (!kept.has(host)) this.#deps.table.removeHost(host);
    const gone = namesOf(before.spec).filter((host) => !kept.has(host));
    await this.#around?.names.remove(gone, PROXY_ADDRESS);
  }

  async #name({ spec }: SlotRecord): Promise<void> {
    await this.#around?.names.add(namesOf(spec), PROXY_ADDRESS);
  }

  #assertHostsAreFree(key: string, spec: SlotBody): void {
    const wanted = new Set(namesOf(spec));
    for (const other of this.#all.values()) {
      const host = other.key === key ? undefined : namesOf(other.spec).find((it) => wanted.has(it));
      if (host === undefined) continue;
      const owner = `slot ${other.id} of ${other.project}/${other.stage}`;
      throw new ProviderError('owned-by-other', `${host} is a host of ${owner}`, { path: 'host' });
    }
  }

  #assertRoutable(scope: Scope, key: string): void {
    const found = this.#around?.environment(key);
    const isOurs = found?.project === scope.project && found.stage === scope.stage;
    if (!isOurs) throw new ProviderError('not-found', `there is no environment ${key} of ${scope.project}`);
    if (found.phase === 'destroying') {
      throw new ProviderError('not-found', `environment ${key} is being destroyed`);
    }
  }

  #view({ id, key, spec, routes, stamp, version }: SlotRecord): SlotView {
    const host = spec.hosts.find((it) => it.endsWith('.localhost')) ?? spec.hosts[0] ?? '';
    return {
      id,
      fingerprint: spec.fingerprint,
      tags: spec.tags,
      handle: { slot: key, version },
      url: `http://${host}:${String(this.#around?.proxyPort)}`,
      routes: [...routes],
      ...(stamp !== undefined && { stamp }),
    };
  }
}

function routedSince(id: string): ProviderError {
  return new ProviderError('conflict', `slot ${id} was routed by somebody else since it was read`, { effect: 'none' });
}

/** A random one never returns, not even when a slot is made again. */
function newVersion(): string {
  return randomBytes(12).toString('hex');
}

function namesOf({ hosts, standbyHosts }: SlotBody): readonly string[] {
  return [...hosts, ...standbyHosts];
}

/** The answer to it was lost, and it is made again. */
function isOwnEarlierTry({ written, routes, stamp }: SlotRecord, routing: RoutingBody): boolean {
  const isSame = written?.from === routing.version && written.token === routing.token && stamp === routing.stamp;
  return isSame && isDeepStrictEqual(routes, routing.routes);
}

/** None at all is how it was before the first promotion. */
function assertShares(id: string, routes: readonly StoredRoute[]): void {
  const total = routes.reduce((sum, { percent }) => sum + percent, 0);
  const different = new Set(routes.map(({ environment }) => environment)).size;
  if (routes.length === 0 || (total === 100 && different === routes.length)) return;
  const problem = total === 100 ? 'name an environment twice' : `add up to ${String(total)}, not to 100 percent`;
  throw new ProviderError('invalid', `the routes of slot ${id} ${problem}`, { path: 'routes' });
}
