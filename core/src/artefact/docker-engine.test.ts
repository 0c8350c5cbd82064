import { once } from 'node:events';
import { mkdtemp, rm } from 'node:fs/promises';
import { createServer } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from '@jest/globals';
import { connectDocker, dockerError } from './docker-engine.ts';
import { EngineRefusal } from './engine-client.ts';

let folder: string;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'engine-'));
});
afterEach(() => rm(folder, { recursive: true }));

const { signal } = new AbortController();

/** What answers like an engine, after it has dropped the first connections. */
async function engine(drops: number) {
  let connections = 0;
  const server = createServer((_, response) => response.end('OK'));
  server.prependListener('connection', (socket) => {
    connections += 1;
    if (connections <= drops) socket.destroy();
  });
  const file = join(folder, 'engine.sock');
  server.listen(file);
  await once(server, 'listening');
  return {
    env: { DOCKER_HOST: `unix://${file}` },
    connections: () => connections,
    [Symbol.dispose]: () => server.close(),
  };
}

test('an engine that drops connections while it starts is found', async () => {
  using starting = await engine(2);
  await expect(connectDocker(starting.env, signal)).resolves.toMatchObject({ builder: 'classic' });
  expect(starting.connections()).toBe(3);
});

test('one that drops every connection does not answer, and is not asked for ever', async () => {
  using broken = await engine(Infinity);
  await expect(connectDocker(broken.env, signal)).rejects.toMatchObject({ code: 'unavailable' });
  expect(broken.connections()).toBeLessThan(10);
});

test('a registry that the engine can not reach is unavailable, with what to see to', () => {
  const said = 'Get "https://ci.test/v2/": dial tcp: lookup ci.test: no such host';
  expect(dockerError(new EngineRefusal(500, said), 'look for ci.test/job:1 in its registry')).toMatchObject({
    code: 'unavailable',
    message: expect.stringContaining('no such host'),
    detail: { hint: expect.stringContaining('the name is right') },
  });
});
