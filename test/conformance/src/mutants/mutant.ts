import {
  defineProvider,
  type Connection,
  type DnsProvider,
  type EnvironmentDriver,
  type FoundationDriver,
  type Host,
  type Provider,
  type SlotDriver,
  type StateStore,
  type StorageDriver,
} from '@clusternator/core';
import type { Case } from '../kit/case.ts';
import { CloudClient } from '../memory/client.ts';
import { MemoryDns } from '../memory/dns.ts';
import { MemoryEnvironments } from '../memory/environments.ts';
import { MemoryFoundations } from '../memory/foundation.ts';
import { memoryProvider } from '../memory/provider.ts';
import { MemorySlots } from '../memory/slots.ts';
import { MemoryState } from '../memory/state.ts';
import { MemoryStorage } from '../memory/storage.ts';

/** A memory provider that is wrong in one thing. */
export interface Mutant {
  readonly id: string;
  /** What it does wrong. */
  readonly says: string;
  readonly caughtBy: readonly Case['id'][];
  readonly provider: Provider;
  /** What its cloud does otherwise, where the wrong is the cloud's to show. */
  readonly cloud?: { readonly partLagMs: number };
}

export interface Drivers {
  readonly environments: EnvironmentDriver;
  readonly slots: SlotDriver;
  readonly storage: StorageDriver;
  readonly dns: DnsProvider;
  readonly state: StateStore;
  readonly foundation: FoundationDriver<unknown>;
}
interface Config {
  readonly endpoint: string;
  readonly edgePort: number;
}
type Client = typeof CloudClient;

export interface Wrong {
  /** Replaces members of the provider itself. */
  readonly provider?: Partial<Provider>;
  /** What the drivers get instead of their host. */
  readonly host?: (host: Host) => Partial<Host>;
  /** What the drivers speak with the cloud by. */
  readonly client?: Client;
  /** Replaces methods of a driver. `client` speaks with the cloud as it should. */
  readonly drivers?: {
    readonly [D in keyof Drivers]?: (right: Drivers[D], host: Host, client: CloudClient) => Partial<Drivers[D]>;
  };
}

/** The memory provider with something wrong about it. */
export function wrong({ provider = {}, host: hostOf, client: Speaks = CloudClient, drivers = {} }: Wrong): Provider {
  const made = <D extends keyof Drivers>(
    name: D,
    make: (host: Host, client: CloudClient, edgePort: number) => Drivers[D],
  ) => {
    return async ({ config, host: right }: Connection<Config, unknown>): Promise<Drivers[D]> => {
      const host = laidOver(right, hostOf?.(right) ?? {});
      const driver = make(host, new Speaks(config.endpoint, host), config.edgePort);
      return laidOver(driver, drivers[name]?.(driver, host, new CloudClient(config.endpoint, right)) ?? {});
    };
  };
  const whole = {
    ...memoryProvider,
    drivers: {
      environments: made('environments', (host, client, edgePort) => new MemoryEnvironments(host, client, edgePort)),
      slots: made('slots', (host, client, edgePort) => new MemorySlots(host, client, edgePort)),
      storage: made('storage', (host, client) => new MemoryStorage(host, client)),
      dns: made('dns', (host, client) => new MemoryDns(host, client)),
      state: made('state', (_host, client) => new MemoryState(client)),
      foundation: made('foundation', (host, client) => new MemoryFoundations(host, client)),
    },
    ...provider,
  };
  return defineProvider(whole as Provider); // its config is that of the memory provider, or wrong on purpose
}

/** Methods stay those of the right one: they have private members. */
export function laidOver<T extends object>(right: T, members: Partial<T>): T {
  return new Proxy(right, {
    get(target, name) {
      const own: unknown = Reflect.get(members, name);
      if (own !== undefined) return own;
      const value: unknown = Reflect.get(target, name);
      return typeof value === 'function' ? value.bind(target) : value;
    },
  });
}
