import { rm } from 'node:fs/promises';
import path from 'node:path';
import { afterEach, beforeEach, expect, test } from '@jest/globals';

import { runProgram } from './cli.ts';
import { Sandbox } from './sandbox.ts';
import { TestRepository } from './repository.ts';

const root = path.resolve(import.meta.dirname, '..', '..', '..');

let sandbox: Sandbox;
beforeEach(async () => {
  sandbox = await Sandbox.open();
});
afterEach(async () => sandbox.dispose());

test('in a fresh clone the first command of the README ends with a URL that answers with the commit’s own content', async () => {
  const clone = path.join(sandbox.folder, 'clone');
  await new TestRepository(sandbox.folder).git('clone', '--quiet', '--no-local', root, clone);
  // npm keeps its cache where the user has it; everything else is new.
  const machine = (sandbox.env.PATH ?? '').split(path.delimiter).filter((folder) => !folder.startsWith(root));
  await sandbox.useNpmCache();
  const env = { ...sandbox.env, PATH: machine.join(path.delimiter) };
  const options = { cwd: clone, env, timeoutSeconds: 900 }; // it builds everything
  const installed = await runProgram('npm', ['ci', '--prefer-offline', '--no-audit', '--no-fund'], options);
  expect({ code: installed.code, stderr: installed.code === 0 ? '' : installed.stderr }).toEqual({
    code: 0,
    stderr: '',
  });

  const created = await runProgram('npx', ['clusternator', 'env', 'create', '--sha', 'HEAD'], options);
  expect({ code: created.code, stderr: created.code === 0 ? '' : created.stderr }).toEqual({ code: 0, stderr: '' });
  const url = created.stdout.trim().split('\n').at(-1)!;
  expect(url).toMatch(/^http:\/\/[0-9a-f]{8}--clusternator\.localhost:\d+\/?$/);

  const base = url.replace(/\/$/, '');
  const home = await runProgram('curl', ['--silent', '--show-error', '--fail', `${base}/`], options);
  expect(home).toMatchObject({ code: 0, stdout: expect.stringContaining('<title>Clusternator</title>') });
  const service = await runProgram('curl', ['--silent', '--show-error', '--fail', `${base}/example`], options);
  expect(JSON.parse(service.stdout)).toMatchObject({ greeting: expect.stringContaining('Clusternator') });

  const destroyed = await runProgram('npx', ['clusternator', 'env', 'destroy', 'HEAD', '--yes'], options);
  expect(destroyed.code).toBe(0);
  await runProgram('npx', ['clusternator', 'daemon', 'stop'], options);
  await rm(clone, { recursive: true, force: true });
}, 1_200_000);
