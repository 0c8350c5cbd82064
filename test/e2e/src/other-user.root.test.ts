import { chmod, copyFile, readdir } from 'node:fs/promises';
import path from 'node:path';
import { afterEach, beforeEach, expect, test } from '@jest/globals';

import { runProgram } from './cli.ts';
import { Sandbox } from './sandbox.ts';

const NOBODY = '65534';
const CONNECT = `require('node:net').connect(process.argv[1])
  .on('connect', () => { console.log('connected'); process.exit(); })
  .on('error', ({ code }) => { console.log(code); process.exit(); });`;

let sandbox: Sandbox;
beforeEach(async () => {
  sandbox = await Sandbox.open();
});
afterEach(async () => sandbox.dispose());

test('the control socket refuses another user, even where all folders above it are open', async () => {
  await sandbox.repository('node-service', ['first']);
  await sandbox.create();
  const entries = await readdir(sandbox.stateHome, { recursive: true, withFileTypes: true });
  const [socket, ...others] = entries.filter((entry) => entry.isSocket());
  expect(others).toEqual([]);
  const file = path.join(socket!.parentPath, socket!.name);
  for (let folder = path.dirname(file); folder.startsWith(sandbox.folder); folder = path.dirname(folder)) {
    await chmod(folder, 0o755);
  }
  const node = path.join(sandbox.folder, 'node'); // another user may not reach the one that runs this
  await copyFile(process.execPath, node);
  await chmod(node, 0o755);
  const connectAs = async (user: string): Promise<string> => {
    const args = ['--reuid', user, '--regid', user, '--clear-groups', node, '-e', CONNECT, file];
    const { stdout } = await runProgram('setpriv', args, { cwd: sandbox.folder, env: {} });
    return stdout.trim();
  };
  expect(await connectAs('0')).toBe('connected');
  expect(await connectAs(NOBODY)).toBe('EACCES');
}, 120_000);
