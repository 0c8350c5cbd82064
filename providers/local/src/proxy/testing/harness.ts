import http from 'node:http';
import type { IncomingMessage, RequestListener, Server } from 'node:http';
import { connect } from 'node:net';
import type { AddressInfo, Socket } from 'node:net';
import { ProxyServer } from '../server.ts';
import type { ProxyOptions } from '../server.ts';
import { RoutingTable } from '../table.ts';

/** A proxy on a free port with one environment `e1` behind `app.localhost`, and whatever a test adds; all closed in the end. */
export interface Stage extends AsyncDisposable {
  readonly table: RoutingTable;
  readonly proxy: ProxyServer;
  readonly port: number;
  backend(listener: RequestListener): Promise<{ readonly server: Server; readonly port: number }>;
  serve(port: number | readonly number[], host?: string, id?: string): void;
}

export async function stage(options: Partial<ProxyOptions> = {}): Promise<Stage> {
  const table = new RoutingTable();
  const proxy = new ProxyServer({ table, ...options });
  const { port } = await proxy.listen({ port: 0 });
  const servers: Server[] = [];
  return {
    table,
    proxy,
    port,
    async backend(listener) {
      const server = http.createServer(listener);
      await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
      servers.push(server);
      return { server, port: portOf(server) };
    },
    serve(ports, host = 'app.localhost', id = 'e1') {
      const endpoints = [ports].flat().map((one) => ({ host: '127.0.0.1', port: one }));
      table.setBackend({
        id,
        title: `environment ${id}`,
        parts: [{ name: 'web', prefix: '/', target: { kind: 'service', endpoints } }],
      });
      table.setHost(host, [{ backend: id, percent: 100 }]);
    },
    async [Symbol.asyncDispose]() {
      await proxy.close();
      for (const server of servers) {
        server.close();
        server.closeAllConnections();
      }
    },
  };
}

export function portOf(server: Server): number {
  const address = server.address() as AddressInfo; // a TCP server that listens has one
  return address.port;
}

export interface Reply {
  readonly status: number;
  readonly headers: http.IncomingHttpHeaders;
  readonly rawHeaders: readonly string[];
  readonly trailers: NodeJS.Dict<string>;
  readonly body: string;
}

export async function request(
  port: number,
  path: string,
  options: http.RequestOptions & { readonly body?: string | Buffer } = {},
): Promise<Reply> {
  const { body, headers, ...rest } = options;
  return new Promise((resolve, reject) => {
    const outgoing = http.request(
      {
        port,
        path,
        host: '127.0.0.1',
        agent: false,
        ...rest,
        headers: { host: 'app.localhost', ...(headers as object) },
      },
      (answer) => {
        collect(answer).then((text) => {
          resolve({
            status: answer.statusCode ?? 0,
            headers: answer.headers,
            rawHeaders: answer.rawHeaders,
            trailers: answer.trailers,
            body: text,
          });
        }, reject);
      },
    );
    outgoing.on('error', reject);
    outgoing.end(body);
  });
}

export async function collect(stream: IncomingMessage): Promise<string> {
  const chunks: Buffer[] = [];
  for await (const chunk of stream) chunks.push(chunk as Buffer); // a stream without encoding yields buffers
  return Buffer.concat(chunks).toString();
}

/** Writes bytes as they are and reads until the other side closes. */
export async function raw(port: number, text: string, host = '127.0.0.1'): Promise<string> {
  const socket = connect(port, host);
  socket.write(text, 'latin1');
  return readAll(socket);
}

export async function readAll(socket: Socket): Promise<string> {
  return new Promise((resolve, reject) => {
    let all = '';
    socket.on('data', (chunk) => (all += chunk.toString('latin1')));
    socket.on('close', () => {
      resolve(all);
    });
    socket.on('error', reject);
  });
}

/** Polls until `holds`, with a deadline. */
export async function until(holds: () => boolean, what: string): Promise<void> {
  const deadline = Date.now() + 10_000;
  while (!holds()) {
    if (Date.now() > deadline) throw new Error(`never: ${what}`);
    await new Promise((resolve) => setTimeout(resolve, 5));
  }
}
