import { once } from 'node:events';
import { connect, createServer, type Server, type Socket } from 'node:net';
import { ProviderError } from '@clusternator/core/provider';
import type { Endpoint } from './endpoint.ts';

/** A TCP port that passes each connection on to one of several endpoints, in turn. Half-closed connections stay so. */
export class Forwarder {
  readonly #server: Server;
  readonly #sockets = new Set<Socket>();
  #endpoints: readonly Endpoint[];
  #next = 0;

  private constructor(endpoints: readonly Endpoint[]) {
    this.#endpoints = endpoints;
    this.#server = createServer({ allowHalfOpen: true, pauseOnConnect: true }, (client) => {
      this.#accept(client, this.#endpoints.length);
    });
  }

  /** @throws ProviderError `conflict` (another program has the port). */
  static async listen(address: string, port: number, endpoints: readonly Endpoint[]): Promise<Forwarder> {
    const forwarder = new Forwarder(endpoints);
    const server = forwarder.#server;
    server.listen({ host: address, port, exclusive: true });
    try {
      await once(server, 'listening');
    } catch (cause) {
      throw new ProviderError('conflict', `port ${String(port)} at ${address} is taken by another program`, {
        cause,
        hint: `stop the program that listens on port ${String(port)}, or declare another port`,
      });
    }
    server.on('error', () => undefined); // running out of file descriptors ends no daemon
    return forwarder;
  }

  /** For connections from now on. */
  setEndpoints(endpoints: readonly Endpoint[]): void {
    this.#endpoints = endpoints;
  }

  /** Takes no more connections, and cuts those that are open. */
  async close(): Promise<void> {
    if (!this.#server.listening) return;
    const closed = once(this.#server, 'close');
    this.#server.close();
    for (const socket of this.#sockets) socket.destroy();
    await closed;
  }

  #accept(client: Socket, tries: number): void {
    this.#keep(client);
    const endpoint = this.#endpoints[this.#next++ % Math.max(1, this.#endpoints.length)];
    if (!endpoint || tries <= 0) {
      breakOff(client);
      return;
    }
    const target = connect({ ...endpoint, allowHalfOpen: true, noDelay: true });
    this.#keep(target);
    const giveUp = (): void => {
      target.destroy();
    };
    client.once('close', giveUp);
    target.once('error', () => {
      client.off('close', giveUp);
      if (!client.destroyed) this.#accept(client, tries - 1);
    });
    target.once('connect', () => {
      client.off('close', giveUp);
      join(client, target);
    });
  }

  #keep(socket: Socket): void {
    if (this.#sockets.has(socket)) return;
    this.#sockets.add(socket);
    socket.once('close', () => this.#sockets.delete(socket));
    socket.on('error', () => undefined);
  }
}

/** Each side's end and failure is the other's; `pipe` holds a fast one back for a slow one. */
export function join(client: Socket, target: Socket): void {
  target.removeAllListeners('error');
  for (const [from, to] of [
    [client, target],
    [target, client],
  ] as const) {
    from.on('error', () => {
      breakOff(to);
    });
    from.once('close', (failed) => {
      if (failed) to.destroy();
    });
    from.setNoDelay(true);
    from.pipe(to);
  }
}

/**
 * Without an end, so that the other side sees a failure. A reset while the socket's own end is under way would keep its handle for ever: libuv
 * refuses it (`uv_tcp_close_reset`), and Node never tells that the socket has closed.
 */
function breakOff(socket: Socket): void {
  if (socket.writable && socket.writableLength === 0) socket.resetAndDestroy();
  else socket.destroy();
}
