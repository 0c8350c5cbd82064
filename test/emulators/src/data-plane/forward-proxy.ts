import { createServer, request as ask, type IncomingMessage, type ServerResponse } from 'node:http';
import { connect } from 'node:net';
import type { Duplex } from 'node:stream';
import { pipeline } from 'node:stream';
import { LoopbackServer } from './loopback-server.ts';

/** Where a name's port really is, on loopback. */
export type PortOf = (name: string, port: number) => Promise<number | undefined>;

/** An HTTP proxy that leads names to the listeners that answer for them, and nowhere else but to loopback. */
export async function listenAsProxy(portOf: PortOf): Promise<LoopbackServer> {
  const proxy = new ForwardProxy(portOf);
  const server = createServer((incoming, response) => {
    void proxy.serve(incoming, response);
  });
  server.requestTimeout = 0;
  server.on('connect', (incoming, client, head) => {
    void proxy.tunnel(incoming.url ?? '', client, head);
  });
  server.on('upgrade', (incoming, client, head) => {
    void proxy.upgrade(incoming, client, head);
  });
  return LoopbackServer.listen(server);
}

class ForwardProxy {
  constructor(private readonly portOf: PortOf) {}

  async serve(incoming: IncomingMessage, response: ServerResponse): Promise<void> {
    const url = URL.parse(incoming.url ?? '');
    const port = url?.protocol === 'http:' ? await this.#resolve(url.hostname, Number(url.port || '80')) : undefined;
    if (!url || port === undefined) {
      response
        .writeHead(502, { 'content-type': 'text/plain' })
        .end(`no listener answers for ${String(incoming.url)}\n`);
      return;
    }
    const { 'proxy-connection': _, ...headers } = incoming.headers;
    const outgoing = ask({
      host: '127.0.0.1',
      port,
      method: incoming.method,
      path: pathOf(incoming.url ?? ''),
      headers: { ...headers, host: url.host, connection: 'close' },
      agent: false,
    });
    outgoing.on('response', (answer) => {
      const { connection: __, 'keep-alive': ___, ...kept } = answer.headers;
      response.writeHead(answer.statusCode ?? 502, answer.statusMessage, kept);
      response.flushHeaders();
      pipeline(answer, response, () => undefined);
    });
    outgoing.on('error', () => {
      if (response.headersSent) response.destroy();
      else response.writeHead(502).end();
    });
    response.on('close', () => outgoing.destroy());
    incoming.pipe(outgoing);
  }

  async tunnel(authority: string, client: Duplex, head: Buffer): Promise<void> {
    client.on('error', () => client.destroy());
    const [, name = '', port = ''] = /^(.*):(\d+)$/.exec(authority) ?? [];
    const target = await this.#resolve(name, Number(port));
    if (target === undefined) client.end('HTTP/1.1 502 Bad Gateway\r\ncontent-length: 0\r\n\r\n');
    else join(client, target, 'HTTP/1.1 200 Connection Established\r\n\r\n', head);
  }

  /** In absolute form, as `ws:` through a proxy without CONNECT. */
  async upgrade(incoming: IncomingMessage, client: Duplex, head: Buffer): Promise<void> {
    client.on('error', () => client.destroy());
    const url = URL.parse(incoming.url ?? '');
    const target = url ? await this.#resolve(url.hostname, Number(url.port || '80')) : undefined;
    if (target === undefined) {
      client.end('HTTP/1.1 502 Bad Gateway\r\ncontent-length: 0\r\n\r\n');
      return;
    }
    const lines = incoming.rawHeaders.flatMap((name, at) =>
      at % 2 === 0 ? [`${name}: ${incoming.rawHeaders[at + 1] ?? ''}`] : [],
    );
    const first = `${String(incoming.method)} ${pathOf(incoming.url ?? '')} HTTP/1.1\r\n${lines.join('\r\n')}\r\n\r\n`;
    join(client, target, '', Buffer.concat([Buffer.from(first), head]));
  }

  /** Loopback itself is passed through, as whoever sets a proxy for all would want. */
  async #resolve(name: string, port: number): Promise<number | undefined> {
    if (name === 'localhost' || /^127(?:\.\d+){3}$/.test(name)) return port;
    return this.portOf(name, port).catch(() => undefined);
  }
}

function join(client: Duplex, port: number, toClient: string, toTarget: Buffer): void {
  const target = connect({ host: '127.0.0.1', port, allowHalfOpen: true }, () => {
    if (toClient) client.write(toClient);
    if (toTarget.length > 0) target.write(toTarget);
    client.pipe(target).pipe(client);
  });
  target.on('error', () => client.destroy());
  target.on('close', () => client.destroy());
  client.on('close', () => target.destroy());
}

/** As it was written, not as it would be normalised. */
function pathOf(absolute: string): string {
  return absolute.replace(/^[a-z]+:\/\/[^/?#]*/i, '').replace(/^(?!\/)/, '/');
}
