import { createServer } from 'node:net';
import type { AddressInfo, Socket } from 'node:net';
import { describe, expect, test } from '@jest/globals';
import type { AnswerHandler, Break, UpstreamConnection } from './connection.ts';
import { ConnectionPool } from './connection-pool.ts';
import { until } from './testing/harness.ts';

const OK = 'HTTP/1.1 200 OK\r\nContent-Length: 2\r\n';

describe('a kept connection', () => {
  test.each([
    [`${OK}\r\nok`, 3_900, true],
    [`${OK}\r\nok`, 4_100, false],
    [`${OK}Keep-Alive: timeout=60\r\n\r\nok`, 58_900, true],
    [`${OK}Keep-Alive: timeout=60\r\n\r\nok`, 59_100, false],
    [`${OK}Keep-Alive: timeout=1\r\n\r\nok`, 0, false],
  ])('is let go before the upstream would: %j after %i ms', async (answer, ms, isKept) => {
    await using at = await upstream((socket) => socket.on('data', () => socket.write(answer)));
    const first = await at.connect();
    expect(await at.ask(first)).toBe('complete');
    at.clock.ms += ms;
    expect(at.pool.take() === first).toBe(isKept);
  });

  test('is not used once the upstream closed it', async () => {
    await using at = await upstream((socket) => socket.on('data', () => socket.write(`${OK}\r\nok`)));
    const first = await at.connect();
    await at.ask(first);
    for (const socket of at.sockets) socket.destroy();
    await until(() => !first.isUsable, 'it is noticed');
    expect(at.pool.take()).toBeUndefined();
  });

  test('that says something unasked is closed', async () => {
    await using at = await upstream((socket) => socket.on('data', () => socket.write(`${OK}\r\nokHTTP/1.1 200`)));
    expect(await at.ask(await at.connect())).toBe('complete');
    expect(at.pool.take()).toBeUndefined();
  });
});

test('an upstream that never answers is given up after ten minutes, not before', async () => {
  await using at = await upstream(() => undefined);
  const asked = at.ask(await at.connect());
  let outcome = '';
  void asked.then((end) => (outcome = end));
  at.clock.ms += 599_000;
  at.pool.sweep();
  await Promise.resolve();
  expect(outcome).toBe('');
  at.clock.ms += 1_000;
  at.pool.sweep();
  expect(await asked).toBe('timeout');
});

test('an answer that has begun may take as long as it likes', async () => {
  await using at = await upstream((socket) => socket.on('data', () => socket.write('HTTP/1.1 200 OK\r\n\r\nan event')));
  let begun = false;
  const asked = at.ask(await at.connect(), () => (begun = true));
  await until(() => begun, 'its head');
  at.clock.ms += 100_000_000;
  at.pool.sweep();
  for (const socket of at.sockets) socket.end();
  expect(await asked).toBe('complete');
});

test('closed, it lets what is under way end, and keeps nothing', async () => {
  await using at = await upstream((socket) => socket.on('data', () => socket.write(`${OK}\r\no`)));
  const connection = await at.connect();
  let begun = false;
  const asked = at.ask(connection, () => (begun = true));
  await until(() => begun, 'its head');
  at.pool.close();
  for (const socket of at.sockets) socket.write('k');
  expect(await asked).toBe('complete');
  expect(at.pool.take()).toBeUndefined();
  await until(() => !connection.isUsable, 'it closes');
});

interface Upstream extends AsyncDisposable {
  readonly pool: ConnectionPool;
  readonly clock: { ms: number };
  readonly sockets: ReadonlySet<Socket>;
  connect(): Promise<UpstreamConnection>;
  ask(connection: UpstreamConnection, onHead?: () => void): Promise<'complete' | Break>;
}

async function upstream(serve: (socket: Socket) => void): Promise<Upstream> {
  const sockets = new Set<Socket>();
  const server = createServer((socket) => {
    sockets.add(socket.on('error', () => undefined));
    serve(socket);
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as AddressInfo; // a TCP server that listens has one
  const clock = { ms: 1_000_000 };
  const pool = new ConnectionPool({ host: '127.0.0.1', port }, () => clock.ms);
  return {
    pool,
    clock,
    sockets,
    connect: async () =>
      new Promise((resolve, reject) => {
        pool.connect((connection) => {
          if (connection === undefined) reject(new Error('no connection'));
          else resolve(connection);
        });
      }),
    ask: async (connection, onHead = () => undefined) =>
      new Promise((resolve) => {
        const handler: AnswerHandler = {
          onInformation: () => undefined,
          onHead,
          onBody: () => undefined,
          onPause: () => undefined,
          onComplete: () => {
            resolve('complete');
          },
          onBreak: resolve,
        };
        connection.begin('GET', 'GET / HTTP/1.1\r\nhost: x\r\n\r\n', true, handler);
      }),
    [Symbol.asyncDispose]: async () => {
      pool.destroy();
      for (const socket of sockets) socket.destroy();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}
