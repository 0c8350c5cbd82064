import type { Tunnel } from './tunnel.ts';

/** What can be cut off: a response, or a socket on its way to an upgrade. */
export interface Destroyable {
  destroy(): unknown;
}
interface Group {
  readonly requests: Set<Destroyable>;
  readonly tunnels: Set<Tunnel>;
  readonly waiting: Set<() => void>;
}

/** Everything that is open to a backend, also after the routing table forgot it. */
export class OpenConnections {
  private readonly groups = new Map<string, Group>();

  add(backendId: string, request: Destroyable): void {
    this.group(backendId).requests.add(request);
  }

  remove(backendId: string, request: Destroyable): void {
    const group = this.groups.get(backendId);
    if (group === undefined) return;
    group.requests.delete(request);
    if (group.requests.size > 0) return;
    for (const wake of group.waiting) wake();
    if (group.tunnels.size === 0 && group.waiting.size === 0) this.groups.delete(backendId);
  }

  addTunnel(backendId: string, tunnel: Tunnel): void {
    const group = this.group(backendId);
    group.tunnels.add(tunnel);
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

  async closeTunnels(backendId: string, code: number, reason: string, spreadSeconds: number): Promise<number> {
    const tunnels = [...(this.groups.get(backendId)?.tunnels ?? [])];
    const stepMs = tunnels.length === 0 ? 0 : (spreadSeconds * 1000) / tunnels.length;
    await Promise.all(
      tunnels.map(async (tunnel, index) => {
        await Promise.race([delay(index * stepMs, tunnel.closed), tunnel.closed]);
        await tunnel.close(code, reason);
      }),
    );
    return tunnels.length;
  }

  destroy(backendId: string): void {
    const group = this.groups.get(backendId);
    if (group === undefined) return;
    for (const open of [...group.requests, ...group.tunnels]) open.destroy();
  }

  destroyAll(): void {
    for (const backendId of this.groups.keys()) this.destroy(backendId);
  }

  private group(backendId: string): Group {
    let group = this.groups.get(backendId);
    if (group === undefined) {
      group = { requests: new Set(), tunnels: new Set(), waiting: new Set() };
      this.groups.set(backendId, group);
    }
    return group;
  }
}

/** Its timer doesn't outlive `closed`. */
async function delay(ms: number, closed: Promise<void>): Promise<void> {
  if (ms === 0) return;
  await new Promise<void>((resolve) => {
    const timer = setTimeout(resolve, ms);
    void closed.then(() => {
      clearTimeout(timer);
    });
  });
}
