import type { Tunnel } from './tunnel.ts';

/** What can be cut off: a response, or a socket on its way to an upgrade. */
export interface Destroyable {
  destroy(): unknown;
}
/** Which of a backend's connections are meant: those that came by one of these hosts. Left out: all. */
export interface Selection {
  readonly hosts?: ReadonlySet<string>;
}
/** By what is open, the host that it came by. */
interface Group {
  readonly requests: Map<Destroyable, string | undefined>;
  readonly tunnels: Map<Tunnel, string | undefined>;
  readonly waiting: Set<() => void>;
}

/** How tunnels are ended. The signal calls it off. */
export interface TunnelEnd {
  readonly code: number;
  readonly reason: string;
  readonly spreadSeconds: number;
  readonly signal?: AbortSignal;
}

/** Everything that is open to a backend, also after the routing table forgot it. */
export class OpenConnections {
  private readonly groups = new Map<string, Group>();

  add(backendId: string, request: Destroyable, host?: string): void {
    this.group(backendId).requests.set(request, host);
  }

  remove(backendId: string, request: Destroyable): void {
    const group = this.groups.get(backendId);
    if (group === undefined) return;
    group.requests.delete(request);
    if (group.requests.size > 0) return;
    for (const wake of group.waiting) wake();
    if (group.tunnels.size === 0 && group.waiting.size === 0) this.groups.delete(backendId);
  }

  addTunnel(backendId: string, tunnel: Tunnel, host?: string): void {
    const group = this.group(backendId);
    group.tunnels.set(tunnel, host);
    void tunnel.closed.then(() => group.tunnels.delete(tunnel));
  }

  /** Waits until no request is open. @returns how many still are when time is up. */
  async drain(backendId: string, seconds: number): Promise<number> {
    const group = this.groups.get(backendId);
    if (group === undefined || group.requests.size === 0) return 0;
    await new Promise<void>((resolve) => {
      const wake = (): void => {
        clearTimeout(timer);
        group.waiting.delete(wake);
        resolve();
      };
      const timer = setTimeout(wake, seconds * 1000);
      group.waiting.add(wake);
    });
    return group.requests.size;
  }

  /** Evenly over `spreadSeconds`. Those that are still open when the signal aborts stay so. */
  async closeTunnels(
    backendId: string,
    { code, reason, spreadSeconds, signal, ...selection }: TunnelEnd & Selection,
  ): Promise<number> {
    const tunnels = selected(this.groups.get(backendId)?.tunnels, selection);
    const stepMs = tunnels.length === 0 ? 0 : (spreadSeconds * 1000) / tunnels.length;
    await Promise.all(
      tunnels.map(async (tunnel, index) => {
        await delay(index * stepMs, tunnel.closed, signal);
        if (signal?.aborted !== true) await tunnel.close(code, reason);
      }),
    );
    return tunnels.length;
  }

  /** Requests that are under way, also on their way to an upgrade. */
  destroyRequests(backendId: string, selection: Selection): void {
    for (const request of selected(this.groups.get(backendId)?.requests, selection)) request.destroy();
  }

  destroy(backendId: string): void {
    const group = this.groups.get(backendId);
    if (group === undefined) return;
    for (const open of [...group.requests.keys(), ...group.tunnels.keys()]) open.destroy();
  }

  destroyAll(): void {
    for (const backendId of this.groups.keys()) this.destroy(backendId);
  }

  private group(backendId: string): Group {
    let group = this.groups.get(backendId);
    if (group === undefined) {
      group = { requests: new Map(), tunnels: new Map(), waiting: new Set() };
      this.groups.set(backendId, group);
    }
    return group;
  }
}

function selected<T>(open: ReadonlyMap<T, string | undefined> | undefined, { hosts }: Selection): readonly T[] {
  const all = [...(open ?? [])];
  return all.filter(([, host]) => hosts === undefined || (host !== undefined && hosts.has(host))).map(([one]) => one);
}

/** Its timer doesn't outlive `closed` or the signal. */
async function delay(ms: number, closed: Promise<void>, signal: AbortSignal | undefined): Promise<void> {
  if (ms === 0) return;
  await new Promise<void>((resolve) => {
    const timer = setTimeout(resolve, ms);
    const end = (): void => {
      clearTimeout(timer);
      resolve();
    };
    signal?.addEventListener('abort', end, { once: true });
    void closed.then(end);
  });
}
