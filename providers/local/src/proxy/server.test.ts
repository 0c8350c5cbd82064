import http from 'node:http';
import { connect } from 'node:net';
import { describe, expect, test } from '@jest/globals';
import { ProxyServer } from './server.ts';
import { raw, readAll, request, stage, until } from './testing/harness.ts';

describe('routing', () => {
  test('an unknown host is told what to run, and no name that exists', async () => {
    await using s = await stage();
    s.serve(1);
    const reply = await request(s.port, '/', { headers: { host: 'other.localhost' } });
    expect(reply.status).toBe(404);
    expect(reply.body).toContain('clusternator env list');
    expect(reply.body).not.toContain('app.localhost');
  });

  test('a flip is seen by the next request on the same connection', async () => {
    await using s = await stage();
    const one = await s.backend((_, answer) => answer.end('one'));
    const two = await s.backend((_, answer) => answer.end('two'));
    s.serve(one.port, 'one.localhost', 'e1');
    s.serve(two.port, 'two.localhost', 'e2');
    const agent = new http.Agent({ keepAlive: true, maxSockets: 1 });
    const get = async (): Promise<string> =>
      (await request(s.port, '/', { agent, headers: { host: 'slot.localhost' } })).body;
    s.table.setHost('slot.localhost', [{ backend: 'e1', percent: 100 }]);
    expect(await get()).toBe('one');
    s.table.setHost('slot.localhost', [{ backend: 'e2', percent: 100 }]);
    expect(await get()).toBe('two');
    agent.destroy();
  });

  test('an address of its own answers for any host', async () => {
    await using s = await stage();
    const { port } = await s.backend((incoming, answer) => answer.end(incoming.headers.host));
    s.serve(port);
    await s.proxy.listenOn('127.64.3.7', 'e1');
    const reply = await request(s.port, '/', { host: '127.64.3.7', headers: { host: 'whatever.example' } });
    expect(reply.body).toBe('whatever.example');
    await s.proxy.stopListeningOn('127.64.3.7');
    await expect(request(s.port, '/', { host: '127.64.3.7' })).rejects.toThrow('ECONNREFUSED');
  });

  test.each(['0.0.0.0', '::', '192.168.0.1', 'localhost', '128.0.0.1', '::ffff:10.0.0.1'])(
    '%s is never listened on',
    async (address) => {
      await using s = await stage();
      await expect(s.proxy.listenOn(address, 'e1')).rejects.toMatchObject({ code: 'invalid' });
    },
  );

  test('a taken port is named with its process', async () => {
    await using s = await stage();
    const other = new ProxyServer({ table: s.table });
    await expect(other.listen({ port: s.port })).rejects.toMatchObject({
      code: 'conflict',
      message: expect.stringMatching(new RegExp(`port ${String(s.port)} .*taken by .*pid ${String(process.pid)}`)),
    });
    const { port } = await other.listen({ from: s.port, to: s.port + 50 });
    expect(port).toBeGreaterThan(s.port);
    await other.close();
  });
});

