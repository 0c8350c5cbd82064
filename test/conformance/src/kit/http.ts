import http from 'node:http';
import https from 'node:https';
import type { Account } from './harness.ts';

export interface HttpAnswer {
  readonly status: number;
  readonly text: string;
}
export interface HttpOptions {
  readonly agent?: http.Agent;
  readonly seconds?: number;
  readonly headers?: Readonly<Record<string, string>>;
}

/** Asks what a provider serves, as a browser would. A `.localhost` name is this machine whatever the resolver thinks of it. */
export function httpGet(
  account: Pick<Account, 'dial'>,
  target: string | URL,
  options: HttpOptions = {},
): Promise<HttpAnswer> {
  const url = new URL(target);
  const isTls = url.protocol === 'https:';
  const isHere = url.hostname === 'localhost' || url.hostname.endsWith('.localhost');
  const usual = { host: isHere ? '127.0.0.1' : url.hostname, port: Number(url.port || (isTls ? 443 : 80)) };
  const { host, port, ca }: ReturnType<NonNullable<Account['dial']>> = account.dial?.(url) ?? usual;
  const { promise, resolve, reject } = Promise.withResolvers<HttpAnswer>();
  const sent = (isTls ? https : http).request({
    ...{ host, port, path: url.pathname + url.search, agent: options.agent ?? false },
    headers: { host: url.host, ...options.headers },
    ...(isTls && { servername: url.hostname, ...(ca !== undefined && { ca }) }),
    timeout: (options.seconds ?? 20) * 1000,
  });
  sent.once('timeout', () => sent.destroy(new Error(`${url.href} did not answer in time`)));
  sent.once('error', reject);
  sent.once('response', (response) => {
    const pieces: Buffer[] = [];
    response.once('error', reject);
    response.on('data', (piece: Buffer) => pieces.push(piece));
    response.once('end', () => {
      resolve({ status: response.statusCode ?? 0, text: Buffer.concat(pieces).toString('utf8') });
    });
  });
  sent.end();
  return promise;
}
