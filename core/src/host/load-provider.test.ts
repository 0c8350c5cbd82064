import { mkdir, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { ProviderError } from '../provider/error.ts';
import { readProviderSource, type ProviderSource } from './discovery.ts';
import { loadProvider } from './load-provider.ts';
import { CORE_VERSION } from './version.ts';

let folder: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'providers-'));
});
afterAll(() => rm(folder, { recursive: true }));

const GOOD = `const mark = Symbol.for('clusternator.provider');
export default { [mark]: 1, id: 'fly', config: { safeParse() {} }, examples: {}, capabilities() {}, permissions() {}, errorOf() {}, drivers: {} };`;

/** A package as `plugins install` would leave it. */
async function provider(name: string, entry: string, more: Partial<ProviderSource> = {}): Promise<ProviderSource> {
  const root = join(folder, name);
  await mkdir(root);
  const { id = 'fly', sdk = '>=0.0.1', entry: file = './index.js' } = more;
  const manifest = {
    name,
    version: '1.2.3',
    type: 'module',
    clusternator: { provider: { id, entry: file, sdk } },
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
    ['no-range', GOOD, { sdk: 'latest' }, '(no-range@1.2.3) was made for core latest'],
    [
      'half',
      GOOD.replace('errorOf() {}, drivers: {}', ''),
      {},
      'half@1.2.3 exports a provider without a usable errorOf, drivers',
    ],
    ['function', 'export default () => {}', {}, 'function@1.2.3 does not export a provider'],
    ['no-entry', GOOD, { entry: './missing.js' }, "(no-entry@1.2.3) can't be loaded: Cannot find module"],
    ['syntax', 'export default {', {}, "(syntax@1.2.3) can't be loaded"],
  ])('%s', async (name, entry, more, message) => {
    const source = await provider(name, entry, more);
    await expect(loadProvider([source], 'fly')).rejects.toMatchObject({
      code: 'invalid',
      message: expect.stringContaining(message),
    });
  });

  test.each([
    ['waits', 'await new Promise(() => setInterval(() => {}, 1000))', 'its import did not end within 1 s'],
    ['waits-for-nothing', 'await new Promise(() => {})', 'its import did not end within 1 s'],
    ['never-lets-go', 'for (;;);', 'its import did not end within 1 s'],
    ['ends-the-process', 'process.exit(0)', 'its import ends the process'],
    ['kills', "process.kill(process.pid, 'SIGKILL')", 'its import ends the process'],
  ])('%s: it is tried in a process of its own first', async (name, entry, why) => {
    const source = await provider(name, entry);
    await expect(
      loadProvider([source], 'fly', { knownFolder: join(folder, 'known'), importSeconds: 1 }),
    ).rejects.toMatchObject({ code: 'invalid', message: `provider "fly" (${name}@1.2.3) can't be loaded: ${why}` });
  });

  test('two that claim one id', async () => {
    const both = [await provider('first-fly', GOOD), await provider('second-fly', GOOD)];
    await expect(loadProvider(both, 'fly')).rejects.toThrow('provider "fly" is claimed by first-fly and second-fly');
  });
});

test('what to do is the newer clusternator, or the newer package', async () => {
  const hintOf = async (source: ProviderSource) => {
    const error: unknown = await loadProvider([source], 'fly').catch((thrown: unknown) => thrown);
    return error instanceof ProviderError ? error.detail.hint : error;
  };
  expect(await hintOf(await provider('too-new', GOOD, { sdk: '^99.0.0' }))).toContain('clusternator@latest');
  expect(await hintOf(await provider('too-old', GOOD, { sdk: '^0.0.1' }))).toContain('plugins install too-old');
});

test('a package is tried once each time it was changed', async () => {
  const count = join(folder, 'count');
  const source = await provider(
    'counted',
    `import { appendFileSync } from 'node:fs';\nappendFileSync(${JSON.stringify(count)}, 'x');\n${GOOD}`,
  );
  const options = { knownFolder: join(folder, 'known-counted') };
  await loadProvider([source], 'fly', options);
  await loadProvider([source], 'fly', options);
  expect(await readdir(options.knownFolder)).toHaveLength(1);
  expect(await readFile(count, 'utf8')).toBe('xx'); // there, and then here
  await writeFile(join(source.root, 'index.js'), `${GOOD}\nfor (;;);`);
  await expect(loadProvider([source], 'fly', { ...options, importSeconds: 1 })).rejects.toThrow('did not end');
});

test.each([
  ['a CommonJS package', 'module.exports = PROVIDER'],
  ['a CommonJS package that was made of a default export', 'exports.__esModule = true; exports.default = PROVIDER'],
])('%s is loaded as any other', async (_, text) => {
  const root = await mkdtemp(join(folder, 'cjs-'));
  const entry = text.replace('PROVIDER', /export default (.*);/.exec(GOOD)?.[1] ?? '');
  await writeFile(join(root, 'index.cjs'), `const mark = Symbol.for('clusternator.provider');\n${entry};`);
  const source = { id: 'fly', package: 'cjs', version: '1.0.0', root, entry: './index.cjs', sdk: '*' };
  await expect(loadProvider([source], 'fly')).resolves.toMatchObject({ id: 'fly' });
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
