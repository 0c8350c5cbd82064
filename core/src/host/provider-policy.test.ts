import { mkdir, mkdtemp, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from '@jest/globals';
import type { ProviderSource } from './discovery.ts';
import { loadProvider } from './load-provider.ts';
import { packageIntegrity } from './package-integrity.ts';

let root: string;
let source: ProviderSource;
beforeEach(async () => {
  root = await mkdtemp(join(tmpdir(), 'policy-'));
  // Whether its code ran is seen by what it leaves in the process.
  const entry = `globalThis.flyRan = true;
    export default { [Symbol.for('clusternator.provider')]: 1, id: 'fly', config: { safeParse() {} }, examples: {},
      capabilities() {}, permissions() {}, errorOf() {}, drivers: {} };`;
  await mkdir(join(root, 'dist'));
  await writeFile(join(root, 'dist/index.js'), entry);
  await writeFile(join(root, 'package.json'), '{ "name": "fly", "type": "module" }');
  source = { id: 'fly', package: 'fly', version: '1.0.0', root, entry: './dist/index.js', sdk: '*' };
  Reflect.deleteProperty(globalThis, 'flyRan');
});
afterEach(() => rm(root, { recursive: true }));

test('what a policy does not allow is refused, and none of its code has run', async () => {
  const refused = loadProvider([source], 'fly', { policies: [{}, { allow: ['local'] }] });
  await expect(refused).rejects.toMatchObject({ code: 'refused', detail: { path: 'providers.allow' } });
  expect(globalThis).not.toHaveProperty('flyRan');
  await expect(loadProvider([source], 'fly', { policies: [{ allow: ['fly'] }] })).resolves.toMatchObject({ id: 'fly' });
});

test('a package that is not the pinned one is refused, and none of its code has run', async () => {
  const pinned = await packageIntegrity(root);
  await writeFile(join(root, 'dist/index.js'), 'globalThis.flyRan = true;');
  const found = await packageIntegrity(root);
  const refused = loadProvider([source], 'fly', { policies: [{ integrity: { fly: pinned } }] });
  await expect(refused).rejects.toMatchObject({
    code: 'refused',
    message: expect.stringMatching(/fly@1\.0\.0.*sha512-/),
    detail: { path: 'providers.integrity.fly', hint: expect.stringContaining(found) },
  });
  expect(globalThis).not.toHaveProperty('flyRan');
});

test('the pinned package is loaded, wherever it lies and whatever it needs beside it', async () => {
  const pinned = await packageIntegrity(root);
  await mkdir(join(root, 'node_modules/needed'), { recursive: true });
  await writeFile(join(root, 'node_modules/needed/index.js'), 'x');
  const loaded = loadProvider([source], 'fly', { policies: [{ integrity: { fly: pinned, other: 'sha512-' } }] });
  await expect(loaded).resolves.toMatchObject({ id: 'fly' });
});

test.each([
  ['another file', 'extra.js', 'x'],
  ['another content', 'package.json', '{ "name": "fly", "type": "module" } '],
])('the integrity of a package with %s is another', async (_, file, content) => {
  const before = await packageIntegrity(root);
  await writeFile(join(root, file), content);
  expect(await packageIntegrity(root)).not.toBe(before);
});

test('a link could lead anywhere: nothing vouches for it', async () => {
  await symlink('/etc/hosts', join(root, 'dist/linked.js'));
  await expect(packageIntegrity(root)).rejects.toMatchObject({ code: 'invalid' });
});
