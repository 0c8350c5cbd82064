import { buildConnector, Pool } from 'undici';
import type { Endpoint } from './backend.ts';

/** One instance of a service, with its pool of kept-alive connections. */
export interface Upstream {
  readonly key: string;
  readonly endpoint: Endpoint;
  readonly pool: Pool;
  deadUntilMs: number;
}

const CONNECT_TIMEOUT_MS = 5_000;
/** How long the endpoint of a failed connection is passed over while another one may serve. */
const DEAD_MS = 1_000;
// An answer's headers may take this long: long polls are fine, a hung upstream isn't for ever.
const HEADERS_TIMEOUT_MS = 600_000;
const MAX_HEADER_BYTES = 65_536;

/** The connections to all endpoints, by backend: a port that another environment gets later never meets an old pool. */
export class Upstreams {
  private readonly byBackend = new Map<string, Map<string, Upstream>>();
  private readonly turns = new WeakMap<readonly Endpoint[], { next: number }>();
  private readonly onReusedConnection = new WeakSet<Error>();

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

  /** Whether `error` broke a connection that had served before, as when the upstream closes an idle one in the same moment. */
  brokeReusedConnection(error: Error): boolean {
    if (this.onReusedConnection.has(error)) return true;
    return 'socket' in error && hasBytesRead(error.socket) && error.socket.bytesRead > 0;
  }

  /** Closes the pools of endpoints that are not among `endpoints` any more; their requests in flight go on. */
  retain(backendId: string, endpoints: readonly Endpoint[]): void {
    const upstreams = this.byBackend.get(backendId);
    if (upstreams === undefined) return;
    const kept = new Set(endpoints.map(keyOf));
    for (const [key, upstream] of upstreams) {
      if (kept.has(key)) continue;
      upstreams.delete(key);
      void upstream.pool.close();
    }
    if (upstreams.size === 0) this.byBackend.delete(backendId);
  }

  async destroy(): Promise<void> {
    const pools = [...this.byBackend.values()].flatMap((upstreams) => [...upstreams.values()].map(({ pool }) => pool));
    this.byBackend.clear();
    await Promise.all(pools.map((pool) => pool.destroy()));
  }

  private upstream(backendId: string, endpoint: Endpoint): Upstream {
    let upstreams = this.byBackend.get(backendId);
    if (upstreams === undefined) this.byBackend.set(backendId, (upstreams = new Map<string, Upstream>()));
    const key = keyOf(endpoint);
    let upstream = upstreams.get(key);
    if (upstream === undefined) {
      upstream = { key, endpoint, pool: this.newPool(endpoint), deadUntilMs: 0 };
      upstreams.set(key, upstream);
    }
    return upstream;
  }

  private newPool(endpoint: Endpoint): Pool {
    const connect = buildConnector({ timeout: CONNECT_TIMEOUT_MS });
    return new Pool(originOf(endpoint), {
      headersTimeout: HEADERS_TIMEOUT_MS,
      bodyTimeout: 0, // an event stream may be silent for hours
      maxHeaderSize: MAX_HEADER_BYTES,
      connect: (options, callback) => {
        connect(options, (...outcome) => {
          const socket = outcome[1];
          // First in line, so that the mark is there when undici passes the error on.
          socket?.on('error', (error: Error) => {
            if (socket.bytesRead > 0) this.onReusedConnection.add(error);
          });
          callback(...outcome);
        });
      },
    });
  }
}

function hasBytesRead(value: unknown): value is { bytesRead: number } {
  return typeof value === 'object' && value !== null && 'bytesRead' in value && typeof value.bytesRead === 'number';
}

function keyOf({ host, port }: Endpoint): string {
  return `${host} ${String(port)}`;
}

function originOf({ host, port }: Endpoint): string {
  return `http://${host.includes(':') ? `[${host}]` : host}:${String(port)}`;
}
