import { createServer } from 'node:http';
import type { IncomingMessage, Server, ServerResponse } from 'node:http';
import type { Socket } from 'node:net';
import type { Duplex } from 'node:stream';
import { ProviderError } from '@clusternator/core/provider';
import { rawAnswer } from './answers.ts';
import { assertLoopback, firstFree, tryListen } from './loopback.ts';
import type { PortChoice } from './loopback.ts';
import { OpenConnections } from './open-connections.ts';
import type { Selection, TunnelEnd } from './open-connections.ts';
import { Router } from './router.ts';
import type { RoutingTable } from './table.ts';
import { mayUpgrade } from './upgrade.ts';
import { Upstreams } from './upstreams.ts';

/** `trustForwardedHeaders`: what X-Forwarded-* and Forwarded say is kept, for when another proxy of this machine is in front. */
export interface ProxyOptions {
  readonly table: RoutingTable;
  readonly trustForwardedHeaders?: boolean;
  readonly log?: (message: string, error?: unknown) => void;
}

const MAX_HEADER_BYTES = 65_536;
const KEEP_ALIVE_MS = 65_000;

/** The reverse proxy: everything that reaches an environment from this machine passes here. It listens on loopback only. */
export class ProxyServer {
  private readonly table: RoutingTable;
  private readonly upstreams: Upstreams;
  private readonly router: Router;
  private readonly log: NonNullable<ProxyOptions['log']>;
  private readonly open = new OpenConnections();
  private readonly main: Server[] = [];
  private readonly byAddress = new Map<string, Server>();
  private readonly sockets = new WeakMap<Server, Set<Socket>>();
  private port: number | undefined;

  constructor({ table, trustForwardedHeaders = false, log = () => undefined }: ProxyOptions) {
    this.table = table;
    this.log = log;
    this.upstreams = new Upstreams(table.now);
    this.router = new Router({ table, upstreams: this.upstreams, open: this.open, trustForwardedHeaders, log });
    table.onBackendChange((id, endpoints) => {
      this.upstreams.retain(id, endpoints);
    });
  }

  /** Listens on 127.0.0.1, and on ::1 where there is one. @throws ProviderError `conflict` naming the port and, where found out, the process; `denied`. */
  async listen(choice: PortChoice): Promise<{ readonly port: number; readonly addresses: readonly string[] }> {
    const addresses: string[] = [];
    this.port = await firstFree(choice, 'the proxy', async (port) => {
      const four = this.newServer();
      if ((await tryListen(four, port, '127.0.0.1')) !== 'listening') return false;
      const actual = portOf(four);
      const six = this.newServer();
      const outcome = await tryListen(six, actual, '::1');
      if (outcome === 'taken') {
        four.close();
        return false;
      }
      this.main.push(four);
      addresses.push('127.0.0.1');
      if (outcome === 'listening') {
        this.main.push(six);
        addresses.push('::1');
      }
      return true;
    });
    if (this.main[0] !== undefined) this.port = portOf(this.main[0]);
    return { port: this.port, addresses };
  }

  /** Listens on an environment's own loopback address too, at the same port, for any Host. @throws ProviderError `invalid`, `conflict`, `unavailable`. */
  async listenOn(address: string, backendId: string): Promise<void> {
    assertLoopback(address);
    if (this.port === undefined) throw new ProviderError('internal', 'the proxy does not listen yet');
    this.table.setAddress(address, backendId);
    if (this.byAddress.has(address)) return;
    const server = this.newServer(address);
    this.byAddress.set(address, server);
    const outcome = await tryListen(server, this.port, address);
    if (outcome === 'listening') return;
    this.byAddress.delete(address);
    this.table.removeAddress(address);
    const where = `${address}:${String(this.port)}`;
    if (outcome === 'taken') throw new ProviderError('conflict', `${where} is taken`, { effect: 'none' });
    throw new ProviderError('unavailable', `this machine has no address ${address}`, {
      retry: 'never',
      effect: 'none',
    });
  }

  async stopListeningOn(address: string): Promise<void> {
    const server = this.byAddress.get(address);
    this.byAddress.delete(address);
    this.table.removeAddress(address);
    if (server !== undefined) await this.stop(server);
  }

