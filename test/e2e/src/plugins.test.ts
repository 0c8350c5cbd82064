import { mkdir, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';

import { Sandbox } from './sandbox.ts';

let sandbox: Sandbox;
beforeEach(async () => {
  sandbox = await Sandbox.open();
});
afterEach(async () => sandbox.dispose());

/** A provider plugin as somebody might publish it, linked. */
async function link(id: string, options: { sdk?: string; entry?: string; commands?: string }): Promise<void> {
  const folder = path.join(sandbox.folder, 'plugins', id);
  await mkdir(path.join(folder, 'commands'), { recursive: true });
  const manifest = {
    name: `clusternator-provider-${id}`,
    version: '1.0.0',
    type: 'module',
    main: './index.js',
    oclif: { commands: './commands' },
    clusternator: { provider: { id, entry: './index.js', sdk: options.sdk ?? '^0.1.0' } },
  };
  await writeFile(path.join(folder, 'package.json'), JSON.stringify(manifest));
  await writeFile(path.join(folder, 'index.js'), options.entry ?? 'export default {};\n');
  await writeFile(path.join(folder, 'commands', 'hello.js'), options.commands ?? 'export default class {}\n');
  const outcome = await sandbox.run(['plugins', 'link', folder, '--no-install']);
  expect([outcome.code, outcome.code === 0 ? '' : outcome.stderr]).toEqual([0, '']);
}

function config(provider: string): Record<string, string> {
  return {
    'clusternator.config.yaml': `project: PROJECT\nprovider: ${provider}\nsites:\n  web: { dir: . }\n`,
    'index.html': 'x\n',
  };
}

describe('a plugin that somebody else wrote', () => {
  test('and that is broken breaks no command that does not use it', async () => {
    await link('broken', { entry: `throw new Error('rotten');\n`, commands: `throw new Error('rotten');\n` });
    await sandbox.repositoryOf(config('local'));
    const { url } = await sandbox.create();
    expect(url).toMatch(/^http:/);
    for (const args of [['env', 'list'], ['provider', 'list'], ['--version'], ['env', 'destroy', 'HEAD', '--yes']]) {
      expect([args, (await sandbox.run(args)).code]).toEqual([args, 0]);
    }
  }, 120_000);

  test('and that is broken is told by its name when it is used', async () => {
    await link('broken', { entry: `throw new Error('rotten');\n` });
    await sandbox.repositoryOf(config('broken'));
    const { outcome, error } = await sandbox.json(['env', 'create']);
    expect(outcome.code).not.toBe(0);
    expect(`${error?.message} ${error?.hint}`).toContain('clusternator-provider-broken');
  }, 120_000);

  test('for another version of the contract is refused, with both versions', async () => {
    await link('future', { sdk: '^9.0.0' });
    await sandbox.repositoryOf(config('future'));
    const { outcome, error } = await sandbox.json(['env', 'create']);
    expect(outcome.code).toBe(2);
    expect(`${error?.message} ${error?.hint}`).toContain('^9.0.0');
    expect(`${error?.message} ${error?.hint}`).toMatch(/0\.1\.\d/);
  }, 120_000);
});

test('a state folder that can’t be written is told by its name, with no trace of a stack', async () => {
  await sandbox.repositoryOf(config('local'));
  const outcome = await sandbox.run(['env', 'create', '--state-home', '/sys/kernel/clusternator']);
  expect(outcome.code).not.toBe(0);
  expect(outcome.stderr).toContain('/sys/kernel/clusternator');
  expect(outcome.stderr).not.toMatch(/^\s+at /m);
});
