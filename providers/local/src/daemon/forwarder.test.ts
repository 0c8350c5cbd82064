import { afterEach, expect, test } from '@jest/globals';
import { once } from 'node:events';
import { connect, createServer, type AddressInfo, type Server, type Socket } from 'node:net';
import { buffer, text } from 'node:stream/consumers';
import { Forwarder, join } from './forwarder.ts';

const opened: (Server | Forwarder)[] = [];
afterEach(async () => {
  for (const it of opened.splice(0)) await it.close();
});

async function server(onConnection: (socket: Socket) => void): Promise<{ host: string; port: number }> {
  const it = createServer({ allowHalfOpen: true }, onConnection).listen(0, '127.0.0.1');
  await once(it, 'listening');
  opened.push(it);
  const { port } = it.address() as AddressInfo; // a TCP server's
  return { host: '127.0.0.1', port };
}
let nextPort = 19_000 + Math.floor(Math.random() * 500);
async function forward(...endpoints: readonly { host: string; port: number }[]): Promise<number> {
  const port = nextPort++;
  opened.push(await Forwarder.listen('127.9.9.9', port, endpoints));
  return port;
}

test('an answer comes after the client has ended its side', async () => {
  const endpoint = await server((socket) => void text(socket).then((all) => socket.end(`got ${all}`)));
  const client = connect({ host: '127.9.9.9', port: await forward(endpoint), allowHalfOpen: true });
  client.end('everything');
  expect(await text(client)).toBe('got everything');
});

test('a hundred megabytes pass whole, through a reader that is slow', async () => {
  const bytes = Buffer.alloc(100 * 2 ** 20, 'abcdefghij');
  const endpoint = await server((socket) => socket.end(bytes));
  const client = connect({ host: '127.9.9.9', port: await forward(endpoint) });
  client.pause();
  await new Promise((resolve) => setTimeout(resolve, 200));
  expect((await buffer(client)).equals(bytes)).toBe(true);
});

test('endpoints take turns, and one that is dead is passed over', async () => {
  const one = await server((socket) => socket.end('one'));
  const other = await server((socket) => socket.end('other'));
  const dead = { host: '127.0.0.1', port: 1 };
  const port = await forward(one, dead, other);
  const answers = [];
  for (let i = 0; i < 6; i++) answers.push(await text(connect({ host: '127.9.9.9', port })));
  expect(new Set(answers)).toEqual(new Set(['one', 'other']));
});

test('a connection without any endpoint is reset', async () => {
  const client = connect({ host: '127.9.9.9', port: await forward({ host: '127.0.0.1', port: 1 }) });
  await expect(text(client)).rejects.toMatchObject({ code: 'ECONNRESET' });
});

test('a port that is taken is a conflict', async () => {
  const port = await forward();
  await expect(Forwarder.listen('127.9.9.9', port, [])).rejects.toMatchObject({ code: 'conflict' });
});

test('closing cuts what is open', async () => {
  const endpoint = await server((socket) => void socket.write('hello'));
  const port = await forward(endpoint);
  const client = connect({ host: '127.9.9.9', port });
  await once(client, 'data');
  client.on('error', () => undefined);
  const closed = once(client, 'close');
  await opened.pop()?.close();
  await closed;
  await expect(text(connect({ host: '127.9.9.9', port }))).rejects.toMatchObject({ code: 'ECONNREFUSED' });
});

test('a side whose end is under way is let go when the other breaks', async () => {
  const [client] = await pair();
  const [target] = await pair();
  join(client, target);
  const gone = new Promise((resolve) => target.once('close', resolve));
  target.end();
  client.destroy(new Error('broken'));
  await gone;
  expect(target.destroyed).toBe(true);
});

/** Both ends of a connection. */
async function pair(): Promise<[Socket, Socket]> {
  const accepted = Promise.withResolvers<Socket>();
  const { host, port } = await server((socket) => {
    accepted.resolve(socket.on('error', () => undefined));
  });
  const socket = connect({ host, port, allowHalfOpen: true }).on('error', () => undefined);
  return [socket, await accepted.promise];
}
