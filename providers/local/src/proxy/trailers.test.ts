import http from 'node:http';
import { describe, expect, test } from '@jest/globals';
import { collect, raw, request, stage } from './testing/harness.ts';

describe("an answer's trailers", () => {
  const answerWith = async (text: string, ask: (port: number) => Promise<unknown>): Promise<void> => {
    await using s = await stage();
    const { port, server } = await s.backend(() => undefined);
    server.removeAllListeners('request');
    server.on('request', ({ socket }) => socket.end(text));
    s.serve(port);
    await ask(s.port);
  };
  const chunked = 'HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n';

  test('come also when nobody announced them', async () => {
    await answerWith(`${chunked}\r\n1\r\nx\r\n0\r\nX-Sum: 42\r\n\r\n`, async (port) => {
      expect(await request(port, '/')).toMatchObject({ body: 'x', trailers: { 'x-sum': '42' } });
    });
  });

  test('can not say what headers must say', async () => {
    await answerWith(
      `${chunked}\r\n1\r\nx\r\n0\r\nSet-Cookie: a\r\nContent-Length: 9\r\nX: 1\r\n\r\n`,
      async (port) => {
        expect((await request(port, '/')).trailers).toEqual({ x: '1' });
      },
    );
  });

  test('are left out, and not announced, where the client knows none', async () => {
    const text = `${chunked}Trailer: x-sum\r\n\r\n1\r\nx\r\n0\r\nX-Sum: 42\r\n\r\n`;
    await answerWith(text, async (port) => {
      const reply = await raw(port, 'GET / HTTP/1.0\r\nHost: app.localhost\r\n\r\n');
      expect(reply).toMatch(/^HTTP\/1.1 200 OK\r\n[^]*\r\n\r\nx$/);
      expect(reply).not.toMatch(/sum/i);
    });
    await answerWith(`${chunked}Trailer: x-sum\r\n\r\n`, async (port) => {
      const reply = await request(port, '/', { method: 'HEAD' });
      expect(reply.status).toBe(200);
      expect(reply.headers.trailer).toBeUndefined();
    });
  });
});

describe("a request's trailers", () => {
  test('arrive, but for those that must be headers', async () => {
    await using s = await stage();
    const { port } = await s.backend((incoming, answer) => {
      collect(incoming).then(
        (body) => answer.end(JSON.stringify({ body, trailers: incoming.trailers, headers: incoming.headers })),
        () => answer.destroy(),
      );
    });
    s.serve(port);
    const outgoing = http.request({
      port: s.port,
      method: 'POST',
      agent: false,
      headers: { host: 'app.localhost', trailer: 'X-Sum', te: 'gzip, trailers' },
    });
    outgoing.write('in ');
    outgoing.write('parts');
    outgoing.addTrailers({ 'X-Sum': '42', 'X-Forwarded-For': '6.6.6.6', Authorization: 'x' });
    outgoing.end();
    const answer = await new Promise<http.IncomingMessage>((resolve) => outgoing.on('response', resolve));
    expect(JSON.parse(await collect(answer))).toMatchObject({
      body: 'in parts',
      trailers: { 'x-sum': '42' },
      headers: { trailer: 'X-Sum', te: 'trailers', 'transfer-encoding': 'chunked' },
    });
  });
});
