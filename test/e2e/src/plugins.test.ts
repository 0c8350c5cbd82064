import { readdir, readFile } from 'node:fs/promises';
import path from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';

import { providerText, writeProvider, type ProviderParts } from './provider-package.ts';
import { Sandbox } from './sandbox.ts';

let sandbox: Sandbox;
beforeEach(async () => {
  sandbox = await Sandbox.open();
});
afterEach(async () => sandbox.dispose());

/** A provider plugin as somebody might publish it, linked. */
async function link(parts: ProviderParts): Promise<string> {
  const folder = await writeProvider(path.join(sandbox.folder, 'plugins', parts.id), parts);
  const outcome = await sandbox.run(['plugins', 'link', folder, '--no-install']);
  expect([outcome.code, outcome.code === 0 ? '' : outcome.stderr]).toEqual([0, '']);
  return folder;
}

function config(provider: string): Record<string, string> {
  return {
    'clusternator.config.yaml': `project: PROJECT\nprovider: ${provider}\nsites:\n  web: { dir: . }\n`,
    'index.html': 'x\n',
  };
}

const good = providerText({ id: 'other' });
const FAULTS: readonly [what: string, parts: Omit<ProviderParts, 'id'>, told: string][] = [
  ['throws at import', { entry: "throw new Error('rotten');" }, 'rotten'],
  ['waits for ever at import', { entry: 'await new Promise(() => setInterval(() => {}, 9e5));' }, 'did not end within'],
  ['never lets go at import', { entry: 'for (;;);' }, 'did not end within'],
  ['ends the process at import', { entry: 'process.exit(0);' }, 'ends the process'],
  ['exports the wrong shape', { entry: 'export default { id: "x" };' }, 'does not export a provider'],
  ['lacks what a provider has', { entry: `export default ${good.replace('drivers: {}', '')};` }, 'usable drivers'],
  ['lies about its id', { entry: `export default ${good};` }, 'exports "other"'],
  ['is for another version of the contract', { sdk: '^9.0.0' }, 'made for core ^9.0.0, this is 0.'],
  ['is no JavaScript', { entry: 'export default {' }, "can't be loaded"],
];

describe.each(FAULTS)('a provider that %s', (_, parts, told) => {
  test('is told by its name, and what does not need it works', async () => {
    await link({ id: 'faulty', ...parts });
    await sandbox.repositoryOf(config('faulty'));
    for (const args of [['env', 'list'], ['slot', 'list'], ['config', 'show'], ['provider', 'list'], ['--version']])
      expect([args, (await sandbox.run(args)).code]).toEqual([args, 0]);
    const { outcome, error } = await sandbox.json(['env', 'create']);
    expect([outcome.code, error?.code]).toEqual([2, 'invalid']);
    expect(error?.message).toContain('clusternator-provider-faulty');
    expect(error?.message).toContain(told);
    expect(error?.hint).toBeTruthy();
  }, 120_000);
});

test('a plugin that is broken breaks no project that does not use it', async () => {
  const folder = await link({ id: 'broken', entry: "throw new Error('rotten');" });
  expect(folder).toContain('broken');
  await sandbox.repositoryOf(config('local'));
  const { url } = await sandbox.create();
  expect(url).toMatch(/^http:/);
  for (const args of [
    ['env', 'list'],
    ['config', 'validate'],
    ['env', 'destroy', 'HEAD', '--yes'],
  ])
    expect([args, (await sandbox.run(args)).code]).toEqual([args, 0]);
}, 120_000);

describe('a provider is used all the same', () => {
  test.each<[string, Omit<ProviderParts, 'id'>]>([
    ['that has no types and no copy of core', {}],
    ['that is CommonJS', { type: 'commonjs', entry: `module.exports = ${providerText({ id: 'strange' })};` }],
    [
      'that is CommonJS made of a default export',
      { type: 'commonjs', entry: `exports.__esModule = true; exports.default = ${providerText({ id: 'strange' })};` },
    ],
    [
      'whose errors are of another copy of core',
      {
        entry: `class ProviderError extends Error {
          [Symbol.for('clusternator.error')] = true; code = 'quota'; retry = 'never'; effect = 'none'; detail = { hint: 'ask for more' };
        }
        export default { ...${providerText({ id: 'strange' })}, capabilities() { throw new ProviderError('all gone'); } };`,
      },
    ],
  ])(
    '%s',
    async (what, parts) => {
      await link({ id: 'strange', ...parts });
      const { outcome, data, error } = await sandbox.json<{ id: string }>(['provider', 'show', 'strange']);
      if (what.includes('errors'))
        expect([outcome.code, error?.code, error?.hint]).toEqual([11, 'quota', 'ask for more']);
      else expect([outcome.code, data.id]).toEqual([0, 'strange']);
    },
    120_000,
  );
});

test('a state folder that can’t be written is told by its name, with no trace of a stack', async () => {
  await sandbox.repositoryOf(config('local'));
  const outcome = await sandbox.run(['env', 'create', '--state-home', '/sys/kernel/clusternator']);
  expect(outcome.code).not.toBe(0);
  expect(outcome.stderr).toContain('/sys/kernel/clusternator');
  expect(outcome.stderr).not.toMatch(/^\s+at /m);
});

describe('no provider is loaded but the one that is named', () => {
  /** The packages of providers of which the command, or a process that it started, ran a file. */
  async function loadedBy(args: readonly string[]): Promise<readonly string[]> {
    const folder = path.join(sandbox.folder, 'coverage');
    await sandbox.run(args, { env: { NODE_V8_COVERAGE: folder } }); // where V8 says which files it ran
    const files = await Promise.all((await readdir(folder)).map((file) => readFile(path.join(folder, file), 'utf8')));
    const urls = files.flatMap((text) =>
      (JSON.parse(text) as { result: { url: string }[] }).result.map(({ url }) => url),
    );
    expect(urls.length).toBeGreaterThan(0);
    return ['provider-local', 'plugins/one', 'plugins/two'].filter((part) =>
      urls.some((url) => url.includes(`/${part}/`)),
    );
  }

  test.each([
    ['provider show one', 'one', 'plugins/one'],
    ['config validate', 'one', 'plugins/one'],
    ['config validate', 'local', 'provider-local'],
    ['provider show local', 'one', 'provider-local'],
  ])(
    '%s, of a project of %s',
    async (line, named, expected) => {
      for (const id of ['one', 'two']) await link({ id });
      await sandbox.repositoryOf(config(named));
      expect(await loadedBy(line.split(' '))).toEqual([expected]);
    },
    60_000,
  );
});
