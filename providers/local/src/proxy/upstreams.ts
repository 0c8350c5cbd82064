import type { Endpoint } from './backend.ts';
import { ConnectionPool } from './connection-pool.ts';

/** One instance of a service, with its kept connections. */
export interface Upstream {
  readonly key: string;
  readonly endpoint: Endpoint;
  readonly pool: ConnectionPool;
  deadUntilMs: number;
}

/** How long the endpoint of a failed connection is passed over while another one may serve. */
const DEAD_MS = 1_000;

/** The connections to all endpoints, by backend: a port that another environment gets later never meets an old pool. */
export class Upstreams {
  private readonly byBackend = new Map<string, Map<string, Upstream>>();
  /** Found again without a look at its text: this is the hot path. */
  private readonly byEndpoint = new WeakMap<Endpoint, { readonly backendId: string; readonly upstream: Upstream }>();
  private readonly turns = new WeakMap<readonly Endpoint[], { next: number }>();

  constructor(private readonly now: () => number) {}

  /** The next endpoint in turn that wasn't `tried`; one that was found dead only when there is no other. */
  pick(backendId: string, endpoints: readonly Endpoint[], tried: ReadonlySet<Upstream>): Upstream | undefined {
    let turn = 0;
    if (endpoints.length > 1) {
      const state = this.turns.get(endpoints) ?? { next: 0 };
      turn = state.next++;
      this.turns.set(endpoints, state);
    }
    let lastResort: Upstream | undefined;
    for (let i = 0; i < endpoints.length; i++) {
      const endpoint = endpoints[(turn + i) % endpoints.length];
      if (endpoint === undefined) continue;
      const upstream = this.upstream(backendId, endpoint);
      if (tried.has(upstream)) continue;
      if (upstream.deadUntilMs <= this.now()) return upstream;
      lastResort ??= upstream;
    }
    return lastResort;
  }

  markDead(upstream: Upstream): void {
    upstream.deadUntilMs = this.now() + DEAD_MS;
  }

  /** Closes the pools of endpoints that are not among `endpoints` any more; their requests in flight go on. */
  retain(backendId: string, endpoints: readonly Endpoint[]): void {
    const upstreams = this.byBackend.get(backendId);
    if (upstreams === undefined) return;
    const kept = new Set(endpoints.map(keyOf));
    for (const [key, upstream] of upstreams) {
      if (kept.has(key)) continue;
      upstreams.delete(key);
      upstream.pool.close();
    }
    if (upstreams.size === 0) this.byBackend.delete(backendId);
  }

  destroy(): void {
    for (const upstreams of this.byBackend.values()) for (const { pool } of upstreams.values()) pool.destroy();
    this.byBackend.clear();
  }

  private upstream(backendId: string, endpoint: Endpoint): Upstream {
    const known = this.byEndpoint.get(endpoint);
    if (known?.backendId === backendId && !known.upstream.pool.isClosed) return known.upstream;
    const upstream = this.byKey(backendId, endpoint);
    this.byEndpoint.set(endpoint, { backendId, upstream });
    return upstream;
  }

  private byKey(backendId: string, endpoint: Endpoint): Upstream {
    let upstreams = this.byBackend.get(backendId);
    if (upstreams === undefined) this.byBackend.set(backendId, (upstreams = new Map<string, Upstream>()));
    const key = keyOf(endpoint);
    let upstream = upstreams.get(key);
    if (upstream === undefined) {
      upstream = { key, endpoint, pool: new ConnectionPool(endpoint, this.now), deadUntilMs: 0 };
      upstreams.set(key, upstream);
    }
    return upstream;
  }
}

function keyOf({ host, port }: Endpoint): string {
  return `${host} ${String(port)}`;
}
