import { once } from 'node:events';
import type { AddressInfo, Server, Socket } from 'node:net';

/** A server on a port of loopback that is free. */
export class LoopbackServer {
  readonly #sockets = new Set<Socket>();

  private constructor(private readonly server: Server) {
    server.on('connection', (socket: Socket) => {
      this.#sockets.add(socket);
      socket.on('close', () => this.#sockets.delete(socket));
    });
  }

  static async listen(server: Server): Promise<LoopbackServer> {
    const loopback = new LoopbackServer(server);
    server.listen(0, '127.0.0.1');
    await once(server, 'listening');
    return loopback;
  }

  get port(): number {
    const { port } = this.server.address() as AddressInfo; // a TCP server's address is an object
    return port;
  }

  get url(): string {
    return `http://127.0.0.1:${String(this.port)}`;
  }

  /** Cuts what is open. */
  async end(): Promise<void> {
    const closed = once(this.server, 'close');
    this.server.close();
    for (const socket of this.#sockets) socket.destroy();
    await closed;
  }
}
