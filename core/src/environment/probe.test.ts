import { createServer, type RequestListener } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterEach, expect, test } from '@jest/globals';
import { probe } from './probe.ts';

const ok = { statusFrom: 200, statusTo: 299 };
const patient = () => ({ timeoutSeconds: 10, signal: new AbortController().signal });
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
  const waiting = probe(`http://localhost:${String(port)}/`, ok, { timeoutSeconds: 600, signal: controller.signal });
  controller.abort(new Error('enough'));
  await expect(waiting).rejects.toThrow('enough');
});
