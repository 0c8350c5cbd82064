import { createServer, request as ask, STATUS_CODES, type IncomingMessage, type ServerResponse } from 'node:http';
import { createServer as createTlsServer } from 'node:https';
import type { Server } from 'node:net';
import type { Duplex } from 'node:stream';
import { pipeline } from 'node:stream';
import type { Action, Rule } from '@aws-sdk/client-elastic-load-balancing-v2';
import type { Certificates } from './certificates.ts';
import { LoopbackServer } from './loopback-server.ts';
import { actionsFor, groupOf } from './rules.ts';
import type { Target, Targets } from './targets.ts';

const IDLE_MILLISECONDS = 60_000;
/** Of one hop. @see https://www.rfc-editor.org/rfc/rfc9110#section-7.6.1 */
const HOP = new Set(['connection', 'keep-alive', 'proxy-connection', 'te', 'trailer', 'transfer-encoding', 'upgrade']);

/** What a listener serves by; it may be another for each request. */
export interface ListenerSettings {
  readonly port: number;
  readonly isTls: boolean;
  readonly rules: readonly Rule[];
}

/** A listener of an application load balancer, on a port of loopback. */
export class Listener {
  readonly #server: Server;
  #loopback: LoopbackServer | undefined;

  private constructor(
    public settings: ListenerSettings,
    private readonly targets: Pick<Targets, 'next'>,
    certificates: Pick<Certificates, 'contextFor'>,
  ) {
    const handle = (incoming: IncomingMessage, response: ServerResponse) => this.#serve(incoming, response);
    const server = settings.isTls
      ? createTlsServer(
          {
            SNICallback: (name, done) =>
              void certificates.contextFor(name).then((context) => done(null, context), done),
          },
          handle,
        )
      : createServer(handle);
    server.on('upgrade', (incoming, socket, head) => this.#upgrade(incoming, socket, head));
    server.keepAliveTimeout = IDLE_MILLISECONDS;
    server.requestTimeout = 0;
    this.#server = server;
  }

  static async listen(
    settings: ListenerSettings,
    targets: Pick<Targets, 'next'>,
    certificates: Pick<Certificates, 'contextFor'>,
  ): Promise<Listener> {
    const listener = new Listener(settings, targets, certificates);
    listener.#loopback = await LoopbackServer.listen(listener.#server);
    return listener;
  }

  /** Where it really listens. */
  get port(): number {
    return this.#loopback?.port ?? 0;
  }

  async close(): Promise<void> {
    await this.#loopback?.end();
  }

  #serve(incoming: IncomingMessage, response: ServerResponse): void {
    const action = lastOf(actionsFor(this.settings.rules, incoming));
    if (action?.Type === 'fixed-response') {
      const { StatusCode = '503', ContentType = 'text/plain', MessageBody = '' } = action.FixedResponseConfig ?? {};
      respond(response, Number(StatusCode), MessageBody, { 'content-type': ContentType });
    } else if (action?.Type === 'redirect') {
      const location = this.#locationOf(action, incoming);
      respond(response, Number(action.RedirectConfig?.StatusCode?.replace('HTTP_', '') ?? '302'), '', { location });
    } else this.#forward(action, incoming, response);
  }

