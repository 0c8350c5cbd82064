import { describe, expect, test } from '@jest/globals';
import { raw, request, stage } from './testing/harness.ts';

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
      `${chunked}\r\n1\r\nx\r\n0\r\nSet-Cookie: a\r\nContent-Type: a/b\r\nX: 1\r\n\r\n`,
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
