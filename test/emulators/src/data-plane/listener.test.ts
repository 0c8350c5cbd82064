import { once } from 'node:events';
import { createServer, request, type IncomingHttpHeaders, type IncomingMessage, type RequestListener } from 'node:http';
import { afterEach, expect, test } from '@jest/globals';
import type { Action } from '@aws-sdk/client-elastic-load-balancing-v2';
import { Listener } from './listener.ts';
import { LoopbackServer } from './loopback-server.ts';
import type { Target } from './targets.ts';

const undo: (() => Promise<void>)[] = [];

afterEach(async () => {
  for (const step of undo.splice(0)) await step();
});

test('a redirect fills in what it was asked for', async () => {
  const RedirectConfig = { Protocol: 'HTTPS', Port: '443', Path: '/new/#{path}', StatusCode: 'HTTP_301' } as const;
  const answer = await ask(await listening({ Type: 'redirect', RedirectConfig }), { path: '/a?b=c' });
  expect(answer.statusCode).toBe(301);
  expect(answer.headers.location).toBe('https://shop.example:443/new/a?b=c');
});

test('a target gets the body, the host and who asked', async () => {
  const seen: { headers: IncomingHttpHeaders; body: string }[] = [];
  const target = await targetThat(({ headers }, response, body) => {
    seen.push({ headers, body });
    response.end();
  });
  const port = await listening(FORWARD, target);
  await ask(port, { method: 'POST', body: 'much'.repeat(100_000) });
  await ask(port, {
    method: 'PUT',
    body: 'little',
    headers: { 'transfer-encoding': 'chunked', 'x-forwarded-for': '192.0.2.1' },
  });
  expect(seen.map(({ body }) => body.length)).toEqual([400_000, 6]);
  expect(seen[0]?.headers).toMatchObject({
    host: 'shop.example',
    'x-forwarded-for': '127.0.0.1',
    'x-forwarded-proto': 'http',
    'x-forwarded-port': '80',
  });
  expect(seen[1]?.headers['x-forwarded-for']).toBe('192.0.2.1, 127.0.0.1');
});

test('a request is counted as open until its answer ended, or its client left', async () => {
  const target = await targetThat((_, response) => response.write('begun'));
  const port = await listening(FORWARD, target);
  const asked = request({ port, headers: { host: 'shop.example' } }).end();
  const [answer] = (await once(asked, 'response')) as [IncomingMessage]; // what the event gives
  answer.on('error', () => undefined);
  expect(target.open.size).toBe(1);
  asked.destroy();
  while (target.open.size > 0) await new Promise((resolve) => setImmediate(resolve));
  expect(target.open.size).toBe(0);
});

test('without a target it is 503, and with one that does not listen 502', async () => {
  expect((await ask(await listening(FORWARD))).statusCode).toBe(503);
  const target = await targetThat(() => undefined);
  await undo.pop()?.(); // the target's
  expect((await ask(await listening(FORWARD, target))).statusCode).toBe(502);
});

const FORWARD: Action = { Type: 'forward', TargetGroupArn: 'group' };

/** @returns The port of a listener with one action. */
async function listening(action: Action, target?: Target): Promise<number> {
  const rules = [{ Priority: 'default', Conditions: [], Actions: [action] }];
  const noCertificates = { contextFor: async () => Promise.reject(new Error('no TLS')) };
  const listener = await Listener.listen({ port: 80, isTls: false, rules }, { next: () => target }, noCertificates);
  undo.push(async () => listener.close());
  return listener.port;
}

async function targetThat(
  answers: (request: IncomingMessage, response: Parameters<RequestListener>[1], body: string) => unknown,
): Promise<Target> {
  const server = createServer((incoming, response) => {
    void incoming.toArray().then((bytes) => answers(incoming, response, Buffer.concat(bytes).toString()));
  });
  const loopback = await LoopbackServer.listen(server);
  undo.push(async () => loopback.end());
  const health = { State: 'healthy' } as const;
  return {
    address: '127.0.0.1',
    host: '127.0.0.1',
    port: loopback.port,
    health,
    open: new Set(),
    streak: 0,
    timer: undefined,
  };
}

interface Question {
  readonly path?: string;
  readonly method?: string;
  readonly body?: string;
  readonly headers?: Readonly<Record<string, string>>;
}

async function ask(
  port: number,
  { path = '/', method = 'GET', body, headers = {} }: Question = {},
): Promise<IncomingMessage> {
  const asked = request({ port, path, method, agent: false, headers: { host: 'shop.example', ...headers } });
  asked.end(body);
  const [answer] = (await once(asked, 'response')) as [IncomingMessage]; // what the event gives
  answer.resume();
  await once(answer, 'end');
  return answer;
}
