import { readdir, stat, symlink } from 'node:fs/promises';
import path from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';

import { runProgram } from './cli.ts';
import { get } from './http.ts';
import { processesOf } from './leftovers.ts';
import { Sandbox } from './sandbox.ts';

let sandbox: Sandbox;
beforeEach(async () => {
  sandbox = await Sandbox.open();
});
afterEach(async () => sandbox.dispose());

async function run(program: string, ...args: string[]): Promise<string> {
  const { stdout } = await runProgram(program, args, { cwd: sandbox.folder, env: process.env });
  return stdout;
}

test('all that listens does so on loopback, and the control socket is its owner’s alone', async () => {
  await sandbox.repository('node-service', ['first']);
  await sandbox.create();
  const pids = (await processesOf(sandbox.stateHome)).map(({ pid }) => pid);
  const listening = `${await run('ss', '-ltnpH')}${await run('ss', '-lunpH')}`.split('\n');
  const ours = listening.filter((line) => pids.some((pid) => line.includes(`pid=${pid},`)));
  expect(ours.length).toBeGreaterThan(1);
  const addresses = ours.map((line) => line.trim().split(/\s+/)[3]!);
  expect(addresses.filter((address) => !/^(127\.\d+\.\d+\.\d+|\[::1\]):\d+$/.test(address))).toEqual([]);

  const entries = await readdir(sandbox.stateHome, { recursive: true, withFileTypes: true });
  const sockets = entries.filter((entry) => entry.isSocket()).map((entry) => path.join(entry.parentPath, entry.name));
  for (const socket of sockets) expect((await stat(socket)).mode & 0o077).toBe(0);
  expect((await stat(sandbox.stateHome)).mode & 0o077).toBe(0);
}, 120_000);

describe('a repository can’t reach outside of its folder', () => {
  test('with a site that is a link to somewhere else', async () => {
    const repository = await sandbox.repositoryOf({
      'clusternator.config.yaml': 'project: PROJECT\nprovider: local\nsites:\n  web: { dir: public }\n',
    });
    await symlink('/etc', path.join(repository.folder, 'public'));
    await repository.commit('A link');
    const { outcome, error } = await sandbox.json(['env', 'create']);
    expect(outcome.code).not.toBe(0);
    expect(JSON.stringify(error)).toContain('public');
  }, 60_000);

  test('with a link inside of a site', async () => {
    const repository = await sandbox.repositoryOf({
      'clusternator.config.yaml': 'project: PROJECT\nprovider: local\nsites:\n  web: { dir: public }\n',
      'public/index.html': 'fine\n',
    });
    await symlink('/etc/passwd', path.join(repository.folder, 'public', 'passwd.txt'));
    await repository.commit('A link');
    const { outcome, data } = await sandbox.json<{ environment: { url: string } }>(['env', 'create']);
    if (outcome.code !== 0) return; // Refusing the commit is as good.
    expect((await get(`${data.environment.url}/passwd.txt`)).body).not.toContain('root:');
    expect((await get(`${data.environment.url}/..%2f..%2f..%2f..%2fetc/passwd`)).body).not.toContain('root:');
  }, 60_000);

  test('with names and messages that a shell would run', async () => {
    const repository = await sandbox.repositoryOf({
      'clusternator.config.yaml': `project: PROJECT\nprovider: local\nservices:\n  web: { command: "node 'web; touch stolen.mjs'", port: 8080, route: /, health: /, env: { X: "$(touch stolen)" } }\n`,
      'web; touch stolen.mjs': `import { createServer } from 'node:http';
createServer((_, response) => response.end(process.env.X)).listen(process.env.PORT, process.env.HOST);\n`,
      '$(touch stolen)`touch stolen`;touch stolen': 'x\n',
      '--upload-pack=touch stolen': 'x\n',
    });
    await repository.commit('$(touch stolen) `touch stolen` \u001b[31m"; touch stolen; "');
    await repository.git('branch', 'x;touch$IFS"stolen"');
    const { url } = await sandbox.create('--ref', 'x;touch$IFS"stolen"');
    expect((await get(url)).body).toBe('$(touch stolen)');
    const listed = await sandbox.run(['env', 'list']);
    expect(listed.stdout).not.toContain('\u001b');
    const everything = await readdir(sandbox.folder, { recursive: true });
    expect(everything.filter((name) => path.basename(name) === 'stolen')).toEqual([]);
  }, 60_000);
});
