import { afterEach, beforeEach, expect, test } from '@jest/globals';
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { findProviders } from './providers.ts';

let folder: string;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'clusternator-providers-'));
});
afterEach(async () => {
  await rm(folder, { recursive: true, force: true });
});

async function write(file: string, content: unknown): Promise<void> {
  await mkdir(dirname(join(folder, file)), { recursive: true });
  await writeFile(join(folder, file), typeof content === 'string' ? content : JSON.stringify(content));
}
const provider = (name: string, id: string): object => ({
  name,
  version: '1.2.3',
  clusternator: { provider: { id, entry: './dist/index.js', sdk: '^1.0.0' } },
});
const find = (): ReturnType<typeof findProviders> =>
  findProviders({ root: join(folder, 'cli'), dataDir: join(folder, 'data') });

test('finds those that come along, that were installed and that are linked, without running their code', async () => {
  await write('cli/package.json', { oclif: { plugins: ['@acme/provider-a', '@oclif/plugin-help'] } });
  await write('cli/node_modules/@acme/provider-a/package.json', provider('@acme/provider-a', 'a'));
  await write('cli/node_modules/@acme/provider-a/dist/index.js', 'throw new Error("was run")');
  await write('cli/node_modules/@oclif/plugin-help/package.json', {
    name: '@oclif/plugin-help',
    version: '1.0.0',
    oclif: {},
  });
  const linked = join(folder, 'elsewhere');
  await write('elsewhere/package.json', provider('clusternator-provider-c', 'c'));
  await write('data/package.json', {
    oclif: {
      plugins: [
        { name: 'clusternator-provider-b', type: 'user' },
        { name: 'clusternator-provider-c', type: 'link', root: linked },
      ],
    },
  });
  await write('data/node_modules/clusternator-provider-b/package.json', provider('clusternator-provider-b', 'b'));
  const { providers, broken } = await find();
  expect(providers.map((one) => [one.id, one.package, one.root])).toEqual([
    ['a', '@acme/provider-a', join(folder, 'cli/node_modules/@acme/provider-a')],
    ['b', 'clusternator-provider-b', join(folder, 'data/node_modules/clusternator-provider-b')],
    ['c', 'clusternator-provider-c', linked],
  ]);
  expect(broken).toEqual([]);
});

test('broken plugins are told of, and hide nobody else', async () => {
  await write('cli/package.json', { oclif: { plugins: ['@acme/provider-a', '@acme/missing'] } });
  await write('cli/node_modules/@acme/provider-a/package.json', provider('@acme/provider-a', 'a'));
  await write('data/package.json', {
    oclif: { plugins: [{ name: 'no-json', type: 'user' }, { name: 'no-entry', type: 'user' }, 7] },
  });
  await write('data/node_modules/no-json/package.json', '{ oops');
  await write('data/node_modules/no-entry/package.json', {
    name: 'no-entry',
    version: '1.0.0',
    clusternator: { provider: { id: 'x' } },
  });
  const { providers, broken } = await find();
  expect(providers.map((one) => one.id)).toEqual(['a']);
  expect(broken.map((one) => one.name)).toEqual(['@acme/missing', 'no-json', 'no-entry']);
});

test('a list of installed plugins that is no JSON counts as none', async () => {
  await write('cli/package.json', { oclif: { plugins: [] } });
  await write('data/package.json', 'x');
  expect(await find()).toEqual({ providers: [], broken: [] });
});
