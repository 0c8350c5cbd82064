import http from 'node:http';
import http2 from 'node:http2';
import https from 'node:https';
import net from 'node:net';
import { once } from 'node:events';
import type { Answer, Upstream } from './exchange.ts';
import type { WireCall, WireTarget } from './wire.ts';

/** Of one hop, not of the message. @see https://www.rfc-editor.org/rfc/rfc9110#section-7.6.1 */
const HOP_BY_HOP = new Set([
  'connection',
  'keep-alive',
  'proxy-connection',
  'transfer-encoding',
  'upgrade',
  'http2-settings',
]);

/** Sends calls on in the protocol that they came by. */
export class CloudSide implements Upstream {
  #session: http2.ClientHttp2Session | undefined;

  constructor(private readonly target: WireTarget) {}

  send(call: WireCall): Promise<Answer> {
    return call.protocol === 'http/1' ? this.#overHttp1(call) : this.#overHttp2(call);
  }

  close(): void {
    this.#session?.destroy();
  }

  async #overHttp1(call: WireCall): Promise<Answer> {
    const { target } = this;
    const where =
      'socket' in target
        ? { socketPath: target.socket }
        : { hostname: new URL(target.url).hostname, port: new URL(target.url).port };
    const isTls = 'url' in target && target.url.startsWith('https:');
    // In clear text there is an emulator, which may look at signatures, and the host that was asked is signed. A cloud wants its own name.
    const host = isTls ? { host: new URL(target.url).host } : {};
    const sent = (isTls ? https : http).request({
      ...where,
      method: call.method,
      path: call.path,
      headers: { ...plain(call.headers), ...host, 'content-length': String(call.body.length) },
      agent: false,
    });
    sent.end(call.body);
    const { promise, resolve, reject } = Promise.withResolvers<http.IncomingMessage>();
    sent.once('response', resolve);
    sent.once('error', reject);
    const response = await promise;
    return {
      status: response.statusCode ?? 502,
      headers: plain(response.headers),
      body: response,
      trailers: () => response.trailers as Record<string, string>, // present values only
    };
  }

  async #overHttp2(call: WireCall): Promise<Answer> {
    const stream = this.#connected().request(
      { ...plain(call.headers), ':method': call.method, ':path': call.path },
      { endStream: false },
    );
    stream.end(call.body);
    let trailers: Record<string, string> = {};
    stream.on('trailers', (found: Record<string, string>) => {
      trailers = plain(found);
    });
    const { promise, resolve, reject } = Promise.withResolvers<http2.IncomingHttpHeaders & { ':status'?: number }>();
    stream.once('response', resolve);
    stream.once('error', reject);
    const headers = await promise;
    return { status: Number(headers[':status']), headers: plain(headers), body: stream, trailers: () => trailers };
  }

  #connected(): http2.ClientHttp2Session {
    if (this.#session && !this.#session.destroyed && !this.#session.closed) return this.#session;
    const { target } = this;
    const session =
      'socket' in target
        ? http2.connect('http://localhost', { createConnection: () => net.connect(target.socket) })
        : http2.connect(target.url);
    session.on('error', () => {}); // told by each stream
    this.#session = session;
    return session;
  }
}

/** Without pseudo headers and those of one hop. */
function plain<T>(headers: Readonly<Record<string, T | undefined>>): Record<string, Exclude<T, undefined>> {
  return Object.fromEntries(
    Object.entries(headers).filter(
      (entry): entry is [string, Exclude<T, undefined>] =>
        !entry[0].startsWith(':') && !HOP_BY_HOP.has(entry[0]) && entry[1] !== undefined,
    ),
  );
}

export async function listening(server: net.Server, where: { readonly path: string } | { readonly port: number }) {
  server.listen({ ...where, ...('port' in where && { host: '127.0.0.1' }) });
  await once(server, 'listening');
}
