import { afterEach, expect, test } from '@jest/globals';
import { once } from 'node:events';
import { createServer, type AddressInfo, type Server, type Socket } from 'node:net';
import { probe } from './probe.ts';

const servers: Server[] = [];
afterEach(() => {
  for (const server of servers.splice(0)) server.close();
});
const signal = new AbortController().signal;
const check = { path: '/ready', statusFrom: 200, statusTo: 299, everySeconds: 1, withinSeconds: 1, healthyAfter: 1 };

async function listen(onConnection: (socket: Socket) => void): Promise<{ host: string; port: number }> {
  const server = createServer(onConnection).listen(0, '127.0.0.1');
  servers.push(server);
  await once(server, 'listening');
  return { host: '127.0.0.1', port: (server.address() as AddressInfo).port }; // a TCP server's
}

test('a port that takes connections is well, one that takes none is not', async () => {
  const endpoint = await listen((socket) => socket.on('error', () => undefined));
  expect(await probe(endpoint, undefined, 'h', signal)).toMatchObject({ ok: true });
  expect(await probe({ host: '127.0.0.1', port: 1 }, undefined, 'h', signal)).toMatchObject({ ok: false });
});

test('a forwarder that drops each connection has nobody behind it', async () => {
  const dropping = await listen((socket) => socket.end());
  expect(await probe({ ...dropping, isForwarded: true }, undefined, 'h', signal)).toMatchObject({ ok: false });
  const resetting = await listen((socket) => socket.resetAndDestroy());
  expect(await probe({ ...resetting, isForwarded: true }, undefined, 'h', signal)).toMatchObject({ ok: false });
  const greeting = await listen((socket) => socket.end('220 hello'));
  expect(await probe({ ...greeting, isForwarded: true }, undefined, 'h', signal)).toMatchObject({ ok: true });
  const waiting = await listen((socket) => socket.on('error', () => undefined));
  expect(await probe({ ...waiting, isForwarded: true }, undefined, 'h', signal)).toMatchObject({ ok: true });
});

test.each([
  ['HTTP/1.1 204 No Content\r\n\r\n', true, 'GET /ready answered 204'],
  ['HTTP/1.1 302 Found\r\nlocation: /\r\n\r\n', false, 'GET /ready answered 302'],
  ['this is not HTTP\r\n\r\n', false, 'GET /ready failed: '],
])('a check is answered with %j', async (answer, ok, message) => {
  const endpoint = await listen((socket) => {
    socket.on('error', () => undefined);
    socket.once('data', () => socket.end(answer));
  });
  const result = await probe(endpoint, check, 'h', signal);
  expect(result).toEqual({ ok, message: expect.stringContaining(message) as unknown });
});
