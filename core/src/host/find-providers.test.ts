import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { afterEach, beforeEach, expect, test } from '@jest/globals';
import { findProviders, nearestFirst } from './find-providers.ts';

let folder: string;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'find-'));
});
afterEach(() => rm(folder, { recursive: true }));

async function write(file: string, content: object | string): Promise<void> {
  await mkdir(dirname(join(folder, file)), { recursive: true });
  await writeFile(join(folder, file), typeof content === 'string' ? content : JSON.stringify(content));
}
const provider = (name: string, id: string, version: string): object => ({
  ...{ name, version, clusternator: { provider: { id, entry: './index.js', sdk: '*' } } },
});

test('each project has the version that its own package.json brings', async () => {
  for (const [project, version] of [
    ['a', '1.0.0'],
    ['b', '2.0.0'],
  ] as const) {
    await write(`${project}/package.json`, { devDependencies: { 'provider-fly': version, other: '1' } });
    await write(`${project}/node_modules/provider-fly/package.json`, provider('provider-fly', 'fly', version));
    await write(`${project}/node_modules/provider-fly/index.js`, 'throw new Error("was run")');
    await write(`${project}/node_modules/other/package.json`, { name: 'other', version: '1.0.0' });
    await write(`${project}/node_modules/not-named/package.json`, provider('not-named', 'sneaky', '1.0.0'));
  }
  const versions = async (of: string) => (await findProviders(join(folder, of))).map((one) => [one.id, one.version]);
  expect(await versions('a')).toEqual([['fly', '1.0.0']]);
  expect(await versions('b')).toEqual([['fly', '2.0.0']]);
});

test('in a folder of a project, packages that were hoisted above it', async () => {
  await write('package.json', { private: true });
  await write('node_modules/@acme/provider-fly/package.json', provider('@acme/provider-fly', 'fly', '1.0.0'));
  await write('app/package.json', { optionalDependencies: { '@acme/provider-fly': '*', missing: '*' } });
  await mkdir(join(folder, 'app/src/deep'), { recursive: true });
  expect(await findProviders(join(folder, 'app/src/deep'))).toMatchObject([{ package: '@acme/provider-fly' }]);
});

test('where there is no package, or one that can not be read, there are none', async () => {
  await write('package.json', '{ no json');
  expect(await findProviders(folder)).toEqual([]);
});

test('of two with one id the nearer counts, and two of one list stay two', () => {
  const of = (id: string, version: string) => ({ id, package: id, version, root: '/', entry: './x', sdk: '*' });
  const found = nearestFirst([of('a', '1'), of('a', '2')], [of('a', '3'), of('b', '1')]);
  expect(found.map(({ id, version }) => id + version)).toEqual(['a1', 'a2', 'b1']);
});
