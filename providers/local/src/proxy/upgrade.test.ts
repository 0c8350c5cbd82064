import type http from 'node:http';
import { once } from 'node:events';
import { connect } from 'node:net';
import type { Duplex } from 'node:stream';
import { randomBytes } from 'node:crypto';
import { describe, expect, test } from '@jest/globals';
import { WebSocket, WebSocketServer } from 'ws';
import { raw, request, stage, until } from './testing/harness.ts';
import type { Stage } from './testing/harness.ts';

/** A backend that echoes, and keeps what its own side of each socket saw. */
async function echo(s: Stage, options: ConstructorParameters<typeof WebSocketServer>[0] = {}) {
  const { server, port } = await s.backend((_, answer) =>
    answer.writeHead(426, { 'x-own': '1' }).end('upgrade, please'),
  );
  const sockets = new WebSocketServer({ server, ...options });
  const closes: number[] = [];
  sockets.on('connection', (socket, incoming) => {
    socket.on('message', (data, binary) => {
      socket.send(data, { binary });
    });
    socket.on('close', (code) => closes.push(code));
    if (incoming.url === '/talk') socket.send(Buffer.alloc(3_000_000));
  });
  return { port, closes, sockets };
}

async function open(s: Stage, path = '/', host = 'app.localhost'): Promise<WebSocket> {
  const socket = new WebSocket(`ws://127.0.0.1:${String(s.port)}${path}`, { headers: { host } });
  await new Promise((resolve, reject) => {
    socket.once('open', resolve);
    socket.once('error', reject);
  });
  return socket;
}

async function closed(socket: WebSocket): Promise<{ code: number; reason: string }> {
  return new Promise((resolve) => {
    socket.once('close', (code, reason) => {
      resolve({ code, reason: reason.toString() });
    });
  });
}

