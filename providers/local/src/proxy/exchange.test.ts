import http from 'node:http';
import { connect, createServer as createTcpServer } from 'node:net';
import type { AddressInfo, Socket } from 'node:net';
import { createHash, randomBytes } from 'node:crypto';
import { describe, expect, test } from '@jest/globals';
import { collect, raw, readAll, request, stage, until } from './testing/harness.ts';

describe('bodies', () => {
  test('an upload arrives whole, in both framings', async () => {
    await using s = await stage();
    const { port } = await s.backend((incoming, answer) => {
      const hash = createHash('sha256');
      incoming.on('data', (chunk: Buffer) => hash.update(chunk)).on('end', () => answer.end(hash.digest('hex')));
    });
    s.serve(port);
    const body = randomBytes(3_000_000);
    const expected = createHash('sha256').update(body).digest('hex');
    expect(
      (await request(s.port, '/', { method: 'POST', body, headers: { 'content-length': body.length } })).body,
    ).toBe(expected);
    expect(
      (await request(s.port, '/', { method: 'PUT', body, headers: { 'transfer-encoding': 'chunked' } })).body,
    ).toBe(expected);
  });

  test('streams go both ways at once', async () => {
    await using s = await stage();
    const { port } = await s.backend((incoming, answer) => {
      incoming.on('data', (chunk: Buffer) => answer.write(`<${chunk.toString()}>`)).on('end', () => answer.end());
    });
    s.serve(port);
    const outgoing = http.request({ port: s.port, method: 'POST', headers: { host: 'app.localhost' } });
    outgoing.write('one');
    const answer = await new Promise<http.IncomingMessage>((resolve) => outgoing.on('response', resolve));
    const heard: string[] = [];
    answer.on('data', (chunk: Buffer) => heard.push(chunk.toString()));
    await until(() => heard.join('') === '<one>', 'the echo of the first part');
    outgoing.write('two');
    await until(() => heard.join('') === '<one><two>', 'the echo of the second part');
    outgoing.end();
    await until(() => answer.complete, 'the end');
    expect(heard.join('')).toBe('<one><two>');
  });

  test('headers and events come as they are sent, not when something follows', async () => {
    await using s = await stage();
    let say: ((text: string) => void) | undefined;
    const { port } = await s.backend((_, answer) => {
      answer.writeHead(200, { 'content-type': 'text/event-stream' });
      answer.flushHeaders();
      say = (text) => answer.write(text);
    });
    s.serve(port);
    const outgoing = http.get({ port: s.port, headers: { host: 'app.localhost' } });
    const answer = await new Promise<http.IncomingMessage>((resolve) => outgoing.on('response', resolve));
    const heard: string[] = [];
    answer.on('data', (chunk: Buffer) => heard.push(chunk.toString()));
    for (const event of ['data: 1\n\n', 'data: 2\n\n']) {
      say?.(event);
      await until(() => heard.at(-1) === event, event);
    }
    expect(answer.complete).toBe(false);
    answer.on('error', () => undefined);
    outgoing.destroy();
  });

  test('who reads slowly holds the upstream back', async () => {
    await using s = await stage();
    let sent = 0;
    const { port } = await s.backend((_, answer) => {
      const chunk = Buffer.alloc(65_536);
      const fill = (): void => {
        while (!answer.destroyed && sent < 400_000_000) {
          sent += chunk.length;
          if (!answer.write(chunk)) {
            answer.once('drain', fill);
            return;
          }
        }
      };
      fill();
    });
    s.serve(port);
    const outgoing = http.get({ port: s.port, headers: { host: 'app.localhost' } });
    const answer = await new Promise<http.IncomingMessage>((resolve) => outgoing.on('response', resolve));
    answer.pause();
    let before = -1;
    await until(() => {
      const still = sent === before;
      before = sent;
      return still;
    }, 'the upstream comes to rest');
    expect(sent).toBeLessThan(60_000_000);
    answer.on('error', () => undefined);
    outgoing.destroy();
  });

  test('who takes slowly holds the upload back', async () => {
    await using s = await stage();
    const { port } = await s.backend(() => undefined);
    s.serve(port);
    const outgoing = http.request({ port: s.port, method: 'POST', headers: { host: 'app.localhost' } });
    outgoing.on('error', () => undefined);
    let sent = 0;
    const chunk = Buffer.alloc(65_536);
    while (sent < 60_000_000 && outgoing.write(chunk)) sent += chunk.length;
    const socket = await new Promise<NodeJS.Socket>((resolve) =>
      outgoing.socket === null ? outgoing.once('socket', resolve) : resolve(outgoing.socket),
    );
    let before = -1;
    await until(() => {
      while (sent < 60_000_000 && !outgoing.writableNeedDrain) {
        outgoing.write(chunk);
        sent += chunk.length;
      }
      const still = sent === before;
      before = sent;
      return still;
    }, 'the client comes to rest');
    expect(sent).toBeLessThan(60_000_000);
    expect(socket.writable).toBe(true);
    outgoing.destroy();
  });

  test('trailers arrive', async () => {
    await using s = await stage();
    const { port } = await s.backend((_, answer) => {
      answer.writeHead(200, { trailer: 'x-sum' });
      answer.write('body');
      answer.addTrailers({ 'x-sum': '42' });
      answer.end();
    });
    s.serve(port);
    const reply = await request(s.port, '/');
    expect(reply.trailers).toEqual({ 'x-sum': '42' });
    expect(reply.headers.trailer).toBe('x-sum');
  });

  test.each(['HEAD', 'OPTIONS', 'DELETE', 'PATCH', 'PROPFIND'])('%s passes', async (method) => {
    await using s = await stage();
    const { port } = await s.backend((incoming, answer) => {
      answer.writeHead(200, { 'content-length': 5, 'x-method': incoming.method ?? '' });
      answer.end('hello');
    });
    s.serve(port);
    const reply = await request(s.port, '/', { method });
    expect(reply.headers).toMatchObject({ 'content-length': '5', 'x-method': method });
    expect(reply.body).toBe(method === 'HEAD' ? '' : 'hello');
  });

  test.each([204, 304, 205, 301, 404, 500])('%i passes', async (status) => {
    await using s = await stage();
    const { port } = await s.backend((_, answer) => answer.writeHead(status, 'Own words', { etag: '"x"' }).end());
    s.serve(port);
    expect(await raw(s.port, 'GET / HTTP/1.1\r\nHost: app.localhost\r\nConnection: close\r\n\r\n')).toMatch(
      new RegExp(`^HTTP/1.1 ${String(status)} Own words\r\netag: "x"\r\n`),
    );
  });

  test('an old client gets its answer too', async () => {
    await using s = await stage();
    const { port } = await s.backend((_, answer) => {
      answer.write('in ');
      answer.end('parts');
    });
    s.serve(port);
    const reply = await raw(s.port, 'GET / HTTP/1.0\r\nHost: app.localhost\r\n\r\n');
    expect(reply).toMatch(/\r\n\r\nin parts$/);
    expect(reply).not.toContain('chunked');
  });

  test('requests on one connection are answered in order', async () => {
    await using s = await stage();
    const { port } = await s.backend((incoming, answer) => answer.end(incoming.url));
    s.serve(port);
    const get = (path: string, more = ''): string => `GET ${path} HTTP/1.1\r\nHost: app.localhost\r\n${more}\r\n`;
    const reply = await raw(s.port, get('/one') + get('/two') + get('/three', 'Connection: close\r\n'));
    expect([...reply.matchAll(/\/(one|two|three)/g)].map(([, word]) => word)).toEqual(['one', 'two', 'three']);
  });

  test('early hints pass', async () => {
    await using s = await stage();
    const { port } = await s.backend((_, answer) => {
      answer.writeEarlyHints({ link: '</style.css>; rel=preload; as=style' });
      answer.end('ok');
    });
    s.serve(port);
    const reply = await raw(s.port, 'GET / HTTP/1.1\r\nHost: app.localhost\r\nConnection: close\r\n\r\n');
    expect(reply).toMatch(
      /^HTTP\/1.1 103 Early Hints\r\nLink: <\/style.css>; rel=preload; as=style\r\n\r\nHTTP\/1.1 200 OK/i,
    );
  });
});

