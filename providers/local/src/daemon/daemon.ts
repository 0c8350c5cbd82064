import { readFileSync, rmSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { BuildCache } from '@clusternator/core/cache';
import { ProviderError } from '@clusternator/core/provider';
import { setTimeout as sleep } from 'node:timers/promises';
import { ContainerRuntime } from '../containers/runtime.ts';
import type { LocalPaths } from '../control/paths.ts';
import { PROTOCOL, type DaemonStatus } from '../control/views.ts';
import { DnsServer } from '../dns/server.ts';
import { ZoneStore } from '../dns/zones.ts';
import { ProxyServer } from '../proxy/server.ts';
import { RoutingTable } from '../proxy/table.ts';
import { ControlServer } from './control-server.ts';
import { LocalDatabase, type Scope } from './database.ts';
import { EnvironmentNames } from './environment-names.ts';
import { Environments } from './environments.ts';
import { Expiry } from './expiry.ts';
import { collectWhenIdle } from './idle-memory.ts';
import { endLeftovers, removeStrayFolders } from './leftovers.ts';
import { PortPool } from './port-pool.ts';
import { routes } from './routes.ts';
import type { Members } from './service.ts';
import { serverPorts, type PortSource } from './server-ports.ts';
import { Slots } from './slots.ts';
import { Vault } from './vault.ts';
import { Storage } from './storage/storage.ts';
import { databaseZones } from './zone-storage.ts';
import { messageOf } from '../control/failure.ts';

export interface DaemonOptions {
  readonly paths: LocalPaths;
  readonly stateFolder: string;
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly log: (message: string) => void;
  /** A client asked it to end. */
  readonly onStop: () => void;
}

/** All that runs in the background for one state folder. Whoever starts it holds the lock. */
export class Daemon {
  readonly #options: DaemonOptions;
  readonly #startedAt = new Date();
  readonly #watching = new AbortController();
  readonly #ends: (() => Promise<void> | void)[] = [];

  private constructor(options: DaemonOptions) {
    this.#options = options;
  }

  /** Returns once it takes commands; what should run is then being brought back. */
  static async start(options: DaemonOptions): Promise<Daemon> {
    const daemon = new Daemon(options);
    try {
      await daemon.#start();
      return daemon;
    } catch (error) {
      await daemon.stop();
      throw error;
    }
  }

  /** Ends processes gracefully; containers go on. */
  async stop(): Promise<void> {
    this.#watching.abort();
    for (const end of this.#ends.splice(0).reverse()) await end();
  }

  async #start(): Promise<void> {
    const { env, log, paths, stateFolder } = this.#options;
    const ports = serverPorts(stateFolder, paths.home, env);
    const database = this.#ending(LocalDatabase.open(paths.database), (it) => {
      it.close();
    });
    const vault = Vault.open(paths.key);
    await this.#cleanUp(database);
    const table = new RoutingTable();
    const logError = (message: string, error?: unknown): void => {
      log(error === undefined ? message : `${message}: ${messageOf(error)}`);
    };
    const proxy = this.#ending(new ProxyServer({ table, log: logError }), (it) => it.close());
    const slots = this.#ending(new Slots({ database, table, proxy, log: logError }), (it) => {
      it.close();
    });
    const proxyPort = await this.#listen(database, ports.proxy, (choice) => proxy.listen(choice));
    const zones = await ZoneStore.open(databaseZones(database));
    const dns = this.#ending(new DnsServer({ store: zones, log: logError }), (it) => it.close());
    const dnsPort = await this.#listen(database, ports.dns, (choice) => dns.listen(choice));
    const names = new EnvironmentNames(zones);
    const runtime = new ContainerRuntime({ home: paths.home, env });
    const users = {
      usersOf: (scope: Scope, id: string): readonly string[] => environments.usersOf(scope, id),
      writersOf: (scope: Scope, id: string): Members => environments.writersOf(scope, id),
    };
    const storage = this.#ending(new Storage({ paths, database, runtime, users, log }), (it) => it.close());
    const { volumes } = storage;
    const caches = this.#ending(new BuildCache(path.join(stateFolder, 'caches')), (it) => {
      it.close();
    });
    const environments: Environments = this.#ending(
      new Environments({
        home: paths.home,
        environmentsFolder: paths.environments,
        database,
        vault,
        table,
        proxy,
        proxyPort,
        names,
        runtime,
        volumes,
        ports: new PortPool(),
        caches,
        log,
      }),
      (it) => it.suspend(),
    );
    const expiry = this.#ending(new Expiry({ stateFolder, env, scopes: () => database.environments(), log }), (it) =>
      it.stop(),
    );
    slots.start({ proxyPort, names, environment: (key) => environments.record(key) });
    const status = (): DaemonStatus => this.#status(proxyPort, dnsPort, environments, database);
    const control = new ControlServer(
      routes({ environments, slots, storage, zones, status, onStop: this.#options.onStop }),
      log,
    );
    await this.#ending(control, (it) => it.close()).listen(paths.socket);
    this.#announce();
    this.#ends.push(collectWhenIdle());
    environments.start();
    expiry.start();
    storage.resume(this.#watching.signal);
    void this.#watchContainers(environments, runtime);
  }

  /** What it opens is closed in the opposite order. */
  #ending<T>(opened: T, close: (opened: T) => Promise<void> | void): T {
    this.#ends.push(() => close(opened));
    return opened;
  }

  async #cleanUp(database: LocalDatabase): Promise<void> {
    const { log, paths } = this.#options;
    const ended = await endLeftovers(paths.home, database);
    if (ended > 0) log(`ended ${String(ended)} processes that a daemon left behind`);
    const known = new Set(database.environments().map(({ key }) => key));
    await removeStrayFolders(paths.environments, (name) => known.has(name));
  }

  /** The port stays the same over restarts, so that URLs do. */
  async #listen(
    database: LocalDatabase,
    { setting, variable, range }: PortSource,
    listen: (choice: { port: number } | { from: number; to: number }) => Promise<{ readonly port: number }>,
  ): Promise<number> {
    const told = this.#options.env[variable];
    const before = database.setting(setting);
    if (told !== undefined && told !== '') {
      const choice = { port: portOf(variable, told) };
      return (await patiently(() => listen(choice))).port;
    }
    if (before !== undefined) {
      try {
        return (await patiently(() => listen({ port: Number(before) }))).port;
      } catch (error) {
        this.#options.log(`the ${setting} changes: ${messageOf(error)}`);
      }
    }
    const { port } = await listen(range);
    database.setSetting(setting, String(port));
    return port;
  }

  /** The file tells clients where the socket is: variables that decide it may differ from shell to shell. */
  #announce(): void {
    const { paths } = this.#options;
    writeFileSync(paths.info, JSON.stringify({ pid: process.pid, socket: paths.socket, protocol: PROTOCOL }), {
      mode: 0o600,
    });
    this.#ends.push(() => {
      rmSync(paths.info, { force: true });
    });
  }

  /** Only when there are any: an engine that nobody needs is never spoken to. */
  async #watchContainers(environments: Environments, runtime: ContainerRuntime): Promise<void> {
    const { log } = this.#options;
    const signal = this.#watching.signal;
    const handlers = {
      expected: (): Iterable<string> => environments.containers(),
      onChange: (name: string): void => {
        environments.containerChanged(name);
      },
      onUnavailable: (reason: string): void => {
        log(`the Docker Engine does not answer: ${reason}`);
      },
    };
    while (!signal.aborted) {
      try {
        if (environments.hasContainers()) await runtime.watch(handlers, signal);
        else await sleep(1000, undefined, { signal });
      } catch (error) {
        await sleep(1000, undefined, { signal }).catch(() => undefined);
        if (!isAborted(signal)) log(`containers can't be watched: ${messageOf(error)}`);
      }
    }
  }

  #status(proxyPort: number, dnsPort: number, environments: Environments, database: LocalDatabase): DaemonStatus {
    return {
      protocol: PROTOCOL,
      version: packageVersion(),
      pid: process.pid,
      startedAt: this.#startedAt.toISOString(),
      stateFolder: this.#options.stateFolder,
      proxyPort,
      dnsPort,
      environments: environments.size,
      processes: database.processes().length,
      residentMiB: Math.round(process.memoryUsage.rss() / 2 ** 20),
    };
  }
}

