import { afterEach, beforeEach, expect, test } from '@jest/globals';

import { get } from './http.ts';
import { Sandbox } from './sandbox.ts';

const SERVER = `
import http from 'node:http';
import fs from 'node:fs';
http.createServer((request, response) => {
  if (request.method === 'POST') fs.appendFileSync('data/orders', request.url.slice(1) + ' ');
  response.end(fs.existsSync('data/orders') ? fs.readFileSync('data/orders', 'utf8') : '');
}).listen(process.env.PORT);
`;

let sandbox: Sandbox;
beforeEach(async () => {
  sandbox = await Sandbox.open();
});
afterEach(async () => sandbox.dispose());

test('a rollback with its data says what is lost, goes back to before the release, and keeps what was in use', async () => {
  const config = `project: ${sandbox.project}
provider: local
services:
  web: { command: node server.mjs, port: 8080, route: /, volumes: { data: data } }
volumes: { data: { scope: slot } }
slots: { master: { standbys: 1 } }
`;
  const repository = await sandbox.repositoryOf({ 'clusternator.config.yaml': config, 'server.mjs': SERVER });
  const within = { cwd: repository.folder };
  const ask = async (...words: string[]) => {
    const { outcome, error } = await sandbox.json<unknown>(words, within);
    return { code: outcome.code, error };
  };
  const run = <T>(...words: string[]): Promise<T> => sandbox.answer(...words);
  const deploy = async (): Promise<{ url: string; generation: number }> => {
    const { environment } = await run<{ environment: { id: string } }>('env', 'create');
    return (await run<{ slot: { url: string; generation: number } }>('promote', environment.id, 'master')).slot;
  };
  const { url } = await deploy();
  await get(`${url}/first`, { method: 'POST' });
  await repository.write('version.txt', '2');
  await repository.commit('Second');
  const { generation } = await deploy();

  const none = await ask('rollback', 'master', '--restore-data', '--yes');
  expect({ code: none.code, error: none.error?.code }).toEqual({ code: 7, error: 'refused' });
  expect((await run<{ slot: { generation: number } }>('slot', 'show', 'master')).slot.generation).toBe(generation);
  await run('rollback', 'master');

  await run('storage', 'snapshot', 'slot-master-data', '--name', 'good');
  await repository.write('version.txt', '3');
  await repository.commit('Third');
  await deploy();
  await get(`${url}/spoilt`, { method: 'POST' });
  const asked = await ask('rollback', 'master', '--restore-data');
  expect({ code: asked.code, message: asked.error?.message }).toEqual({
    code: 2,
    message: expect.stringMatching(/not in good: what was written to slot-master-data in the last .*differ/),
  });
  expect((await get(url)).body).toBe('first spoilt ');

  const { kept, restored, slot } = await run<{
    kept: readonly string[];
    restored: readonly { snapshot: string }[];
    slot: { pinned?: object };
  }>('rollback', 'master', '--restore-data', '--yes');
  expect(restored.map(({ snapshot }) => snapshot)).toEqual(['good']);
  expect((await get(url)).body).toBe('first ');
  expect(slot.pinned).toBeDefined();

  const [before = ''] = kept;
  await run('storage', 'restore', before, '--swap', '--yes');
  expect((await get(url)).body).toBe('first spoilt ');
}, 300_000);
