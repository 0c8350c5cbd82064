import { afterEach, beforeEach, expect, test } from '@jest/globals';

import { get } from './http.ts';
import { fileLeftovers } from './leftovers.ts';
import { Sandbox } from './sandbox.ts';

/** Compiles each source once: what it did is told, what a cache spared it too. */
const BUILD = `import { createHash } from 'node:crypto';
import { existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
const [cache, out] = process.argv.slice(2);
mkdirSync(cache, { recursive: true });
mkdirSync(out, { recursive: true });
const done = { hits: 0, misses: 0 };
for (const name of readdirSync('sources')) {
  const source = readFileSync('sources/' + name, 'utf8');
  const known = cache + '/' + createHash('sha256').update(source).digest('hex');
  done[existsSync(known) ? 'hits' : 'misses'] += 1;
  writeFileSync(known, source.toUpperCase());
}
writeFileSync(out + '/index.html', JSON.stringify(done));
`;
const SERVER = `import { createServer } from 'node:http';
import { readFileSync } from 'node:fs';
const built = readFileSync('out/index.html');
createServer((_, response) => response.end(built)).listen(process.env.PORT, process.env.HOST);
`;

let sandbox: Sandbox;
beforeEach(async () => {
  sandbox = await Sandbox.open();
});
afterEach(async () => sandbox.dispose());

test('a later build does less: of a site and of a process, after a destroy, and two at once', async () => {
  const sources = Object.fromEntries([1, 2, 3, 4].map((n) => [`sources/${n}.txt`, `source ${n}`]));
  const repository = await sandbox.repositoryOf({
    'clusternator.config.yaml': `project: PROJECT
provider: local
services:
  api: { install: node build.mjs tool/cache out, command: node server.mjs, port: 8080, route: /api }
sites:
  web: { build: node build.mjs tool/cache dist, dir: dist, route: / }
cache: [tool/cache]
`,
    'build.mjs': BUILD,
    'server.mjs': SERVER,
    ...sources,
  });
  const work = async (): Promise<{ site: unknown; process: unknown }> => {
    const { url } = await sandbox.create();
    return { site: JSON.parse((await get(url)).body), process: JSON.parse((await get(`${url}/api`)).body) };
  };
  // The process is installed after the site was built, and begins with what that left.
  expect(await work()).toEqual({ site: { hits: 0, misses: 4 }, process: { hits: 4, misses: 0 } });
  for (const { id } of await sandbox.environments()) await sandbox.destroy(id);
  expect(await fileLeftovers(sandbox.stateHome)).toEqual([]);

  await repository.write('sources/4.txt', 'another source');
  await repository.commit('Change one source');
  expect(await work()).toEqual({ site: { hits: 3, misses: 1 }, process: { hits: 3, misses: 1 } });

  const commits = [];
  for (const name of ['5', '6']) {
    await repository.write(`sources/${name}.txt`, name);
    commits.push(await repository.commit(`Add source ${name}`));
  }
  await Promise.all(commits.map((sha) => sandbox.create('--sha', sha)));
  for (const sha of commits) {
    const { url } = await sandbox.create('--sha', sha);
    const { hits, misses } = JSON.parse((await get(url)).body) as { hits: number; misses: number };
    expect(hits).toBeGreaterThanOrEqual(4);
    expect(hits + misses).toBe(commits.indexOf(sha) + 5);
  }

  // Out of the config: gc takes them.
  await repository.edit('clusternator.config.yaml', (text) => text.replace(/^cache: .*$/m, ''));
  const { data } = await sandbox.json<{ items: readonly { id: string; type: string; done: boolean }[] }>(['gc']);
  expect(data.items.filter(({ type }) => type === 'cache')).toEqual([
    expect.objectContaining({ id: 'tool/cache of web', done: true }),
    expect.objectContaining({ id: 'tool/cache of api', done: true }),
  ]);
  await sandbox.expectNothingIsLeft();
}, 240_000);

test('an install runs once for the same inputs: of a process and of a site, whatever else changed', async () => {
  const repository = await sandbox.repositoryOf({
    'clusternator.config.yaml': `project: PROJECT
provider: local
services:
  api:
    install: { run: node install.mjs api, inputs: [tools.lock], outputs: [tools] }
    command: node server.mjs
    port: 8080
    route: /api
sites:
  web:
    install: { run: node install.mjs web, inputs: [tools.lock], outputs: [tools] }
    build: cp tools/index.html version.txt dist/
    dir: dist
    route: /
`,
    'install.mjs': `import { randomUUID } from 'node:crypto';
import { mkdirSync, writeFileSync } from 'node:fs';
mkdirSync('tools');
writeFileSync('tools/index.html', process.argv[2] + ' ' + randomUUID());
`,
    'server.mjs': SERVER.replace('out/', 'tools/'),
    'tools.lock': 'one',
    'version.txt': '1',
    'dist/.keep': '',
  });
  const work = async (): Promise<{ site: string; process: string; version: string }> => {
    const { url } = await sandbox.create();
    const [site, process, version] = await Promise.all(
      ['/', '/api', '/version.txt'].map(async (route) => (await get(`${url}${route}`)).body),
    );
    return { site: site ?? '', process: process ?? '', version: version ?? '' };
  };
  const first = await work();
  expect(first).toEqual({
    site: expect.stringMatching(/^web /),
    process: expect.stringMatching(/^api /),
    version: '1',
  });

  await repository.write('version.txt', '2');
  await repository.commit('Change what no install looks at');
  expect(await work()).toEqual({ ...first, version: '2' });

  await repository.write('tools.lock', 'two');
  await repository.commit('Change the lock file');
  const third = await work();
  expect(third.site).not.toBe(first.site);
  expect(third.process).not.toBe(first.process);

  await repository.write('tools.lock', 'one');
  await repository.commit('Change it back');
  expect(await work()).toEqual({ ...first, version: '2' });
  await sandbox.expectNothingIsLeft();
}, 120_000);
