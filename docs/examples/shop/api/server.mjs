import { readFileSync } from 'node:fs';
import { createServer } from 'node:http';

import { ask } from './database.mjs';

const { version } = JSON.parse(readFileSync(new URL('../package.json', import.meta.url), 'utf8'));

const handlers = {
  'GET /api/ready': () => ask({ do: 'products' }).then(() => ({ ready: true })),
  'GET /api/version': async () => ({ version }),
  'GET /api/products': () => ask({ do: 'products' }),
  'GET /api/purchases': () => ask({ do: 'purchases' }),
  'POST /api/purchases': async (request) => {
    let body = '';
    for await (const chunk of request) body += chunk;
    const purchase = await ask({ do: 'buy', product: JSON.parse(body).product });
    return { ...purchase, receipt: await receipt() };
  },
};

const server = createServer((request, response) => {
  const { pathname } = new URL(request.url, 'http://service');
  const handler = handlers[`${request.method} ${pathname}`];
  if (!handler) return reply(response, 404, { error: `no ${request.method} ${pathname}` });
  handler(request).then(
    (body) => reply(response, 200, body),
    (error) => reply(response, 503, { error: error.message }),
  );
});
server.listen(Number(process.env.PORT ?? 8080), process.env.HOST ?? '127.0.0.1', () =>
  console.log(`api ${version} listens`),
);
for (const signal of ['SIGTERM', 'SIGINT']) process.once(signal, () => server.close(() => process.exit(0)));

/** What the container prints; null in a shop without one. */
async function receipt() {
  const { RECEIPTS_HOST: host, RECEIPTS_PORT: port } = process.env;
  if (!host) return null;
  const response = await fetch(`http://${host}:${port}/receipt.txt`, { signal: AbortSignal.timeout(5000) });
  return (await response.text()).trim();
}

function reply(response, status, body) {
  response.writeHead(status, { 'content-type': 'application/json' });
  response.end(`${JSON.stringify(body)}\n`);
}