describe('WebSockets', () => {
  test('messages of all sizes go both ways, and a close comes through', async () => {
    await using s = await stage();
    const { port, closes } = await echo(s);
    s.serve(port);
    const socket = await open(s);
    for (const size of [0, 1, 125, 126, 65_535, 65_536, 2_000_000]) {
      const data = randomBytes(size);
      const back = new Promise<Buffer>((resolve) =>
        socket.once('message', (message) => {
          resolve(message as Buffer); // binary messages are buffers by default
        }),
      );
      socket.send(data);
      expect((await back).equals(data)).toBe(true);
    }
    expect(s.table.backendTraffic('e1')).toMatchObject({ inFlight: 0, upgraded: 1 });
    socket.close(4001, 'bye');
    expect(await closed(socket)).toEqual({ code: 4001, reason: 'bye' });
    await until(() => closes.includes(4001), 'the backend hears the close');
    await until(() => s.table.backendTraffic('e1').upgraded === 0, 'it is counted off');
  });

  test('the backend sees who asked, and its choice of protocol comes back', async () => {
    await using s = await stage();
    let seen: http.IncomingHttpHeaders = {};
    const { port } = await echo(s, {
      verifyClient: ({ req }: { req: http.IncomingMessage }) => {
        seen = req.headers;
        return true;
      },
      handleProtocols: () => 'v2',
    });
    s.serve(port);
    const socket = new WebSocket(`ws://127.0.0.1:${String(s.port)}/x?y`, ['v1', 'v2'], {
      headers: { host: 'app.localhost' },
    });
    await new Promise((resolve) => socket.once('open', resolve));
    expect(socket.protocol).toBe('v2');
    expect(seen).toMatchObject({
      host: 'app.localhost',
      'x-forwarded-for': '127.0.0.1',
      'x-forwarded-host': 'app.localhost',
    });
    socket.terminate();
  });

  test('a refusal is passed on with its body', async () => {
    await using s = await stage();
    const { port } = await echo(s, { verifyClient: (_, decide) => decide(false, 401, 'no', { 'x-why': 'because' }) });
    s.serve(port);
    const reply = await raw(s.port, handshake('app.localhost'));
    expect(reply).toMatch(/^HTTP\/1.1 401 Unauthorized\r\n/);
    expect(reply).toMatch(/x-why: because/i);
    expect(reply).toMatch(/connection: close/i);
  });

  test.each([
    ['other.localhost', 404],
    ['dead.localhost', 503],
    ['down.localhost', 503],
    ['files.localhost', 400],
  ])('at %s it is %i', async (host, status) => {
    await using s = await stage();
    s.serve([], 'dead.localhost', 'dead');
    for (const [id, target] of [
      ['down', { kind: 'unavailable', reason: 'it is starting' }],
      ['files', { kind: 'site', folder: '/nowhere' }],
    ] as const) {
      s.table.setBackend({ id, title: id, parts: [{ name: 'web', prefix: '/', target }] });
      s.table.setHost(`${id}.localhost`, [{ backend: id, percent: 100 }]);
    }
    expect(await raw(s.port, handshake(host))).toMatch(new RegExp(`^HTTP/1.1 ${String(status)} `));
  });

  test('an end without a close frame ends the other side too', async () => {
    await using s = await stage();
    const { port, sockets, closes } = await echo(s);
    s.serve(port);
    const one = await open(s);
    const two = await open(s);
    one.terminate();
    await until(() => closes.includes(1006), 'the backend hears of it');
    for (const socket of sockets.clients) socket.terminate();
    expect(await closed(two)).toMatchObject({ code: 1006 });
  });

  test('a client that is gone takes its connection along, also where the backend does not hear of ends', async () => {
    await using s = await stage();
    const { server, port } = await s.backend((_, answer) => answer.end());
    server.on('upgrade', (_, socket) => {
      socket.write('HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n');
      socket.on('error', () => undefined);
    });
    s.serve(port);
    const socket = connect(s.port, '127.0.0.1');
    socket.write(handshake('app.localhost'));
    await once(socket, 'data');
    expect(s.table.backendTraffic('e1')).toMatchObject({ upgraded: 1 });
    socket.destroy();
    await until(() => s.table.backendTraffic('e1').upgraded === 0, 'its end');
  });

  test('HTTP/2 in clear text is not let through', async () => {
    await using s = await stage();
    let upgraded = false;
    const { server, port } = await s.backend((incoming, answer) => answer.end(JSON.stringify(incoming.headers)));
    server.on('upgrade', () => (upgraded = true));
    s.serve(port);
    const reply = await raw(
      s.port,
      'GET / HTTP/1.1\r\nHost: app.localhost\r\nConnection: Upgrade, HTTP2-Settings, close\r\nUpgrade: h2c\r\nHTTP2-Settings: AAMAAABkAARAAAAAAAIAAAAA\r\n\r\n',
    );
    expect(reply).toMatch(/^HTTP\/1.1 200 OK/);
    expect(reply).not.toMatch(/http2-settings|h2c/i);
    expect(upgraded).toBe(false);
  });

  test('other protocols upgrade as well', async () => {
    await using s = await stage();
    const { server, port } = await s.backend((_, answer) => answer.end());
    server.on('upgrade', (_, socket) => {
      socket.write('HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: chat\r\n\r\nwelcome ');
      socket.pipe(socket);
    });
    s.serve(port);
    const socket = connect(s.port, '127.0.0.1');
    let heard = '';
    socket.on('data', (chunk) => (heard += chunk.toString()));
    const ended = new Promise((resolve) => socket.once('close', resolve));
    socket.write('GET / HTTP/1.1\r\nHost: app.localhost\r\nConnection: Upgrade\r\nUpgrade: chat\r\n\r\nfirst words');
    await until(() => heard.endsWith('first words'), 'the echo');
    expect(await s.proxy.closeWebSockets('e1')).toBe(1);
    await ended;
    expect(heard).toBe(
      'HTTP/1.1 101 Switching Protocols\r\nconnection: Upgrade\r\nupgrade: chat\r\n\r\nwelcome first words',
    );
  });
});