describe('headers', () => {
  test('hop-by-hop headers end here, the rest passes with its case and repetition', async () => {
    await using s = await stage();
    let seen: string[] = [];
    const { port } = await s.backend((incoming, answer) => {
      seen = incoming.rawHeaders;
      answer.writeHead(200, [
        'Set-Cookie',
        'a=1',
        'Set-Cookie',
        'b=2',
        'X-Case',
        'é',
        'Connection',
        'x-hop',
        'X-Hop',
        'no',
        'Keep-Alive',
        'timeout=77',
      ]);
      answer.end('ok');
    });
    s.serve(port);
    const reply = await raw(
      s.port,
      'GET /x HTTP/1.1\r\nHost: app.localhost\r\nConnection: close, x-secret\r\nX-Secret: 1\r\nX-Keep: a\r\nX-Keep: b\r\nTE: gzip\r\nProxy-Authorization: x\r\n\r\n',
    );
    const names = seen.filter((_, index) => index % 2 === 0).map((name) => name.toLowerCase());
    expect(names).not.toContain('x-secret');
    expect(names).not.toContain('te');
    expect(names).not.toContain('proxy-authorization');
    expect(names.filter((name) => name === 'x-keep')).toHaveLength(2);
    expect(reply).toContain('Set-Cookie: a=1\r\nSet-Cookie: b=2\r\nX-Case: \xe9\r\n');
    expect(reply).not.toMatch(/x-hop|timeout=77/i);
  });

  test('Host is kept and the Forwarded family says who asked, whatever the client claims', async () => {
    await using s = await stage();
    const { port } = await s.backend((incoming, answer) => answer.end(JSON.stringify(incoming.headers)));
    s.serve(port);
    const lies = {
      'x-forwarded-for': '1.2.3.4',
      'x-forwarded-proto': 'https',
      'x-forwarded-host': 'evil',
      forwarded: 'for=evil',
    };
    const reply = await request(s.port, '/', { headers: { host: 'app.localhost:99', ...lies } });
    expect(JSON.parse(reply.body)).toMatchObject({
      host: 'app.localhost:99',
      'x-forwarded-for': '127.0.0.1',
      'x-forwarded-proto': 'http',
      'x-forwarded-host': 'app.localhost:99',
      forwarded: 'for=127.0.0.1;host="app.localhost:99";proto=http',
    });
  });

  test('a trusted proxy in front is believed', async () => {
    await using s = await stage({ trustForwardedHeaders: true });
    const { port } = await s.backend((incoming, answer) => answer.end(JSON.stringify(incoming.headers)));
    s.serve(port);
    const reply = await request(s.port, '/', {
      headers: { 'x-forwarded-for': '1.2.3.4', 'x-forwarded-proto': 'https' },
    });
    expect(JSON.parse(reply.body)).toMatchObject({
      'x-forwarded-for': '1.2.3.4, 127.0.0.1',
      'x-forwarded-proto': 'https',
    });
  });

  test('a Connection header can not take the framing away', async () => {
    await using s = await stage();
    const { port } = await s.backend((incoming, answer) => {
      let length = 0;
      incoming.on('data', (chunk: Buffer) => (length += chunk.length)).on('end', () => answer.end(String(length)));
    });
    s.serve(port);
    const reply = await request(s.port, '/', {
      method: 'POST',
      body: 'hello',
      headers: { connection: 'close, content-length, host', 'content-length': 5 },
    });
    expect(reply.body).toBe('5');
  });
});