  #forward(action: Action | undefined, incoming: IncomingMessage, response: ServerResponse): void {
    const target = this.#targetOf(action);
    if (!target) {
      respond(response, 503);
      return;
    }
    const outgoing = ask({
      host: target.host,
      port: target.port,
      method: incoming.method,
      path: incoming.url,
      headers: this.#headersOf(incoming),
      setDefaultHeaders: false,
      agent: false,
      timeout: IDLE_MILLISECONDS,
    });
    const cut = () => {
      outgoing.destroy();
      response.destroy();
    };
    target.open.add(cut);
    response.on('close', () => {
      target.open.delete(cut);
      outgoing.destroy();
    });
    outgoing.on('timeout', () => outgoing.destroy(new Error('timeout')));
    outgoing.on('error', ({ message }) => {
      if (response.headersSent) response.destroy();
      else respond(response, message === 'timeout' ? 504 : 502);
    });
    outgoing.on('response', (answer) => {
      response.writeHead(answer.statusCode ?? 502, answer.statusMessage, without(HOP, answer.headers));
      response.flushHeaders();
      pipeline(answer, response, () => undefined);
    });
    incoming.on('error', () => outgoing.destroy());
    incoming.pipe(outgoing);
  }

  #upgrade(incoming: IncomingMessage, client: Duplex, head: Buffer): void {
    client.on('error', () => client.destroy());
    const action = lastOf(actionsFor(this.settings.rules, incoming));
    const target = action?.Type === 'forward' ? this.#targetOf(action) : undefined;
    if (!target) {
      client.end('HTTP/1.1 503 Service Unavailable\r\nconnection: close\r\ncontent-length: 0\r\n\r\n');
      return;
    }
    const { upgrade = '' } = incoming.headers;
    const outgoing = ask({
      host: target.host,
      port: target.port,
      path: incoming.url,
      headers: { ...this.#headersOf(incoming), connection: 'Upgrade', upgrade },
      agent: false,
    });
    const cut = () => {
      outgoing.destroy();
      client.destroy();
    };
    target.open.add(cut);
    client.on('close', () => {
      target.open.delete(cut);
      outgoing.destroy();
    });
    outgoing.on('error', () =>
      client.end('HTTP/1.1 502 Bad Gateway\r\nconnection: close\r\ncontent-length: 0\r\n\r\n'),
    );
    outgoing.on('response', (answer) => {
      client.write(`${headOf(answer)}connection: close\r\n\r\n`);
      answer.pipe(client);
    });
    outgoing.on('upgrade', (answer, upstream: Duplex, first: Buffer) => {
      upstream.on('error', () => client.destroy());
      upstream.on('close', () => client.destroy());
      client.on('close', () => upstream.destroy());
      client.write(`${headOf(answer)}\r\n`);
      if (first.length > 0) client.write(first);
      if (head.length > 0) upstream.write(head);
      upstream.pipe(client).pipe(upstream);
    });
    outgoing.end();
  }

  #targetOf(action: Action | undefined): Target | undefined {
    const group = action ? groupOf(action, Math.random()) : undefined;
    return group === undefined ? undefined : this.targets.next(group);
  }

  /** @see https://docs.aws.amazon.com/elasticloadbalancing/latest/application/x-forwarded-headers.html */
  #headersOf(incoming: IncomingMessage): Record<string, string | string[]> {
    const headers = without(HOP, incoming.headers);
    const from = incoming.socket.remoteAddress ?? '';
    const before = headers['x-forwarded-for'];
    return {
      ...headers,
      'x-forwarded-for': before ? `${String(before)}, ${from}` : from,
      'x-forwarded-proto': this.settings.isTls ? 'https' : 'http',
      'x-forwarded-port': String(this.settings.port),
      ...(incoming.headers['transfer-encoding'] ? { 'transfer-encoding': 'chunked' } : {}),
    };
  }

  /** @see https://docs.aws.amazon.com/elasticloadbalancing/latest/application/rule-action-types.html#redirect-actions */
  #locationOf({ RedirectConfig }: Action, incoming: IncomingMessage): string {
    const own = this.settings;
    const url = new URL(incoming.url ?? '/', 'http://any');
    const known: Readonly<Record<string, string>> = {
      protocol: own.isTls ? 'https' : 'http',
      host: (incoming.headers.host ?? '').replace(/:\d+$/, ''),
      port: String(own.port),
      path: url.pathname.slice(1),
      query: url.search.slice(1),
    };
    const fill = (text: string) => text.replaceAll(/#\{(\w+)\}/g, (_, word: string) => known[word] ?? '');
    const { Protocol, Port, Host, Path, Query } = RedirectConfig ?? {};
    const protocol = fill(Protocol ?? '#{protocol}').toLowerCase();
    const query = fill(Query ?? '#{query}');
    const authority = `${fill(Host ?? '#{host}')}:${fill(Port ?? '#{port}')}`;
    return `${protocol}://${authority}${fill(Path ?? '/#{path}')}${query ? `?${query}` : ''}`;
  }
}

/** Those that authenticate come before it. */
function lastOf(actions: readonly Action[]): Action | undefined {
  return actions.toSorted((a, b) => (a.Order ?? 1) - (b.Order ?? 1)).at(-1);
}

function respond(response: ServerResponse, status: number, body?: string, headers: Record<string, string> = {}): void {
  response.writeHead(status, { 'content-type': 'text/plain', server: 'awselb/2.0', ...headers });
  response.end(body ?? `${String(status)} ${STATUS_CODES[status] ?? ''}\n`);
}

function without(names: ReadonlySet<string>, headers: IncomingMessage['headers']): Record<string, string | string[]> {
  const kept = Object.entries(headers).filter(([name, value]) => value !== undefined && !names.has(name));
  return Object.fromEntries(kept) as Record<string, string | string[]>; // the undefined are left out
}

function headOf(answer: IncomingMessage): string {
  const lines = answer.rawHeaders.flatMap((text, index) =>
    index % 2 === 0 ? [`${text}: ${answer.rawHeaders[index + 1] ?? ''}`] : [],
  );
  return `HTTP/1.1 ${String(answer.statusCode)} ${answer.statusMessage ?? ''}\r\n${lines.join('\r\n')}\r\n`;
}
