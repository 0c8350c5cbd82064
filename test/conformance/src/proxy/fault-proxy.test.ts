import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import http from 'node:http';
import http2 from 'node:http2';
import type { AddressInfo, Server } from 'node:net';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterAll, afterEach, beforeAll, describe, expect, test } from '@jest/globals';
import { faultProxy, type FaultProxy } from './fault-proxy.ts';
import { Wire } from './wire.ts';

const wire = new Wire();
const folder = mkdtempSync(path.join(tmpdir(), 'kit-proxy-'));
let carriedOut = 0;
const one = http.createServer((request, response) => {
  request.resume().once('end', () => {
    if (request.method !== 'GET') carriedOut += 1;
    response.end(`${request.method ?? ''} ${request.url ?? ''} ${String(carriedOut)}`);
  });
});
const two = http2.createServer();
const proxies: FaultProxy[] = [];
let oneUrl = '';
let twoUrl = '';

beforeAll(async () => {
  two.on('stream', (stream, headers) => {
    stream.respond(
      { ':status': 200, 'content-type': headers['content-type'] ?? 'text/plain' },
      { waitForTrailers: true },
    );
    stream.on('wantTrailers', () => stream.sendTrailers({ 'grpc-status': '0' }));
    stream.pipe(stream);
  });
  oneUrl = await fronted(one);
  twoUrl = await fronted(two);
});
afterEach(() => wire.lift());
afterAll(async () => {
  for (const proxy of proxies) await proxy.close();
  one.close();
  two.close();
  rmSync(folder, { recursive: true });
});

async function fronted(server: Server): Promise<string> {
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  const proxy = await faultProxy(wire, { url: `http://127.0.0.1:${String(port)}` }, folder, {
    isMutating: ({ method, path: target }) => method !== 'GET' && !target.endsWith('/Get'),
  });
  proxies.push(proxy);
  return 'url' in proxy.front ? proxy.front.url : '';
}

const text = async (answer: Response) => [answer.status, await answer.text()] as const;

describe('HTTP/1', () => {
  test('calls pass through, and those that change something are numbered', async () => {
    const before = wire.mutations;
    expect(await text(await fetch(`${oneUrl}/a?b=c`))).toEqual([200, `GET /a?b=c ${String(carriedOut)}`]);
    await fetch(`${oneUrl}/a`, { method: 'PUT', body: 'x' });
    expect(wire.mutations).toBe(before + 1);
    expect(wire.calls.at(-1)).toMatchObject({ method: 'PUT', mutation: before + 1, protocol: 'http/1' });
  });

  test.each([
    [false, 0],
    [true, 1],
  ] as const)('a refusal with after: %j is carried out %d times', async (after, times) => {
    const before = carriedOut;
    wire.onMutations(
      { kind: 'refuse', refusal: { status: 429, headers: { 'retry-after': '7' }, body: 'slow' }, after },
      1,
    );
    const answer = await fetch(`${oneUrl}/a`, { method: 'POST' });
    expect([answer.headers.get('retry-after'), ...(await text(answer))]).toEqual(['7', 429, 'slow']);
    expect(carriedOut).toBe(before + times);
    expect((await fetch(`${oneUrl}/a`, { method: 'POST' })).status).toBe(200);
  });

  test('a reset after the commit loses the answer alone', async () => {
    const before = carriedOut;
    wire.onMutations({ kind: 'reset', after: true }, 1);
    await expect(fetch(`${oneUrl}/a`, { method: 'POST' })).rejects.toThrow('fetch failed');
    expect(carriedOut).toBe(before + 1);
  });

  test('a stale read is answered as it was before', async () => {
    const [, old] = await text(await fetch(`${oneUrl}/stale`));
    const asOf = wire.calls.length;
    await fetch(`${oneUrl}/a`, { method: 'POST' });
    wire.onReads({ kind: 'stale', asOf }, 1);
    expect((await text(await fetch(`${oneUrl}/stale`)))[1]).toBe(old);
    expect((await text(await fetch(`${oneUrl}/stale`)))[1]).not.toBe(old);
  });
});

describe('HTTP/2 and gRPC', () => {
  test('calls pass through with their trailers', async () => {
    expect(await call('/kit.Things/Get')).toEqual({ status: 200, body: 'message', trailers: '0' });
    expect(wire.calls.at(-1)).toMatchObject({ protocol: 'grpc', path: '/kit.Things/Get' });
    expect(wire.calls.at(-1)?.mutation).toBeUndefined();
  });

  test('a refusal of a gRPC call is in its trailers', async () => {
    wire.onMutations({ kind: 'refuse', refusal: { status: 200, grpcStatus: 7, body: 'denied' }, after: false }, 1);
    expect(await call('/kit.Things/Make')).toEqual({ status: 200, body: '', trailers: '7' });
  });

  test('a reset breaks the stream off', async () => {
    wire.onMutations({ kind: 'reset', after: true }, 1);
    await expect(call('/kit.Things/Make')).rejects.toThrow(/stream|socket|session|closed|RESET/i);
  });
});

async function call(target: string): Promise<{ status: number; body: string; trailers: string }> {
  const session = http2.connect(twoUrl);
  const broken = new Promise<never>((_, reject) => session.once('error', reject));
  broken.catch(() => {}); // told below, where it is waited for
  try {
    const stream = session.request({ ':method': 'POST', ':path': target, 'content-type': 'application/grpc' });
    let trailers = '';
    stream.on('trailers', (found: http2.IncomingHttpHeaders) => (trailers = String(found['grpc-status'])));
    stream.end('message');
    const answered = once(stream, 'response') as Promise<[http2.IncomingHttpHeaders & { ':status'?: number }]>;
    const cut = once(stream, 'close').then(() => {
      throw new Error('the stream was closed');
    });
    cut.catch(() => {}); // it always closes in the end
    const [headers] = await Promise.race([answered, cut, broken]);
    const pieces = (await Array.fromAsync(stream as AsyncIterable<Buffer>)).map(String);
    return { status: Number(headers[':status']), body: pieces.join(''), trailers };
  } finally {
    session.destroy();
  }
}
