import { connect } from 'node:net';
import { listeners, socketsOf, type Listener } from './listeners.ts';
import type { ProcessEntry } from './process-table.ts';

/** Where an instance takes connections. */
export interface Endpoint {
  readonly host: string;
  readonly port: number;
}

export interface Wanted {
  /** Of the environment: a server on all addresses is reached here. */
  readonly address: string;
  /** That it was told in PORT. */
  readonly port: number;
  /** That the config declares. */
  readonly declaredPort: number;
}

/**
 * Where a process really listens: at the port that it was told in PORT or, if it ignores that, at the one that the config declares; on
 * whatever address of this machine. The socket must be its own, so that another program at the same port is never taken for it.
 */
export async function findEndpoint(
  wanted: Wanted,
  processes: () => readonly ProcessEntry[],
): Promise<Endpoint | undefined> {
  const all = listeners();
  const candidates = [wanted.port, wanted.declaredPort].flatMap((port) => all.filter((it) => it.port === port));
  if (candidates.length === 0) return undefined;
  const own = socketsOf(processes());
  for (const listener of candidates.filter((it) => own.has(it.inode))) {
    for (const host of hostsFor(listener, wanted.address)) {
      if (await answers(host, listener.port)) return { host, port: listener.port };
    }
  }
  return undefined;
}

/** Where else these processes listen: for the message when no endpoint was found. */
export function otherListeners(processes: readonly ProcessEntry[]): readonly Listener[] {
  const own = socketsOf(processes);
  return listeners().filter((it) => own.has(it.inode));
}

/** Whether a server at this endpoint takes connections to the environment's own address too. */
export function covers(endpoint: Endpoint, address: string): boolean {
  return endpoint.host === address;
}

function hostsFor(listener: Listener, address: string): readonly string[] {
  if (listener.host === '0.0.0.0') return [address];
  // A socket on `::` takes IPv4 too, unless its program said otherwise.
  if (listener.host === '::') return [address, '::1'];
  return [listener.host];
}

function answers(host: string, port: number): Promise<boolean> {
  const { promise, resolve } = Promise.withResolvers<boolean>();
  const socket = connect({ host, port, timeout: 1000 });
  const end = (result: boolean) => (): void => {
    socket.destroy();
    resolve(result);
  };
  socket.once('connect', end(true)).once('error', end(false)).once('timeout', end(false));
  return promise;
}