describe('closing WebSockets', () => {
  test('each gets a close frame, the backend sees a clean close, others live on', async () => {
    await using s = await stage();
    const a = await echo(s);
    const b = await echo(s);
    s.serve(a.port);
    s.serve(b.port, 'other.localhost', 'e2');
    const mine = await Promise.all([open(s), open(s), open(s)]);
    const other = await open(s, '/', 'other.localhost');
    const codes = Promise.all(mine.map(closed));
    expect(await s.proxy.closeWebSockets('e1', { code: 1012, reason: 'moved' })).toBe(3);
    expect(await codes).toEqual(Array.from({ length: 3 }, () => ({ code: 1012, reason: 'moved' })));
    await until(() => a.closes.length === 3, 'the backend hears');
    expect(a.closes).toEqual([1012, 1012, 1012]);
    expect(other.readyState).toBe(WebSocket.OPEN);
    other.terminate();
  });

  test('spread over time, they go one after the other', async () => {
    await using s = await stage();
    const { port } = await echo(s);
    s.serve(port);
    const sockets = await Promise.all([open(s), open(s), open(s), open(s)]);
    const order: number[] = [];
    const times: number[] = [];
    for (const [index, socket] of sockets.entries()) {
      socket.on('close', () => {
        order.push(index);
        times.push(performance.now());
      });
    }
    await s.proxy.closeWebSockets('e1', { spreadSeconds: 0.4 });
    await until(() => order.length === 4, 'all are closed');
    expect((times[3] ?? 0) - (times[0] ?? 0)).toBeGreaterThan(200);
  });

  test('in the middle of a message, the message is finished first and nothing comes after it', async () => {
    await using s = await stage();
    const { server, port } = await s.backend((_, answer) => answer.end());
    const { promise: upgraded, resolve } = Promise.withResolvers<Duplex>();
    server.on('upgrade', (_, socket: Duplex) => {
      socket.write('HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n');
      resolve(socket);
    });
    s.serve(port);
    const client = connect(s.port, '127.0.0.1');
    let heard = '';
    client.on('data', (chunk) => (heard += chunk.toString('latin1')));
    client.write(handshake('app.localhost'));
    const backend = await upgraded;
    backend.write(Buffer.from([0x81, 6, ...Buffer.from('fir')]));
    await until(() => heard.endsWith('fir'), 'the first half arrives');
    const all = s.proxy.closeWebSockets('e1', { code: 1012, reason: 'x' });
    backend.write(Buffer.concat([Buffer.from('st!'), Buffer.from([0x81, 4]), Buffer.from('late')]));
    await all;
    expect(heard.slice(heard.indexOf('\r\n\r\n') + 4)).toBe('\x81\x06first!\x88\x03\x03\xf4x');
    client.destroy();
    backend.destroy();
  });

  test('during a large answer, the client still gets a clean close', async () => {
    await using s = await stage();
    const { port } = await echo(s);
    s.serve(port);
    const socket = await open(s, '/talk');
    const done = closed(socket);
    await s.proxy.closeWebSockets('e1');
    expect(await done).toMatchObject({ code: 1012 });
  });

  test('a client that does not reply is cut off in the end', async () => {
    await using s = await stage();
    const { port, closes } = await echo(s);
    s.serve(port);
    const socket = connect(s.port, '127.0.0.1');
    socket.write(handshake('app.localhost'));
    await until(() => s.table.backendTraffic('e1').upgraded === 1, 'the upgrade');
    const ended = new Promise((resolve) => socket.once('close', resolve));
    socket.resume();
    expect(await s.proxy.closeWebSockets('e1')).toBe(1);
    await ended;
    await until(() => closes.length === 1, 'the backend hears');
  });

  test('with none open there is nothing to wait for', async () => {
    await using s = await stage();
    expect(await s.proxy.closeWebSockets('e1', { spreadSeconds: 60 })).toBe(0);
    s.serve((await echo(s)).port);
    expect(await s.proxy.drain('e1', 60)).toEqual({ remaining: 0 });
    expect((await request(s.port, '/')).status).toBe(426);
  });
});

function handshake(host: string): string {
  return `GET / HTTP/1.1\r\nHost: ${host}\r\nConnection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n`;
}
