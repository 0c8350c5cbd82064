import { rename } from 'node:fs/promises';
import path from 'node:path';
import { afterEach, expect, test } from '@jest/globals';

import { CloudApp, CONFIG } from './cloud-app.ts';
import { eventually } from './http.ts';
import type { ChangeAnswer } from './slot-app.ts';

/** Without an image, and on a disk that the slot's heads take over from each other. */
const ON_DISK = CONFIG.replace(
  'web: { build: ., port: 8080, route: /, health: { path: /ready } }',
  'web: { command: node server.mjs, port: 8080, route: /, health: { path: /ready, within: 5m }, volumes: { orders: data } }\n' +
    'volumes:\n  orders: { kind: disk, size: 1Gi, scope: slot }',
);
/** Keeps what it is told, and answers with all of it. */
const PROGRAM = {
  '.gitignore': 'node_modules/\n',
  'www/version.txt': '',
  'server.mjs': `import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:http';
const kept = () => (existsSync('data/orders') ? readFileSync('data/orders', 'utf8') : '');
createServer((request, response) => {
  const added = /^\\/add\\/(\\w+)$/.exec(request.url)?.[1];
  if (added) writeFileSync('data/orders', kept() + added + ' ', { flush: true });
  response.end(request.url === '/version.txt' ? readFileSync('www/version.txt') : kept().trim());
}).listen(Number(process.env.PORT), process.env.HOST);
`,
};

interface Volume {
  readonly id: string;
  readonly scope: string;
  readonly isInUse: boolean;
}

let app: CloudApp;
afterEach(() => app[Symbol.asyncDispose]());

test('on moto: a slot’s disk goes from head to head and back with what was written, and is known again without the state, with its snapshot', async () => {
  app = await CloudApp.open('moto', ON_DISK, PROGRAM);
  const [first, second] = [await app.create(await app.commit('a')), await app.create(await app.commit('b'))];
  await app.cloud.curl(`${first.url}/add/beside`);
  expect(await app.cloud.curl(second.url)).toBe('');

  const { slot } = await app.tool<ChangeAnswer>('promote', first.id, 'master');
  await app.follows(slot.url, 'a');
  expect(await app.cloud.curl(`${slot.url}/add/one`)).toBe('one');
  await app.tool('promote', second.id, 'master');
  await app.follows(slot.url, 'b');
  expect(await app.cloud.curl(`${slot.url}/add/two`)).toBe('one two');
  await app.tool('storage', 'snapshot', 'slot-master-orders', '--name', 'kept');
  expect(await app.cloud.curl(`${slot.url}/add/three`)).toBe('one two three');
  await app.tool('rollback', 'master');
  await app.follows(slot.url, 'a');
  expect(await app.cloud.curl(slot.url)).toBe('one two three');

  const folder = path.join(app.sandbox.stateHome, 'projects');
  await rename(folder, `${folder}.lost`);
  await app.tool('foundation', 'create');
  await app.tool('state', 'rebuild');
  const { volumes } = await app.tool<{ volumes: readonly Volume[] }>('storage', 'list');
  expect(volumes.find(({ id }) => id === 'slot-master-orders')).toMatchObject({ scope: 'slot', isInUse: true });
  await app.tool('storage', 'restore', 'kept', '--swap', '--yes');
  await eventually(async () => expect(await app.cloud.curl(slot.url)).toBe('one two'));
}, 900_000);
