import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { readProviderSource, type ProviderSource } from './discovery.ts';
import { loadProvider } from './load-provider.ts';
import { CORE_VERSION } from './version.ts';

let folder: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'providers-'));
});
afterAll(() => rm(folder, { recursive: true }));

const GOOD = `const mark = Symbol.for('clusternator.provider');
export default { [mark]: 1, id: 'fly', drivers: {} };`;

/** A package as `plugins install` would leave it. */
async function provider(name: string, entry: string, more: Partial<ProviderSource> = {}): Promise<ProviderSource> {
  const root = join(folder, name);
  await mkdir(root);
  const { id = 'fly', sdk = '>=0.0.1' } = more;
  const manifest = {
    name,
    version: '1.2.3',
    type: 'module',
    clusternator: { provider: { id, entry: './index.js', sdk } },
  };
  await writeFile(join(root, 'package.json'), JSON.stringify(manifest));
  await writeFile(join(root, 'index.js'), entry);
  const source = await readProviderSource(root);
  if (!source) throw new Error(`${name} is no provider`);
  return source;
}

test('the provider that the project names is imported, and no other', async () => {
  const good = await provider('good', GOOD);
  const broken = await provider('beside', 'throw new Error("nobody chose me")', { id: 'beside' });
  await expect(loadProvider([broken, good], 'fly')).resolves.toMatchObject({ id: 'fly' });
});

test('an unknown id names the nearest that there is, and how to install it', async () => {
  const source = await provider('near', GOOD);
  await expect(loadProvider([source], 'fyl')).rejects.toMatchObject({
    code: 'invalid',
    message: 'there is no provider "fyl" here; did you mean "fly"?',
    detail: { path: 'provider', hint: expect.stringContaining('plugins install clusternator-provider-fyl') },
  });
});

describe('a provider that can not be used is told by its package', () => {
  test.each<[string, string, Partial<ProviderSource>, string]>([
    ['throws', 'throw new Error("out of order")', {}, "(throws@1.2.3) can't be loaded: out of order"],
    ['shapeless', 'export default { id: "fly" }', {}, 'shapeless@1.2.3 does not export a provider'],
    ['empty', 'export const nothing = 1', {}, 'empty@1.2.3 does not export a provider'],
    ['liar', GOOD.replace("'fly'", "'other'"), {}, 'liar@1.2.3 says that it is "fly", but exports "other"'],
    ['newer', GOOD, { sdk: '^99.0.0' }, `(newer@1.2.3) was made for core ^99.0.0, this is ${CORE_VERSION}`],
  ])('%s', async (name, entry, more, message) => {
    const source = await provider(name, entry, more);
    await expect(loadProvider([source], 'fly')).rejects.toMatchObject({
      code: 'invalid',
      message: expect.stringContaining(message),
    });
  });

  test('two that claim one id', async () => {
    const both = [await provider('first-fly', GOOD), await provider('second-fly', GOOD)];
    await expect(loadProvider(both, 'fly')).rejects.toThrow('provider "fly" is claimed by first-fly and second-fly');
  });
});

test('a package that is no provider, and one that can not be read, are none', async () => {
  const plain = join(folder, 'plain');
  await mkdir(plain);
  await writeFile(join(plain, 'package.json'), '{ "name": "plain", "version": "1.0.0" }');
  await expect(readProviderSource(plain)).resolves.toBeUndefined();
  await writeFile(join(plain, 'package.json'), '{ not json');
  await expect(readProviderSource(plain)).resolves.toBeUndefined();
  await expect(readProviderSource(join(folder, 'nowhere'))).resolves.toBeUndefined();
});