describe('100-continue', () => {
  const head =
    'POST / HTTP/1.1\r\nHost: app.localhost\r\nExpect: 100-continue\r\nContent-Length: 5\r\nConnection: close\r\n\r\n';

  test('the client is told to go on once an upstream takes the body', async () => {
    await using s = await stage();
    const { port } = await s.backend((incoming, answer) => {
      expect(incoming.headers.expect).toBeUndefined();
      collect(incoming).then(
        (text) => answer.end(text),
        () => answer.destroy(),
      );
    });
    s.serve(port);
    const socket = connect(s.port, '127.0.0.1');
    socket.write(head);
    socket.once('data', () => socket.write('hello'));
    expect(await readAll(socket)).toMatch(/^HTTP\/1.1 100 Continue\r\n\r\nHTTP\/1.1 200 OK[^]*hello$/);
  });

  test('where nobody takes it, the client is never told, and the connection ends', async () => {
    await using s = await stage();
    s.serve(await deadPort());
    const reply = await raw(s.port, head.replace('Connection: close\r\n', ''));
    expect(reply).toMatch(/^HTTP\/1.1 503 /);
    expect(reply).toMatch(/connection: close/i);
  });
});

describe('when things go away', () => {
  test('a client that leaves takes its request with it', async () => {
    await using s = await stage();
    const left: string[] = [];
    const { port } = await s.backend((incoming, answer) => {
      answer.on('close', () => left.push(incoming.url ?? ''));
      if (incoming.url === '/begun') answer.write('x');
    });
    s.serve(port);
    for (const path of ['/begun', '/silent']) {
      const outgoing = http.get({ port: s.port, path, headers: { host: 'app.localhost' } });
      outgoing.on('error', () => undefined);
      await until(() => s.table.backendTraffic('e1').inFlight === 1, 'it arrives');
      outgoing.destroy();
      await until(() => left.includes(path), `the upstream hears of it: ${path}`);
      await until(() => s.table.backendTraffic('e1').inFlight === 0, 'it is counted off');
    }
    expect(left).toEqual(['/begun', '/silent']);
  });

  test('an upload that breaks off breaks off upstream', async () => {
    await using s = await stage();
    let outcome = '';
    const { port } = await s.backend((incoming) => {
      incoming
        .on('error', () => (outcome = 'error'))
        .on('end', () => (outcome = 'end'))
        .resume();
    });
    s.serve(port);
    const socket = connect(s.port, '127.0.0.1');
    socket.write('POST / HTTP/1.1\r\nHost: app.localhost\r\nContent-Length: 100\r\n\r\nhalf');
    await until(() => s.table.backendTraffic('e1').inFlight === 1, 'it arrives');
    socket.destroy();
    await until(() => outcome !== '', 'the upstream hears of it');
    expect(outcome).toBe('error');
  });

  test('an answer that breaks off never looks whole', async () => {
    await using s = await stage();
    const { port } = await s.backend((_, answer) => {
      answer.write('half', () => answer.destroy());
    });
    s.serve(port);
    await expect(request(s.port, '/')).rejects.toThrow(/aborted|hang up|ECONNRESET/);
  });

  test('an answer before the end of the upload is passed on, and the connection lives', async () => {
    await using s = await stage();
    const { port } = await s.backend((incoming, answer) => {
      answer.statusCode = incoming.method === 'POST' ? 413 : 200;
      answer.end('answered');
    });
    s.serve(port);
    const agent = new http.Agent({ keepAlive: true, maxSockets: 1 });
    const reply = await request(s.port, '/', { agent, method: 'POST', body: Buffer.alloc(5_000_000) });
    expect(reply).toMatchObject({ status: 413, body: 'answered' });
    expect((await request(s.port, '/', { agent })).status).toBe(200);
    agent.destroy();
  });

  test('nobody there: 503 with Retry-After, naming service and environment', async () => {
    await using s = await stage();
    s.serve(await deadPort());
    const reply = await request(s.port, '/', { method: 'POST', body: 'x' });
    expect(reply.status).toBe(503);
    expect(reply.headers['retry-after']).toBe('1');
    expect(reply.body).toContain('service web of environment e1');
    s.serve([]);
    expect((await request(s.port, '/')).status).toBe(503);
  });

  test('an upstream that closes without a word: 502, and a POST is sent once', async () => {
    await using s = await stage();
    let times = 0;
    await using upstream = await tcpServer((socket) => {
      socket.once('data', () => {
        times += 1;
        socket.destroy();
      });
    });
    s.serve(upstream.port);
    const reply = await request(s.port, '/', { method: 'POST', body: 'x' });
    expect(reply.status).toBe(502);
    expect(reply.headers['retry-after']).toBe('1');
    expect(times).toBe(1);
  });

  test.each(['garbage\r\n\r\n', 'HTTP/1.1 200 OK\r\nContent-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\n'])(
    'an upstream that speaks %j: 502',
    async (text) => {
      await using s = await stage();
      await using upstream = await tcpServer((socket) => socket.once('data', () => socket.end(text)));
      s.serve(upstream.port);
      expect((await request(s.port, '/')).status).toBe(502);
    },
  );

  test.each([
    ['HTTP/1.1 600 \xe9\x01\r\nContent-Length: 2\r\n\r\nok', 600, 'ok'],
    ['HTTP/1.1 200 OK\r\nTransfer-Encoding: gzip, chunked\r\n\r\n2\r\nok\r\n0\r\n\r\n', 502, undefined],
    ['HTTP/1.1 204 No\r\nContent-Length: 5\r\n\r\nhello', 204, ''],
    ['HTTP/1.1 099 X\r\nContent-Length: 0\r\n\r\n', 502, undefined],
    ['HTTP/1.1 200 OK\r\nX: a\x01b\r\nContent-Length: 0\r\n\r\n', 502, undefined],
    ['HTTP/1.1 101 Switching Protocols\r\nConnection: upgrade\r\nUpgrade: x\r\n\r\n', 502, undefined],
    ['HTTP/1.1 200 OK\r\nContent-Length: 5\r\nTrailer: x\r\n\r\nhello', 200, 'hello'],
    ['HTTP/1.1 200 OK\r\n\r\nto the end', 200, 'to the end'],
    ['HTTP/1.0 200 OK\r\nContent-Length: 2\r\n\r\nok', 200, 'ok'],
    [`HTTP/1.1 200 OK\r\nX: ${'y'.repeat(70_000)}\r\n\r\n`, 502, undefined],
    ['HTTP/1.1 103 E\r\nLink: garbage\r\n\r\nHTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok', 200, 'ok'],
  ])('odd answers: %j', async (text, status, body) => {
    await using s = await stage();
    await using upstream = await tcpServer((socket) => socket.once('data', () => socket.end(text, 'latin1')));
    s.serve(upstream.port);
    const reply = await request(s.port, '/');
    expect(reply.status).toBe(status);
    expect(body === undefined || reply.body === body).toBe(true);
    expect(status === 204 && 'content-length' in reply.headers).toBe(false);
  });

  test('of several endpoints each gets its turn, and dead ones are passed over', async () => {
    await using s = await stage();
    const one = await s.backend((_, answer) => answer.end('one'));
    const two = await s.backend((_, answer) => answer.end('two'));
    s.serve([one.port, await deadPort(), two.port]);
    const bodies: string[] = [];
    for (let i = 0; i < 12; i++) bodies.push((await request(s.port, '/', { method: 'POST', body: 'x' })).body);
    expect(bodies.filter((body) => body === 'one').length).toBeGreaterThanOrEqual(4);
    expect(bodies.filter((body) => body === 'two').length).toBeGreaterThanOrEqual(4);
  });

  test.each([
    ['GET', 200, 2],
    ['POST', 502, 1],
  ])('a kept connection that closes in the moment of a %s: %i', async (method, status, expectedConnections) => {
    await using s = await stage();
    let connections = 0;
    await using upstream = await tcpServer((socket) => {
      connections += 1;
      let requests = 0;
      socket.on('data', () => {
        requests += 1;
        // As when an idle timeout strikes just then.
        if (requests === 1) socket.write('HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok');
        else socket.resetAndDestroy();
      });
    });
    s.serve(upstream.port);
    expect((await request(s.port, '/')).status).toBe(200);
    expect((await request(s.port, '/', { method })).status).toBe(status);
    expect(connections).toBe(expectedConnections);
  });

  test('a backend on a port that another one had never meets old connections', async () => {
    await using s = await stage();
    const first = await s.backend((_, answer) => answer.end('first'));
    s.serve(first.port);
    expect((await request(s.port, '/')).body).toBe('first');
    first.server.close();
    first.server.closeAllConnections();
    const second = http.createServer((_, answer) => answer.end('second'));
    await new Promise<void>((resolve) => second.listen(first.port, '127.0.0.1', resolve));
    s.serve(first.port, 'app.localhost', 'e2');
    expect((await request(s.port, '/')).body).toBe('second');
    second.close();
    second.closeAllConnections();
  });
});

async function deadPort(): Promise<number> {
  await using server = await tcpServer(() => undefined);
  return server.port;
}

async function tcpServer(serve: (socket: Socket) => void): Promise<{ readonly port: number } & AsyncDisposable> {
  const sockets = new Set<Socket>();
  const server = createTcpServer((socket) => {
    sockets.add(socket);
    socket.on('error', () => undefined);
    serve(socket);
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return {
    port: (server.address() as AddressInfo).port, // a TCP server that listens has one
    [Symbol.asyncDispose]: async () => {
      for (const socket of sockets) socket.destroy();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}
