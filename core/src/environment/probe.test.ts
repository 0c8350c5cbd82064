import { createServer, type RequestListener } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterEach, expect, test } from '@jest/globals';
import { probe } from './probe.ts';

const ok = { statusFrom: 200, statusTo: 299 };
const patient = () => ({ timeoutSeconds: 10, signal: new AbortController().signal, env: {} });
const open: (() => void)[] = [];
afterEach(() => {
  for (const close of open.splice(0)) close();
});

async function serve(listener: RequestListener): Promise<number> {
  const server = createServer(listener).listen(0, '127.0.0.1');
  open.push(() => {
    server.closeAllConnections();
    server.close();
  });
  await new Promise((resolve) => server.once('listening', resolve));
  return (server.address() as AddressInfo).port; // a TCP server's address is an object
}

test('a name below localhost is asked on this machine, with its own Host header', async () => {
  let host: string | undefined;
  const port = await serve((request, response) => {
    host = request.headers.host;
    response.end('fine');
  });
  expect(await probe(`http://abc--shop.localhost:${String(port)}/`, ok, patient())).toEqual({
    ok: true,
    message: 'answered 200',
  });
  expect(host).toBe(`abc--shop.localhost:${String(port)}`);
});

test('a status outside of the range is not healthy, and neither is a redirect that was not asked for', async () => {
  const port = await serve((request, response) => {
    response.statusCode = request.url === '/moved' ? 302 : 404;
    response.end();
  });
  const base = `http://localhost:${String(port)}`;
  expect(await probe(`${base}/`, ok, patient())).toEqual({ ok: false, message: 'answered 404' });
  expect(await probe(`${base}/moved`, ok, patient())).toEqual({ ok: false, message: 'answered 302' });
});

test('no listener, and no answer in time, are told apart and both not healthy', async () => {
  const port = await serve(() => undefined);
  const silent = await probe(`http://localhost:${String(port)}/`, ok, { ...patient(), timeoutSeconds: 0.2 });
  expect(silent).toEqual({ ok: false, message: 'no answer in 0.2 s' });
  open.splice(0).forEach((close) => {
    close();
  });
  const closed = await probe(`http://localhost:${String(port)}/`, ok, patient());
  expect(closed.ok).toBe(false);
  expect(closed.message).toContain('ECONNREFUSED');
});

test('an abort ends the wait at once', async () => {
  const port = await serve(() => undefined);
  const controller = new AbortController();
  const waiting = probe(`http://localhost:${String(port)}/`, ok, { ...patient(), signal: controller.signal });
  controller.abort(new Error('enough'));
  await expect(waiting).rejects.toThrow('enough');
});

test.each([
  ['HTTP_PROXY', 'http://shop.example.test/ready'],
  ['https_proxy', 'https://shop.example.test/ready'],
])('where %s names a proxy, what is not on this machine is asked through it', async (variable, url) => {
  const asked: string[] = [];
  const server = createServer((request, response) => {
    asked.push(`${request.method ?? ''} ${request.url ?? ''} ${request.headers.host ?? ''}`);
    response.end('fine');
  });
  // A proxy that opens no tunnel: that it was asked for one is enough.
  server.on('connect', (request, socket) => {
    asked.push(`CONNECT ${request.url ?? ''}`);
    socket.end('HTTP/1.1 502 Bad Gateway\r\n\r\n');
  });
  server.listen(0, '127.0.0.1');
  open.push(() => {
    server.closeAllConnections();
    server.close();
  });
  await new Promise((resolve) => server.once('listening', resolve));
  const port = String((server.address() as AddressInfo).port); // a TCP server's address is an object
  const env = { [variable]: `http://127.0.0.1:${port}` };
  const { ok: isFine } = await probe(url, ok, { ...patient(), env });
  const isSecure = url.startsWith('https');
  expect([isFine, asked]).toEqual(
    isSecure ? [false, ['CONNECT shop.example.test:443']] : [true, [`GET ${url} shop.example.test`]],
  );

  const here = await probe(`http://abc--shop.localhost:${port}/`, ok, { ...patient(), env });
  expect([here.ok, asked.at(-1)]).toEqual([true, `GET / abc--shop.localhost:${port}`]);
  const excepted = { ...env, NO_PROXY: '127.0.0.1' };
  await probe(`http://127.0.0.1:${port}/`, ok, { ...patient(), env: excepted });
  expect(asked.at(-1)).toBe(`GET / 127.0.0.1:${port}`);
});
