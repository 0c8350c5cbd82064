import { access, rename } from 'node:fs/promises';
import path from 'node:path';
import { afterEach, beforeEach, expect, test } from '@jest/globals';

import type { EnvironmentAnswer } from './cli.ts';
import { get } from './http.ts';
import { Sandbox } from './sandbox.ts';
import type { ChangeAnswer, SlotAnswer } from './slot-app.ts';

const SERVER = `
import http from 'node:http';
import fs from 'node:fs';
const version = fs.readFileSync('version.txt', 'utf8');
http.createServer((request, response) => {
  if (request.method === 'POST') fs.appendFileSync('data/orders', 'order ');
  response.end(version + ': ' + (fs.existsSync('data/orders') ? fs.readFileSync('data/orders', 'utf8') : ''));
}).listen(process.env.PORT);
`;

interface Item {
  readonly type: string;
  readonly id: string;
  readonly state: string;
  readonly unknown: readonly { readonly what: string; readonly hint?: string }[];
}
interface Volume {
  readonly id: string;
  readonly scope: string;
  readonly state: string;
  readonly isInUse: boolean;
  readonly users: readonly string[];
}

let sandbox: Sandbox;
beforeEach(async () => {
  sandbox = await Sandbox.open();
});
afterEach(async () => sandbox.dispose());

test('without its state a project runs on; rebuilt, it goes on where it was, and a next rebuild writes nothing', async () => {
  const repository = await sandbox.repositoryOf({
    'clusternator.config.yaml': `project: ${sandbox.project}
provider: local
services:
  web: { command: node server.mjs, port: 8080, route: /, volumes: { data: data } }
sites: { help: { dir: help, route: /help } }
volumes: { data: { scope: slot } }
slots: { master: { standbys: 1, env: { MODE: live } } }
`,
    'server.mjs': SERVER,
    'version.txt': 'one',
    'help/index.html': 'how to',
  });
  const run = <T>(...words: string[]): Promise<T> => sandbox.answer(...words);
  const next = async (version: string): Promise<EnvironmentAnswer> => {
    await repository.write('version.txt', version);
    return sandbox.create('--sha', await repository.commit(version));
  };
  const show = async (): Promise<SlotAnswer> => (await run<{ slot: SlotAnswer }>('slot', 'show', 'master')).slot;
  const rebuild = async (): Promise<readonly Item[]> =>
    (await run<{ items: readonly Item[] }>('state', 'rebuild')).items;
  const statesOf = (items: readonly Item[]): readonly string[] => [...new Set(items.map(({ state }) => state))];

  const one = await sandbox.create('--ttl', '2h');
  const { slot } = await run<ChangeAnswer>('promote', one.id, 'master');
  await get(slot.url, { method: 'POST' });
  const two = await next('two');
  await run('promote', two.id, 'master');
  await run('storage', 'snapshot', 'slot-master-data', '--name', 'kept');
  const before = { environments: await sandbox.environments(), slot: await show() };

  const folder = path.join(sandbox.stateHome, 'projects');
  await rename(folder, `${folder}.lost`);
  const { items: collected } = await run<{ items: readonly { type: string; done: boolean }[] }>('gc');
  expect(collected.map(({ type, done }) => ({ type, done }))).toEqual(
    before.environments.map(() => ({ type: 'orphan', done: false })),
  );
  const items = await rebuild();
  expect(statesOf(items)).toEqual(['written']);
  expect(items.flatMap(({ unknown }) => unknown.map(({ what }) => what)).join()).not.toContain('what it was made from');
  expect(statesOf(await rebuild())).toEqual(['there']);

  const tell = ({ id, commit, phase, url, services }: EnvironmentAnswer): object => ({
    id,
    commit,
    phase,
    url,
    services,
  });
  expect((await sandbox.environments()).map(tell)).toEqual(before.environments.map(tell));
  const after = await show();
  expect(after).toMatchObject({
    url: before.slot.url,
    head: { environment: before.slot.head?.environment, healthy: true },
    standbys: before.slot.standbys.map(({ environment }) => ({ environment, healthy: true })),
  });
  expect(after.drift).toBeUndefined();
  expect(after.generation).toBeGreaterThan(before.slot.generation);
  const { volumes } = await run<{ volumes: readonly Volume[] }>('storage', 'list');
  expect(volumes.find(({ id }) => id === 'slot-master-data')).toMatchObject({ scope: 'slot', isInUse: true });

  const three = await next('three');
  await run('promote', three.id, 'master');
  expect((await get(slot.url)).body).toBe('three: order ');
  expect((await get(new URL('/help/', slot.url).href)).body).toBe('how to');
  const back = await run<ChangeAnswer>('rollback', 'master');
  expect(back.to.environment).toBe(before.slot.head?.environment);
  expect((await get(slot.url)).body).toBe('two: order ');
  await run('storage', 'snapshot', 'slot-master-data', '--name', 'after');

  await sandbox.destroy(one.id);
  const [own = ''] = volumes.filter(({ users }) => users.includes(one.id)).map(({ id }) => id);
  await run('storage', 'destroy', own, '--yes');
  for (const place of [`volumes/${own}`, `environments/${own}`])
    await expect(access(path.join(sandbox.stateHome, 'local', place))).rejects.toMatchObject({ code: 'ENOENT' });
  expect((await sandbox.environments()).map(({ id }) => id)).not.toContain(one.id);
  expect((await run<{ items: readonly unknown[] }>('gc')).items).toEqual([]);
}, 120_000);
