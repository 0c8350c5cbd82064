import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { readdir, readFile } from 'node:fs/promises';
import path from 'node:path';
import { createInterface } from 'node:readline';
import { afterEach, beforeEach, expect, test } from '@jest/globals';

import { runProgram, toolFolder, type EnvironmentAnswer } from './cli.ts';
import { get } from './http.ts';
import { pack } from './provider-package.ts';
import { Sandbox } from './sandbox.ts';

let sandbox: Sandbox;
let standIn: ChildProcess | undefined;
beforeEach(async () => {
  sandbox = await Sandbox.open();
});
afterEach(async () => {
  if (standIn?.exitCode === null) {
    standIn.kill('SIGTERM');
    await once(standIn, 'exit');
  }
  await sandbox.dispose();
});

const SERVER = `import { createServer } from 'node:http';
import { readFileSync } from 'node:fs';
const version = readFileSync(new URL('version.txt', import.meta.url), 'utf8').trim();
createServer((_, response) => response.end(version)).listen(Number(process.env.PORT), process.env.HOST);
`;

/** With the machine's own settings: only where npm gets packages from matters, not whose home it is. */
async function npm(cwd: string, ...args: readonly string[]): Promise<void> {
  const outcome = await runProgram('npm', args, { cwd, env: process.env, timeoutSeconds: 500 });
  expect([args, outcome.code, outcome.code === 0 ? '' : outcome.stdout + outcome.stderr]).toEqual([args, 0, '']);
}

async function tarball(of: string): Promise<string> {
  const file = (await readdir(toolFolder())).find((name) => name.startsWith(of));
  if (file === undefined) throw new Error(`${of} was not packed`);
  return path.join(toolFolder(), file);
}

/** Runs what was generated to stand in for the cloud. @returns The config for it, as it prints it. */
async function startCloud(folder: string): Promise<string> {
  standIn = spawn(process.execPath, ['dist/stand-in.js'], { cwd: folder, stdio: ['ignore', 'pipe', 'inherit'] });
  if (!standIn.stdout) throw new Error('the stand-in has no output');
  const [line] = (await once(createInterface({ input: standIn.stdout }), 'line')) as [string];
  return JSON.stringify((JSON.parse(line) as { provider: object }).provider);
}

test('a stranger makes a provider, proves it, installs it, and deploys with it', async () => {
  // In a folder of its own, with nothing but packed tarballs.
  const folder = path.join(sandbox.folder, 'clusternator-provider-fly');
  const created = await sandbox.json<{ files: string[] }>(['provider', 'create', 'fly']);
  expect([created.outcome.code, created.error]).toEqual([0, undefined]);
  const packages = await Promise.all(['clusternator-core-', 'clusternator-conformance-'].map(tarball));
  await npm(folder, 'install', '--save-dev', '--prefer-offline', '--no-audit', '--no-fund', ...packages);
  await npm(folder, 'test');
  const report = JSON.parse(await readFile(path.join(folder, 'conformance.json'), 'utf8')) as { passed: boolean };
  expect(report.passed).toBe(true);

  const packed = await pack(folder, path.join(sandbox.folder, 'packed'));
  const config = await startCloud(folder);
  const installed = await sandbox.run(['plugins', 'install', packed]);
  expect([installed.code, installed.stderr]).toEqual([0, '']);
  const shown = await sandbox.json<{ conformance?: { passed: boolean }; config: { key: string }[] }>([
    ...['provider', 'show', 'fly'],
  ]);
  expect(shown.data.conformance).toMatchObject({ passed: true });
  expect(shown.data.config.map(({ key }) => key)).toEqual(['endpoint', 'edgePort']);

  sandbox.env.FLY_TOKEN = 'fly';
  const repository = await sandbox.repositoryOf({
    'clusternator.config.yaml': `project: PROJECT
provider: ${config}
domain: localhost
services:
  web: { command: node server.mjs, port: 8080, route: /, health: / }
slots:
  master: { standbys: 1, bake: 0s }
`,
    'server.mjs': SERVER,
    'version.txt': 'a\n',
  });
  const a = await sandbox.create();
  await repository.write('version.txt', 'b\n');
  await repository.commit('Version b');
  const b = await sandbox.create();
  expect([(await get(a.url)).body, (await get(b.url)).body]).toEqual(['a', 'b']);

  const move = async (...args: string[]): Promise<string> => {
    const { outcome, data, error } = await sandbox.json<{ slot: { url: string } }>(args);
    expect([args, outcome.code, error]).toEqual([args, 0, undefined]);
    return (await get(data.slot.url)).body;
  };
  expect(await move('promote', a.id, 'master')).toBe('a');
  expect(await move('promote', b.id, 'master')).toBe('b');
  expect(await move('rollback', 'master')).toBe('a');

  await destroyAll([b]);
}, 900_000);

/** What a slot holds stays; what nothing holds any more goes. */
async function destroyAll(environments: readonly EnvironmentAnswer[]): Promise<void> {
  for (const { id } of environments) {
    const { outcome, error } = await sandbox.json(['env', 'destroy', id, '--yes', '--force', 'master']);
    expect([id, outcome.code, error]).toEqual([id, 0, undefined]);
  }
  const left = await sandbox.environments();
  expect(left.map(({ id }) => id)).not.toContain(environments[0]?.id);
}

test('what is not asked for is left out, and a folder with something in it is left alone', async () => {
  const folder = path.join(sandbox.folder, 'one');
  const created = await sandbox.json(['provider', 'create', 'my-one', '--with', 'dns', '--dir', folder]);
  expect([created.outcome.code, created.error]).toEqual([0, undefined]);
  expect(await readdir(path.join(folder, 'src'))).not.toContain('slots.ts');
  const again = await sandbox.json(['provider', 'create', 'my-one', '--dir', folder]);
  expect([again.outcome.code, again.error?.code]).toEqual([7, 'already-exists']);
}, 60_000);