/** What a check before an await said need not hold after it. */
function isAborted(signal: AbortSignal): boolean {
  return signal.aborted;
}

const PORT_FREE_WITHIN_MS = 2000;

/**
 * Tries again while the port is taken. What a daemon that was killed listened on is freed only a moment after its lock, and a child that it
 * was just forking holds it until it runs a program of its own.
 */
async function patiently<T>(listen: () => Promise<T>): Promise<T> {
  const until = performance.now() + PORT_FREE_WITHIN_MS;
  for (;;) {
    try {
      return await listen();
    } catch (error) {
      if (!ProviderError.is(error) || error.code !== 'conflict' || performance.now() > until) throw error;
      await sleep(25);
    }
  }
}

function portOf(variable: string, text: string): number {
  const port = Number(text);
  if (Number.isInteger(port) && port >= 0 && port <= 65535) return port;
  throw new ProviderError('invalid', `${variable} is ${JSON.stringify(text)}, which is not a port`, {
    hint: 'name a port from 1 to 65535',
  });
}

function packageVersion(): string {
  const manifest: unknown = JSON.parse(readFileSync(new URL('../../package.json', import.meta.url), 'utf8'));
  const isManifest = typeof manifest === 'object' && manifest !== null && 'version' in manifest;
  return isManifest ? String(manifest.version) : 'unknown';
}
