import type { BackendPart } from '../proxy/backend.ts';
import type { ProxyServer } from '../proxy/server.ts';
import type { RoutingTable } from '../proxy/table.ts';
import type { EnvironmentRecord } from './database.ts';
import { testNameOf, type EnvironmentNames } from './environment-names.ts';
import { messageOf } from '../control/failure.ts';
import { lastSeenAt } from '../proxy/traffic.ts';

export interface RoutesDeps {
  readonly table: RoutingTable;
  readonly proxy: ProxyServer;
  readonly proxyPort: number;
  readonly names: EnvironmentNames;
  readonly log: (message: string) => void;
}

const DRAIN_SECONDS = 2;

/** How an environment is reached from outside: its host names, its own address, its DNS records. */
export class EnvironmentRoutes {
  readonly #record: EnvironmentRecord;
  readonly #deps: RoutesDeps;
  #closed = false;
  #opened: Promise<void> = Promise.resolve();

  constructor(record: EnvironmentRecord, deps: RoutesDeps) {
    this.#record = record;
    this.#deps = deps;
  }

  open(parts: readonly BackendPart[]): Promise<void> {
    this.#opened = this.#open(parts);
    return this.#opened;
  }

  /** What is answered from now on. */
  show(parts: readonly BackendPart[]): void {
    const { key, id } = this.#record;
    if (!this.#closed) this.#deps.table.setBackend({ id: key, title: `environment ${id}`, parts });
  }

  /** Requests that are under way may end first. May be called again. */
  async close(): Promise<void> {
    const { table, proxy, names } = this.#deps;
    const { key, spec, address } = this.#record;
    this.#closed = true;
    await this.#opened.catch(() => undefined);
    for (const host of this.#hosts()) table.removeHost(host);
    await names.remove(spec.hosts, address);
    await proxy.drain(key, DRAIN_SECONDS);
    await proxy.closeWebSockets(key, { reason: 'the environment is being destroyed' });
    table.removeBackend(key);
    proxy.disconnect(key);
    await proxy.stopListeningOn(address);
  }

  lastRequestAt(): Date | undefined {
    return lastSeenAt(this.#deps.table.backendTraffic(this.#record.key), new Date());
  }

  async #open(parts: readonly BackendPart[]): Promise<void> {
    const { table, proxy, proxyPort, names, log } = this.#deps;
    const { key, spec, address } = this.#record;
    this.show(parts);
    for (const host of this.#hosts()) table.setHost(host, [{ backend: key, percent: 100 }]);
    await names.add(spec.hosts, address);
    // A service that declares the proxy's own port has it at this address.
    if (Object.values(spec.services).some((service) => service.port === proxyPort)) return;
    await proxy.listenOn(address, key).catch((error: unknown) => {
      log(`environment ${key}: ${messageOf(error)}`);
    });
  }

  #hosts(): readonly string[] {
    const { hosts } = this.#record.spec;
    return [...hosts, ...hosts.flatMap((host) => testNameOf(host)?.name ?? [])];
  }
}
