import { cp, readFile } from 'node:fs/promises';
import path from 'node:path';
import { afterEach, beforeEach, expect, test } from '@jest/globals';

import { runProgram, toolFolder } from './cli.ts';
import { get } from './http.ts';
import { Sandbox } from './sandbox.ts';

let sandbox: Sandbox;
beforeEach(async () => {
  sandbox = await Sandbox.open();
});
afterEach(async () => sandbox.dispose());

const example = path.resolve(import.meta.dirname, '..', '..', '..', 'docs', 'examples', 'embedding');

test('the example program deploys with the packed engine, and the command line sees what it made', async () => {
  // Beside the installed packages, as `npm install` in its own folder would have them.
  const program = path.join(toolFolder(), `embedding-${sandbox.project}`);
  await cp(example, program, { recursive: true });
  const repository = await sandbox.repositoryOf({
    'clusternator.config.yaml': `project: PROJECT\nprovider: local\nsites:\n  web: { dir: ., route: / }\nslots:\n  master: { bake: 0s }\n`,
    'index.html': 'first\n',
  });
  const deploy = async (): Promise<{ environment: string; url: string; healthy: boolean }> => {
    const args = [path.join(program, 'deploy.mjs'), repository.folder, 'master'];
    const outcome = await runProgram(process.execPath, args, { cwd: sandbox.folder, env: sandbox.env });
    expect([outcome.code, outcome.code === 0 ? '' : outcome.stderr]).toEqual([0, '']);
    expect(outcome.stderr).toMatch(/^done: /m);
    return JSON.parse(outcome.stdout) as { environment: string; url: string; healthy: boolean };
  };
  const first = await deploy();
  expect([first.healthy, (await get(first.url)).body]).toEqual([true, 'first\n']);
  await repository.write('index.html', 'second\n');
  await repository.commit('Second');
  const second = await deploy();
  expect((await get(second.url)).body).toBe('second\n');
  const { data } = await sandbox.json<{ environments: { id: string }[] }>(['env', 'list']);
  expect(data.environments.map(({ id }) => id).sort()).toEqual([first.environment, second.environment].sort());
}, 120_000);

test('its package.json asks for what is published', async () => {
  const { dependencies } = JSON.parse(await readFile(path.join(example, 'package.json'), 'utf8')) as {
    dependencies: Record<string, string>;
  };
  expect(Object.keys(dependencies)).toEqual(['@clusternator/core', '@clusternator/provider-local']);
});
