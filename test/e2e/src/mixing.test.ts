import { MemoryCloud } from '@clusternator/conformance/memory';
import { afterEach, beforeEach, expect, test } from '@jest/globals';
import { build } from 'esbuild';
import { mkdir } from 'node:fs/promises';
import { fileURLToPath } from 'node:url';
import path from 'node:path';

import type { EnvironmentAnswer } from './cli.ts';
import { get } from './http.ts';
import { writeProvider } from './provider-package.ts';
import { Sandbox } from './sandbox.ts';

let sandbox: Sandbox;
let cloud: MemoryCloud;
let elsewhere: string;
beforeEach(async () => {
  sandbox = await Sandbox.open();
  const folder = path.join(sandbox.folder, 'cloud');
  await mkdir(folder);
  cloud = new MemoryCloud(folder);
  const { url, edgePort } = await cloud.start();
  elsewhere = JSON.stringify({ name: 'memory', endpoint: url, edgePort });
  sandbox.env.MEMORY_TOKEN = 'memory';
  await installMemoryProvider();
});
afterEach(async () => {
  await sandbox.dispose();
  await cloud.stop();
});

/** The kit's worked example as a stranger's package: one bundle. */
async function installMemoryProvider(): Promise<void> {
  const index = fileURLToPath(import.meta.resolve('@clusternator/conformance/memory'));
  const contents = `export { memoryProvider as default } from ${JSON.stringify(path.join(path.dirname(index), 'provider.js'))};`;
  const { outputFiles } = await build({
    stdin: { contents, resolveDir: path.dirname(index) },
    ...{ bundle: true, write: false, format: 'esm', platform: 'node' },
  });
  await writeProvider(path.join(sandbox.folder, 'provider'), { id: 'memory', entry: outputFiles[0]?.text ?? '' });
  const outcome = await sandbox.run(['plugins', 'install', './provider'], { cwd: sandbox.folder });
  expect([outcome.code, outcome.code === 0 ? '' : outcome.stderr]).toEqual([0, '']);
}

const SERVER = `import { createServer } from 'node:http';
import { readFileSync } from 'node:fs';
const version = readFileSync(new URL('version.txt', import.meta.url), 'utf8').trim();
createServer((_, response) => response.end(version)).listen(Number(process.env.PORT), process.env.HOST);
`;

async function twoVersions(providers: string, slot: string): Promise<readonly EnvironmentAnswer[]> {
  const repository = await sandbox.repositoryOf({
    'clusternator.config.yaml': `project: PROJECT
${providers}
services:
  web: { command: node server.mjs, port: 8080, route: /, health: / }
slots:
  master: { standbys: 1, bake: 0s, ${slot} }
`,
    'server.mjs': SERVER,
    'version.txt': 'a\n',
  });
  const a = await sandbox.create();
  await repository.write('version.txt', 'b\n');
  await repository.commit('Version b');
  return [a, await sandbox.create()];
}

async function move(...args: string[]): Promise<{ readonly url: string }> {
  const { outcome, data, error } = await sandbox.json<{ slot: { url: string } }>(args);
  expect([args, outcome.code, error]).toEqual([args, 0, undefined]);
  return data.slot;
}

test('environments here, names in another cloud, the state there too', async () => {
  const name = `www.${sandbox.project}.kit.test`;
  const providers = `provider: local\ndns: ${elsewhere}\nstate: ${elsewhere}`;
  const [a, b] = await twoVersions(providers, `mechanism: dns, host: ${name}`);
  const served = async (): Promise<string> => {
    const [address = 'none'] = cloud.zones.first.resolve(name, 'A');
    return (await get(`http://${name}:${new URL(a?.url ?? '').port}/`, { host: address })).body;
  };
  await move('promote', a?.id ?? '', 'master');
  expect(await served()).toBe('a');
  await move('promote', b?.id ?? '', 'master');
  expect(await served()).toBe('b');
  await move('rollback', 'master');
  expect(await served()).toBe('a');

  // Whoever has the same config sees the same state, from any machine.
  const from = { env: { CLUSTERNATOR_STATE_HOME: path.join(sandbox.folder, 'another machine') } };
  const seen = await sandbox.json<{ environments: { id: string }[] }>(['env', 'list'], from);
  expect(seen.data.environments.map(({ id }) => id).sort()).toEqual([a?.id, b?.id].sort());
  expect(cloud.items.documents.size).toBeGreaterThan(0);
  expect(cloud.items.environments.size).toBe(0);
}, 180_000);

test('environments in another cloud, the state here', async () => {
  const [a, b] = await twoVersions(`provider: ${elsewhere}\ndomain: localhost`, '');
  const served = async (...args: string[]): Promise<string> => (await get((await move(...args)).url)).body;
  expect(await served('promote', a?.id ?? '', 'master')).toBe('a');
  expect(await served('promote', b?.id ?? '', 'master')).toBe('b');
  expect(await served('rollback', 'master')).toBe('a');
  expect([cloud.items.environments.size, cloud.items.documents.size]).toEqual([2, 0]);
}, 180_000);