  /** Waits until no request is in flight, at most so long. WebSockets don't count. */
  async drain(backendId: string, seconds: number): Promise<{ readonly remaining: number }> {
    return { remaining: await this.open.drain(backendId, seconds) };
  }

  /**
   * Closes the WebSockets of a backend with a close frame each, evenly over `spreadSeconds`; other upgraded connections are just ended.
   * @returns How many there were, once all are closed.
   */
  async closeWebSockets(
    backendId: string,
    { code = 1012, reason = 'service restart', spreadSeconds = 0, ...selection }: Partial<TunnelEnd> & Selection = {},
  ): Promise<number> {
    return this.open.closeTunnels(backendId, { code, reason, spreadSeconds, ...selection });
  }

  /** Cuts the requests to a backend that came by one of these hosts. */
  cutRequests(backendId: string, hosts: ReadonlySet<string>): void {
    this.open.destroyRequests(backendId, { hosts });
  }

  /** Cuts whatever is still open to a backend. */
  disconnect(backendId: string): void {
    this.open.destroy(backendId);
  }

  /** Stops listening and cuts everything. */
  async close(): Promise<void> {
    const servers = [...this.main.splice(0), ...this.byAddress.values()];
    this.byAddress.clear();
    this.open.destroyAll();
    await Promise.all(servers.map((server) => this.stop(server)));
    await this.upstreams.destroy();
  }

  private async stop(server: Server): Promise<void> {
    const closed = new Promise<void>((resolve) => {
      server.close(() => {
        resolve();
      });
    });
    // Node's own closeAllConnections() leaves upgraded ones open.
    for (const socket of this.sockets.get(server) ?? []) socket.destroy();
    await closed;
  }

  private newServer(address?: string): Server {
    const server = createServer({
      maxHeaderSize: MAX_HEADER_BYTES,
      requestTimeout: 0, // an upload may take hours; headers may not
      headersTimeout: 60_000,
      keepAliveTimeout: KEEP_ALIVE_MS,
      insecureHTTPParser: false,
      noDelay: true,
      optimizeEmptyRequests: true,
      shouldUpgradeCallback: mayUpgrade,
    });
    const sockets = new Set<Socket>();
    this.sockets.set(server, sockets);
    server.on('connection', (socket) => {
      sockets.add(socket);
      socket.once('close', () => sockets.delete(socket));
    });
    server.maxHeadersCount = 0; // bounded by their size; none is left out silently
    server.on('request', (request, response) => {
      this.router.serve(request, response, address, false);
    });
    server.on('checkContinue', (request: IncomingMessage, response: ServerResponse) => {
      this.router.serve(request, response, address, true);
    });
    server.on('upgrade', (request: IncomingMessage, socket: Duplex, head: Buffer) => {
      socket.on('error', () => socket.destroy());
      this.router.serveUpgrade(request, socket, head, address).catch((error: unknown) => {
        this.log('an upgrade failed', error);
        socket.destroy();
      });
    });
    server.on('connect', (_request: IncomingMessage, socket: Duplex) => {
      socket.on('error', () => socket.destroy());
      socket.end(rawAnswer(405, 'This is not a forward proxy.'));
    });
    server.on('clientError', refuse);
    return server;
  }
}

/** What Node's parser would not read. */
function refuse(error: NodeJS.ErrnoException, socket: Duplex): void {
  if (error.code === 'ECONNRESET' || !socket.writable) {
    socket.destroy();
    return;
  }
  const [status, text] =
    error.code === 'HPE_HEADER_OVERFLOW'
      ? [431, 'The headers are too large.']
      : error.code === 'ERR_HTTP_REQUEST_TIMEOUT'
        ? [408, 'The request took too long.']
        : [400, 'The request is not valid HTTP.'];
  socket.end(rawAnswer(status, text), () => socket.destroy());
}

function portOf(server: Server): number {
  const address = server.address();
  if (address === null || typeof address === 'string') throw new ProviderError('internal', 'a listener without a port');
  return address.port;
}
