import { readFileSync } from 'node:fs';
import { createServer } from 'node:http';
import { setTimeout as wait } from 'node:timers/promises';

import { WebSocketServer } from 'ws';

const version = readFileSync(new URL('version.txt', import.meta.url), 'utf8').trim();
const started = Date.now();
// Set where the service has a path of its own, for example /example.
const base = process.env.BASE_PATH ?? '';

const pages = {
  '/': (_request, response) => reply(response, { version, greeting: process.env.GREETING ?? null, pid: process.pid }),
  '/ready': (_request, response) => reply(response, { ready: true }),
  '/env': (_request, response) => reply(response, Object.keys(process.env).sort()),
  '/slow': async (request, response) => {
    const url = new URL(request.url, 'http://service');
    await wait(Math.min(Number(url.searchParams.get('ms') ?? 1000), 60_000));
    reply(response, { version, slow: true });
  },
  '/upload': async (request, response) => {
    let bytes = 0;
    for await (const chunk of request) bytes += chunk.length;
    reply(response, { bytes });
  },
  '/events': async (request, response) => {
    response.writeHead(200, { 'content-type': 'text/event-stream', 'cache-control': 'no-store' });
    for (let id = 1; !request.destroyed && !response.destroyed; id += 1) {
      response.write(`id: ${id}\ndata: ${JSON.stringify({ version, upMs: Date.now() - started })}\n\n`);
      await wait(200);
    }
  },
};

const server = createServer((request, response) => {
  const { pathname } = new URL(request.url, 'http://service');
  const page = pathname.startsWith(base) ? pages[pathname.slice(base.length) || '/'] : undefined;
  if (!page) return reply(response, { error: 'no such page' }, 404);
  Promise.resolve(page(request, response)).catch(() => response.destroy());
});
// Sends each message back.
new WebSocketServer({ server }).on('connection', (socket) => {
  socket.on('error', () => socket.terminate());
  socket.on('message', (message, isBinary) => socket.send(message, { binary: isBinary }));
});
server.listen(Number(process.env.PORT ?? 8080), process.env.HOST ?? '127.0.0.1', () => {
  const { address, port } = server.address();
  console.log(`version ${version} listens on ${address}:${port}`);
});

// Requests in flight are answered, idle connections are not waited for.
for (const signal of ['SIGTERM', 'SIGINT']) {
  process.once(signal, () => {
    console.log('stopping');
    server.close(() => process.exit(0));
    server.closeIdleConnections();
    globalThis.setTimeout(() => process.exit(0), 5000).unref();
  });
}

function reply(response, body, status = 200) {
  response.writeHead(status, { 'content-type': 'application/json', 'x-version': version });
  response.end(`${JSON.stringify(body)}\n`);
}
