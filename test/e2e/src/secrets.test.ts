import { readdir, readFile } from 'node:fs/promises';
import path from 'node:path';
import { afterEach, beforeEach, expect, test } from '@jest/globals';

import type { Outcome } from './cli.ts';
import { eventually, get } from './http.ts';
import { fileLeftovers, processesOf } from './leftovers.ts';
import { Sandbox } from './sandbox.ts';

let sandbox: Sandbox;
beforeEach(async () => {
  sandbox = await Sandbox.open();
});
afterEach(async () => sandbox.dispose());

const files = {
  'clusternator.config.yaml': `project: PROJECT
provider: local
services:
  web: { command: node web.mjs, port: 8080, route: /, health: /, secrets: [OVEN_KEY, FLOUR_KEY] }
`,
  'web.mjs': `import { createServer } from 'node:http';
createServer((_, response) => response.end(JSON.stringify([process.env.OVEN_KEY, process.env.FLOUR_KEY]))).listen(process.env.PORT, process.env.HOST);
`,
};

async function filesWith(folder: string, text: string): Promise<readonly string[]> {
  const found: string[] = [];
  for (const entry of await readdir(folder, { recursive: true, withFileTypes: true })) {
    if (!entry.isFile()) continue;
    const file = path.join(entry.parentPath, entry.name);
    if ((await readFile(file)).includes(text)) found.push(path.relative(folder, file));
  }
  return found;
}

test('a secret reaches the process, and is found nowhere else', async () => {
  const [oven, flour] = ['s3cr3t-of-the-oven-9f2c', 's3cr3t-of-the-flour-71ab'];
  const repository = await sandbox.repositoryOf(files);
  await repository.write('.env.secret', `FLOUR_KEY="${flour}"\n`);
  const outcomes: Outcome[] = [];
  const options = { env: { OVEN_KEY: oven } };
  const created = await sandbox.json<{ environment: { url: string; id: string } }>(
    ['env', 'create', '--verbose', '--env-file', '.env.secret'],
    options,
  );
  expect({ exit: created.outcome.code, error: created.error }).toEqual({ exit: 0, error: undefined });
  const { url, id } = created.data.environment;
  expect(JSON.parse((await get(url)).body)).toEqual([oven, flour]);

  outcomes.push(
    created.outcome,
    await sandbox.run(['env', 'show', id, '--json']),
    await sandbox.run(['op', 'list', '--json']),
  );
  outcomes.push(
    await sandbox.run(['env', 'logs', id]),
    await sandbox.run(['daemon', 'logs']),
    await sandbox.run(['state', 'export']),
  );
  for (const { stdout, stderr } of outcomes) {
    expect(`${stdout}${stderr}`).not.toContain(oven);
    expect(`${stdout}${stderr}`).not.toContain(flour);
  }
  for (const secret of [oven, flour]) {
    expect(await filesWith(sandbox.stateHome, secret)).toEqual([]);
    expect((await processesOf(sandbox.stateHome)).filter(({ command }) => command.includes(secret))).toEqual([]);
  }
  // It is still there when the daemon had to start the process anew.
  for (const { pid } of await processesOf(sandbox.stateHome)) process.kill(pid, 'SIGKILL');
  await sandbox.run(['env', 'show', id]);
  await eventually(async () => expect(JSON.parse((await get(url)).body)).toEqual([oven, flour]));
}, 120_000);

test('a secret without a value is an error that names it, before anything is made', async () => {
  await sandbox.repositoryOf(files);
  const { outcome, error } = await sandbox.json(['env', 'create'], { env: { OVEN_KEY: 'x' } });
  expect(outcome.code).toBe(2);
  expect(error?.message).toContain('FLOUR_KEY');
  // Neither an environment nor an operation, a mirror or a checkout, not even the daemon.
  expect(await sandbox.environments()).toEqual([]);
  expect((await sandbox.json<{ operations: unknown[] }>(['op', 'list'])).data.operations).toEqual([]);
  expect(await fileLeftovers(sandbox.stateHome)).toEqual([]);
  expect(await processesOf(sandbox.stateHome)).toEqual([]);
}, 60_000);

test('where the config is code, it is still told before anything runs, and nothing stays', async () => {
  await sandbox.repositoryOf({
    'web.mjs': files['web.mjs'],
    'clusternator.config.mjs': `export default { project: 'PROJECT', provider: 'local',
  services: { web: { command: 'node web.mjs', port: 8080, route: '/', secrets: ['OVEN_KEY', 'FLOUR_KEY'] } } };\n`,
  });
  const { outcome, error } = await sandbox.json(['env', 'create'], { env: { OVEN_KEY: 'x' } });
  expect(outcome.code).toBe(2);
  expect(error?.message).toContain('FLOUR_KEY');
  expect((await processesOf(sandbox.stateHome)).filter(({ command }) => command.includes('web.mjs'))).toEqual([]);
  await sandbox.expectNothingIsLeft();
}, 60_000);

test('what a build prints of a secret is hidden, in its output and in the error of its failure', async () => {
  const oven = 's3cr3t-of-the-oven-9f2c';
  const repository = await sandbox.repositoryOf({
    ...files,
    'clusternator.config.yaml': `${files['clusternator.config.yaml']}sites:
  pages: { build: node build.mjs, dir: dist, route: /pages }
`,
    'build.mjs': `import { mkdirSync, writeFileSync } from 'node:fs';
console.log(\`built with <\${process.env.OVEN_KEY}>\`);
mkdirSync('dist');
writeFileSync('dist/index.html', 'pages');
`,
  });
  const options = { env: { OVEN_KEY: oven, FLOUR_KEY: 'flour' } };
  const good = await sandbox.run(['env', 'create', '--verbose'], options);
  expect(good.code).toBe(0);
  expect(`${good.stdout}${good.stderr}`).toContain('built with <[secret]>');
  expect(`${good.stdout}${good.stderr}`).not.toContain(oven);

  await repository.write('build.mjs', 'console.log(process.env.OVEN_KEY); process.exit(3);\n');
  await repository.commit('A build that fails');
  const bad = await sandbox.run(['env', 'create', '--json', '--verbose'], options);
  expect(bad.code).toBe(5);
  expect(bad.stdout).toContain('[secret]');
  expect(`${bad.stdout}${bad.stderr}`).not.toContain(oven);
  expect(await filesWith(sandbox.stateHome, oven)).toEqual([]);
}, 120_000);
