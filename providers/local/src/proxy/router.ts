import type { IncomingMessage, ServerResponse } from 'node:http';
import type { Duplex } from 'node:stream';
import { badRequest, NO_BACKEND, noPart, send, unavailable, UNKNOWN_HOST, vacant } from './answers.ts';
import type { Answer } from './answers.ts';
import type { Endpoint } from './backend.ts';
import { Exchange } from './exchange.ts';
import { upstreamHeaders } from './headers.ts';
import type { OpenConnections } from './open-connections.ts';
import { readTarget } from './request-target.ts';
import { serveSite } from './site.ts';
import type { Resolution, RoutingTable } from './table.ts';
import { answerOn, upgrade } from './upgrade.ts';
import type { Upstreams } from './upstreams.ts';

/** What the router works with. */
export interface RouterParts {
  readonly table: RoutingTable;
  readonly upstreams: Upstreams;
  readonly open: OpenConnections;
  readonly trustForwardedHeaders: boolean;
  readonly log: (message: string, error?: unknown) => void;
}
type Route = Extract<Resolution, { kind: 'part' }> & { readonly path: string; readonly hostHeader: string };

/** Sends each request where the table says. */
export class Router {
  constructor(private readonly parts: RouterParts) {}

  /** @param address - The environment's own address, where the request came in there. */
  serve(
    request: IncomingMessage,
    response: ServerResponse,
    address: string | undefined,
    expectsContinue: boolean,
  ): void {
    const route = this.route(request, address);
    if ('status' in route) {
      // Who was never told to go on may leave the body out, so where the next request starts would be a guess.
      send(response, expectsContinue ? { ...route, headers: { ...route.headers, connection: 'close' } } : route);
      return;
    }
    const { target } = route.part;
    if (target.kind === 'service') {
      const exchange = this.exchange(request, response, route, target.endpoints, expectsContinue);
      this.count(route, response, exchange);
      exchange.start();
      return;
    }
    this.count(route, response);
    if (target.kind === 'site') {
      serveSite(target, route.part.prefix, route.path, request, response).catch((error: unknown) => {
        this.parts.log(`${about(route)} failed`, error);
        send(response, { status: 500, text: `${about(route)} could not be read.` });
      });
    } else {
      send(response, unavailable(about(route), target.reason, target.retryAfterSeconds ?? 1));
    }
  }

  async serveUpgrade(
    request: IncomingMessage,
    socket: Duplex,
    head: Buffer,
    address: string | undefined,
  ): Promise<void> {
    const route = this.route(request, address);
    if ('status' in route) {
      await answerOn({ request, socket }, route);
      return;
    }
    const { target } = route.part;
    if (target.kind === 'site') {
      await answerOn({ request, socket }, badRequest(`${about(route)} is files only: nothing there can upgrade`));
    } else if (target.kind === 'unavailable') {
      await answerOn({ request, socket }, unavailable(about(route), target.reason, target.retryAfterSeconds ?? 1));
    } else {
      await this.tunnel(request, socket, head, route, target.endpoints);
    }
  }

  private async tunnel(
    request: IncomingMessage,
    socket: Duplex,
    head: Buffer,
    route: Route,
    endpoints: readonly Endpoint[],
  ): Promise<void> {
    const { table, upstreams, open } = this.parts;
    const { backend, path } = route;
    const counters = countersOf(route);
    for (const counter of counters) counter.started(table.now());
    open.add(backend.id, socket, route.host?.name);
    try {
      const headers = this.headersFor(request, route);
      const input = { request, socket, head, path, headers, backendId: backend.id, endpoints, about: about(route) };
      const tunnel = await upgrade(input, upstreams);
      if (tunnel === undefined) return;
      open.addTunnel(backend.id, tunnel, route.host?.name);
      for (const counter of counters) counter.upgraded += 1;
      void tunnel.closed.then(() => {
        for (const counter of counters) counter.upgraded -= 1;
      });
    } finally {
      for (const counter of counters) counter.inFlight -= 1;
      open.remove(backend.id, socket);
    }
  }

  private exchange(
    request: IncomingMessage,
    response: ServerResponse,
    route: Route,
    endpoints: readonly Endpoint[],
    expectsContinue: boolean,
  ): Exchange {
    const { backend, part, path } = route;
    const headers = this.headersFor(request, route);
    return new Exchange(
      { request, response, path, headers, expectsContinue, backend, part, endpoints },
      this.parts.upstreams,
    );
  }

  private route(request: IncomingMessage, address: string | undefined): Route | Answer {
    const target = readTarget(request);
    if ('refusal' in target) return target.refusal;
    const { table } = this.parts;
    const { host, path } = target;
    const found = address === undefined ? table.resolve(host, path) : table.resolveAddress(address, path);
    switch (found.kind) {
      case 'unknown-host':
        return UNKNOWN_HOST;
      case 'no-backend':
        return NO_BACKEND;
      case 'vacant':
        return vacant(found.text);
      case 'no-part':
        return noPart(found.backend.title);
      case 'part':
        return { ...found, path, hostHeader: host ?? address ?? '' };
    }
  }

  private headersFor(request: IncomingMessage, { hostHeader }: Route): string[] {
    const address = request.socket.remoteAddress ?? '127.0.0.1';
    return upstreamHeaders(request, { address, host: hostHeader }, this.parts.trustForwardedHeaders);
  }

  /** A response closes in the end, whatever came of it. */
  private count(route: Route, response: ServerResponse, exchange?: Exchange): void {
    const { table, open } = this.parts;
    const { id, traffic } = route.backend;
    const { host } = route;
    const now = table.now();
    traffic.started(now);
    host?.traffic.started(now);
    open.add(id, response, host?.name);
    response.once('close', () => {
      exchange?.clientGone();
      traffic.inFlight -= 1;
      if (host !== undefined) host.traffic.inFlight -= 1;
      open.remove(id, response);
    });
  }
}

function countersOf({ backend, host }: Route): Route['backend']['traffic'][] {
  return host === undefined ? [backend.traffic] : [backend.traffic, host.traffic];
}

function about({ backend, part }: Route): string {
  const kind = part.target.kind === 'unavailable' ? 'part' : part.target.kind;
  return `${kind} ${part.name} of ${backend.title}`;
}
