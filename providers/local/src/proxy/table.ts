import { ProviderError } from '@clusternator/core/provider';
import { longestPrefix, normalPrefix, partFor, toLiveBackend } from './backend.ts';
import type { Backend, BackendPart, Endpoint, LiveBackend } from './backend.ts';
import { TrafficCounter } from './traffic.ts';
import type { Traffic } from './traffic.ts';
import { WeightedChoice } from './weights.ts';
import type { Share } from './weights.ts';

/** Where a request goes. `unknown-host` and `no-part` are the client's error, `no-backend` and `vacant` are ours. */
export type Resolution =
  | { readonly kind: 'part'; readonly backend: LiveBackend; readonly part: BackendPart; readonly host?: LiveHost }
  | { readonly kind: 'no-part'; readonly backend: LiveBackend }
  | { readonly kind: 'no-backend' }
  | { readonly kind: 'vacant'; readonly text: string }
  | { readonly kind: 'unknown-host' };

/** A name that is answered. */
export interface LiveHost {
  readonly name: string;
  readonly traffic: TrafficCounter;
}
/** `prefixes`: paths that belong to a part even where the backend lacks it, so that no other part of it answers there. `vacancy`: what is
 *  said while nothing is behind the host; without it there has to be something. */
export interface HostOptions {
  readonly prefixes?: readonly string[];
  readonly vacancy?: string;
}
interface HostEntry extends LiveHost {
  readonly choice: WeightedChoice | undefined;
  readonly prefixes: readonly string[];
  readonly vacancy: string;
}

/**
 * Which host or address is answered by which backend. All in memory: whoever changes it persists first.
 * Every method is synchronous, so changes made in one tick are one atomic swap for all requests.
 */
export class RoutingTable {
  private readonly backends = new Map<string, LiveBackend>();
  private readonly hostEntries = new Map<string, HostEntry>();
  private readonly addresses = new Map<string, string>();
  private readonly watchers: ((backendId: string, endpoints: readonly Endpoint[]) => void)[] = [];

  /** @param now - Milliseconds since the epoch. */
  constructor(readonly now: () => number = Date.now) {}

  /** Adds a backend, or swaps the parts of a known one; its counters go on. @throws ProviderError `invalid`. */
  setBackend(backend: Backend): void {
    const traffic = this.backends.get(backend.id)?.traffic ?? new TrafficCounter();
    const live = toLiveBackend(backend, traffic);
    this.backends.set(backend.id, live);
    const endpoints = live.parts.flatMap(({ target }) => (target.kind === 'service' ? target.endpoints : []));
    for (const watcher of this.watchers) watcher(backend.id, endpoints);
  }

  /** Requests in flight go on. Hosts that still name it answer 503. */
  removeBackend(id: string): void {
    this.backends.delete(id);
    for (const watcher of this.watchers) watcher(id, []);
  }

  /** @throws ProviderError `invalid` when the shares are not whole percents that add up to 100. */
  setHost(host: string, shares: readonly Share[], { prefixes = [], vacancy }: HostOptions = {}): void {
    const name = hostName(host);
    if (name === undefined) throw new ProviderError('invalid', `${JSON.stringify(host)} is not a host name`);
    const traffic = this.hostEntries.get(name)?.traffic ?? new TrafficCounter();
    const choice = shares.length === 0 && vacancy !== undefined ? undefined : new WeightedChoice(shares);
    const normal = prefixes.map((prefix, index) => normalPrefix(prefix, index));
    this.hostEntries.set(name, { name, traffic, choice, prefixes: normal, vacancy: vacancy ?? '' });
  }

  removeHost(host: string): void {
    this.hostEntries.delete(hostName(host) ?? host);
  }

  /** Every request to `address` goes to one backend, whatever its Host header says. */
  setAddress(address: string, backendId: string): void {
    this.addresses.set(address, backendId);
  }

  removeAddress(address: string): void {
    this.addresses.delete(address);
  }

  /** Tells which endpoints a backend still has after each change of it. */
  onBackendChange(watcher: (backendId: string, endpoints: readonly Endpoint[]) => void): void {
    this.watchers.push(watcher);
  }

  hosts(): readonly string[] {
    return [...this.hostEntries.keys()];
  }

  /** @param host - As in the Host header: any case, a port and a last dot are fine. */
  resolve(host: string | undefined, path: string): Resolution {
    const name = host === undefined ? undefined : hostName(host);
    const entry = name === undefined ? undefined : this.hostEntries.get(name);
    if (entry === undefined) return { kind: 'unknown-host' };
    if (entry.choice === undefined) return { kind: 'vacant', text: entry.vacancy };
    return this.resolveIn(entry.choice.next(), path, entry);
  }

  resolveAddress(address: string, path: string): Resolution {
    const backendId = this.addresses.get(address);
    return backendId === undefined ? { kind: 'unknown-host' } : this.resolveIn(backendId, path);
  }

  backend(id: string): LiveBackend | undefined {
    return this.backends.get(id);
  }

  /** Zeroes for one that nobody knows. */
  backendTraffic(id: string): Traffic {
    return (this.backends.get(id)?.traffic ?? new TrafficCounter()).snapshot();
  }

  /** Zeroes for one that nobody knows. */
  hostTraffic(host: string): Traffic {
    return (this.hostEntries.get(hostName(host) ?? host)?.traffic ?? new TrafficCounter()).snapshot();
  }

  private resolveIn(backendId: string, path: string, host?: HostEntry): Resolution {
    const backend = this.backends.get(backendId);
    if (backend === undefined) return { kind: 'no-backend' };
    const part = partFor(backend, path);
    const isOfAnother = host !== undefined && longestPrefix(host.prefixes, path) > (part?.prefix.length ?? 0);
    if (part === undefined || isOfAnother) return { kind: 'no-part', backend };
    return host === undefined ? { kind: 'part', backend, part } : { kind: 'part', backend, part, host };
  }
}

/** The bare, lower-case name of a Host header, or nothing when it isn't one. */
export function hostName(host: string): string | undefined {
  const match = HOST.exec(host);
  return match?.[1]?.toLowerCase();
}

// A name or IPv4 address, or an IPv6 address in brackets; then a last dot and a port.
const HOST = /^((?:[a-z0-9_-]+(?:\.[a-z0-9_-]+)*)|\[[0-9a-f:.]+\])\.?(?::\d{1,5})?$/i;