describe('requests that two servers could read in two ways', () => {
  const post = 'POST / HTTP/1.1\r\nHost: app.localhost\r\n';
  test.each([
    ['both lengths', `${post}Content-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n`],
    ['both lengths, the other way round', `${post}Transfer-Encoding: chunked\r\nContent-Length: 5\r\n\r\n0\r\n\r\n`],
    ['two lengths', `${post}Content-Length: 5\r\nContent-Length: 6\r\n\r\nhello`],
    ['a signed length', `${post}Content-Length: +5\r\n\r\nhello`],
    ['a hidden encoding', `${post}Transfer-Encoding: xchunked\r\n\r\n0\r\n\r\n`],
    ['a second encoding', `${post}Transfer-Encoding: chunked, identity\r\n\r\n0\r\n\r\n`],
    ['an encoding under the chunks', `${post}Transfer-Encoding: gzip, chunked\r\n\r\n0\r\n\r\n`],
    ['a space before the colon', `${post}Transfer-Encoding : chunked\r\n\r\n0\r\n\r\n`],
    ['a folded header', `${post}X: a\r\n b\r\nContent-Length: 0\r\n\r\n`],
    ['a bare line feed', 'GET / HTTP/1.1\nHost: app.localhost\n\n'],
    ['two hosts', 'GET / HTTP/1.1\r\nHost: app.localhost\r\nHost: b\r\n\r\n'],
    ['no host', 'GET / HTTP/1.1\r\n\r\n'],
    ['a bad chunk size', `${post}Transfer-Encoding: chunked\r\n\r\n0x5\r\nhello\r\n0\r\n\r\n`],
    ['a NUL in a header', 'GET / HTTP/1.1\r\nHost: app.localhost\r\nX: a\0b\r\n\r\n'],
    [
      'an encoding in HTTP/1.0',
      'POST / HTTP/1.0\r\nHost: app.localhost\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n',
    ],
    ['a fragment', 'GET /a#b HTTP/1.1\r\nHost: app.localhost\r\n\r\n'],
  ])('%s', async (_, text) => {
    await using s = await stage();
    let whole = 0;
    const { port } = await s.backend((incoming, answer) => {
      incoming.on('end', () => (whole += 1)).resume();
      answer.end('served');
    });
    s.serve(port);
    const socket = connect(s.port, '127.0.0.1');
    socket.write(text, 'latin1');
    socket.end('GET /smuggled HTTP/1.1\r\nHost: app.localhost\r\n\r\n');
    const reply = await readAll(socket).catch(() => '');
    expect(reply).not.toContain('served');
    expect(whole).toBe(0);
  });

  test('the host of an absolute target wins over the Host header, and becomes it', async () => {
    await using s = await stage();
    const { port } = await s.backend((incoming, answer) =>
      answer.end(`${incoming.headers.host ?? ''} ${incoming.url ?? ''}`),
    );
    s.serve(port);
    const reply = await raw(
      s.port,
      'GET http://app.localhost/x?y=1 HTTP/1.1\r\nHost: evil.example\r\nConnection: close\r\n\r\n',
    );
    expect(reply).toContain('app.localhost /x?y=1');
  });

  test('it is no forward proxy', async () => {
    await using s = await stage();
    expect(await raw(s.port, 'CONNECT app.localhost:80 HTTP/1.1\r\nHost: app.localhost\r\n\r\n')).toContain(' 405 ');
  });

  test('headers and URLs have limits', async () => {
    await using s = await stage();
    expect(await raw(s.port, `GET / HTTP/1.1\r\nHost: app.localhost\r\nX: ${'x'.repeat(70_000)}\r\n\r\n`)).toContain(
      ' 431 ',
    );
    expect(await raw(s.port, `GET /${'x'.repeat(17_000)} HTTP/1.1\r\nHost: app.localhost\r\n\r\n`)).toContain(' 414 ');
  });
});

test('counts what is in flight, per backend and host', async () => {
  await using s = await stage();
  let finish: (() => void) | undefined;
  const { port } = await s.backend((_, answer) => {
    finish = () => answer.end();
  });
  s.serve(port);
  const pending = request(s.port, '/');
  await until(() => finish !== undefined, 'the request arrives');
  expect(s.table.backendTraffic('e1')).toMatchObject({ inFlight: 1, requests: 1 });
  expect(s.table.hostTraffic('app.localhost')).toMatchObject({ inFlight: 1 });
  expect(await s.proxy.drain('e1', 0.05)).toEqual({ remaining: 1 });
  const drained = s.proxy.drain('e1', 10);
  finish?.();
  await pending;
  expect(await drained).toEqual({ remaining: 0 });
  expect(s.table.backendTraffic('e1').inFlight).toBe(0);
});

test('after a swap, requests in flight end where they began', async () => {
  await using s = await stage();
  let finish: (() => void) | undefined;
  const old = await s.backend((_, answer) => {
    answer.write('old ');
    finish = () => answer.end('to the end');
  });
  s.serve(old.port);
  const pending = request(s.port, '/');
  await until(() => finish !== undefined, 'the request arrives');
  s.table.removeBackend('e1');
  const fresh = await s.backend((_, answer) => answer.end('new'));
  s.serve(fresh.port, 'app.localhost', 'e2');
  expect((await request(s.port, '/')).body).toBe('new');
  finish?.();
  expect((await pending).body).toBe('old to the end');
});

test('disconnect cuts what is still open, also once the backend is gone', async () => {
  await using s = await stage();
  let arrived = false;
  const { port } = await s.backend(() => (arrived = true));
  s.serve(port);
  const pending = request(s.port, '/');
  await until(() => arrived, 'the request arrives');
  s.table.removeBackend('e1');
  s.proxy.disconnect('e1');
  await expect(pending).rejects.toThrow();
});
