import { mkdir, readdir, rm, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';

import { pack, Registry, writeProvider } from './provider-package.ts';
import { Sandbox } from './sandbox.ts';

let sandbox: Sandbox;
beforeEach(async () => {
  sandbox = await Sandbox.open();
});
afterEach(async () => sandbox.dispose());

const folderOf = (name: string): string => path.join(sandbox.folder, name);

async function install(...words: string[]): Promise<void> {
  const outcome = await sandbox.run(['plugins', 'install', ...words]);
  expect([words, outcome.code, outcome.code === 0 ? '' : outcome.stderr]).toEqual([words, 0, '']);
}

async function providers(): Promise<readonly (readonly [id: string, version: string])[]> {
  const { data } = await sandbox.json<{ providers: { id: string; version: string }[] }>(['provider', 'list']);
  return data.providers.flatMap(({ id, version }) => (id === 'local' ? [] : [[id, version] as const]));
}

interface Shown {
  readonly integrity: string;
  readonly capabilities: Record<string, { capability: string; note?: string }[]>;
}
async function noteOf(cwd: string): Promise<string | undefined> {
  const { data } = await sandbox.json<Shown>(['provider', 'show', 'fly', '-C', cwd]);
  return data.capabilities.default?.find(({ capability }) => capability === 'environments.sites')?.note;
}

describe('a provider is installed', () => {
  test('from a folder, as it would be published, also when another folder has the same name', async () => {
    await writeProvider(folderOf('one/provider'), { id: 'fly' });
    await writeProvider(folderOf('two/provider'), { id: 'hop', version: '2.0.0' });
    await writeFile(folderOf('one/provider/secret.txt'), 'not among its files');
    await install('./one/provider');
    await install('two/provider');
    await rm(folderOf('one'), { recursive: true });
    expect(await providers()).toEqual([
      ['fly', '1.0.0'],
      ['hop', '2.0.0'],
    ]);
    const installed = folderOf('data/clusternator/node_modules/clusternator-provider-fly');
    expect((await readdir(installed)).sort()).toEqual(['commands', 'index.js', 'package.json']);
    const removed = await sandbox.run(['plugins', 'uninstall', 'clusternator-provider-fly']);
    expect([removed.code, await providers()]).toEqual([0, [['hop', '2.0.0']]]);
  }, 120_000);

  test('from a tarball', async () => {
    await writeProvider(folderOf('fly'), { id: 'fly' });
    await install(await pack(folderOf('fly'), folderOf('packed')));
    expect(await providers()).toEqual([['fly', '1.0.0']]);
  }, 120_000);

  test('by its name, the newest one or the one that was asked for', async () => {
    await using registry = await Registry.open();
    for (const version of ['1.0.0', '1.2.0']) {
      await writeProvider(folderOf(version), { id: 'fly', version });
      await registry.publish(await pack(folderOf(version), folderOf('packed')));
    }
    sandbox.env.npm_config_registry = registry.url;
    await install('clusternator-provider-fly');
    expect(await providers()).toEqual([['fly', '1.2.0']]);
    await install('clusternator-provider-fly@1.0.0');
    expect(await providers()).toEqual([['fly', '1.0.0']]);
  }, 120_000);

  test('by a link, which shows what is changed', async () => {
    await writeProvider(folderOf('fly'), { id: 'fly' });
    expect((await sandbox.run(['plugins', 'link', './fly', '--no-install'])).code).toBe(0);
    await writeProvider(folderOf('fly'), { id: 'fly', version: '1.0.1' });
    expect(await noteOf(sandbox.cwd)).toBe('version 1.0.1 serves none');
  }, 120_000);
});

test('what is not there is told, and nothing is looked for elsewhere', async () => {
  const outcome = await sandbox.run(['plugins', 'install', './nowhere']);
  expect(outcome).toMatchObject({ code: 3, stderr: expect.stringContaining(folderOf('nowhere')) });
});

test('a provider that needs a newer core is told at once, with what to do, and is not loaded', async () => {
  await writeProvider(folderOf('fly'), { id: 'fly', sdk: '^99.0.0' });
  const outcome = await sandbox.run(['plugins', 'install', './fly']);
  expect(outcome.code).toBe(2);
  for (const words of ['clusternator-provider-fly@1.0.0', '^99.0.0', 'clusternator@latest', 'plugins uninstall'])
    expect(outcome.stderr).toContain(words);
  const { error } = await sandbox.json(['provider', 'show', 'fly']);
  expect(error).toMatchObject({ code: 'invalid', hint: expect.stringContaining('clusternator@latest') });
}, 120_000);

test('two projects have two versions, each by its own package.json', async () => {
  await writeProvider(folderOf('global'), { id: 'fly', version: '3.0.0' });
  await install('./global');
  for (const [project, version] of [['a', '1.0.0'] as const, ['b', '2.0.0'] as const]) {
    const own = folderOf(`${project}/node_modules/clusternator-provider-fly`);
    await mkdir(own, { recursive: true });
    await writeProvider(own, { id: 'fly', version });
    const manifest = { private: true, devDependencies: { 'clusternator-provider-fly': version } };
    await writeFile(folderOf(`${project}/package.json`), JSON.stringify(manifest));
  }
  expect(await noteOf(folderOf('a'))).toBe('version 1.0.0 serves none');
  expect(await noteOf(folderOf('b'))).toBe('version 2.0.0 serves none');
  expect(await noteOf(sandbox.folder)).toBe('version 3.0.0 serves none');
}, 120_000);

describe('a config says which providers may be loaded', () => {
  const files = (more: string): Record<string, string> => ({
    'clusternator.config.yaml': `project: PROJECT\nprovider: fly\n${more}sites:\n  web: { dir: . }\n`,
    'index.html': 'x\n',
  });

  test('by their ids', async () => {
    await writeProvider(folderOf('fly'), { id: 'fly' });
    await install('./fly');
    await sandbox.repositoryOf(files('providers: { allow: [local] }\n'));
    const { outcome, error } = await sandbox.json(['env', 'create']);
    expect([outcome.code, error?.path]).toEqual([2, 'provider']);
    const overridden = await sandbox.json(['config', 'validate', '--set', 'provider=local']);
    expect(overridden.outcome.code).toBe(0);
  }, 120_000);

  test('by what they are: another package of the same name and version is not run', async () => {
    const leaves = `import { writeFileSync } from 'node:fs';\nwriteFileSync(${JSON.stringify(folderOf('ran'))}, '');\n`;
    await writeProvider(folderOf('fly'), { id: 'fly' });
    await install('./fly');
    const { data } = await sandbox.json<Shown>(['provider', 'show', 'fly']);
    await sandbox.repositoryOf(files(`providers: { integrity: { fly: "${data.integrity}" } }\n`));
    const good = await sandbox.json(['config', 'validate']);
    expect(good.outcome.code).toBe(7); // it is loaded, and serves no sites
    await writeProvider(folderOf('evil'), { id: 'fly', entry: `${leaves}export default {};` });
    await install(folderOf('evil'));
    const { outcome, error } = await sandbox.json(['env', 'create']);
    expect([outcome.code, error?.code, error?.path]).toEqual([7, 'refused', 'providers.integrity.fly']);
    expect(`${error?.message} ${error?.hint}`).toContain('clusternator-provider-fly@1.0.0');
    expect(await readdir(sandbox.folder)).not.toContain('ran');
  }, 120_000);
});
