import { readdir } from 'node:fs/promises';
import path from 'node:path';
import { afterEach, beforeEach, expect, test } from '@jest/globals';

import { Sandbox } from './sandbox.ts';

let sandbox: Sandbox;
beforeEach(async () => {
  sandbox = await Sandbox.open();
});
afterEach(async () => sandbox.dispose());

test('what is not asked for is left out, and a folder with something in it is left alone', async () => {
  const folder = path.join(sandbox.folder, 'one');
  const created = await sandbox.json(['provider', 'create', 'my-one', '--with', 'dns', '--dir', folder]);
  expect([created.outcome.code, created.error]).toEqual([0, undefined]);
  expect(await readdir(path.join(folder, 'src'))).not.toContain('slots.ts');
  const again = await sandbox.json(['provider', 'create', 'my-one', '--dir', folder]);
  expect([again.outcome.code, again.error?.code]).toEqual([7, 'already-exists']);
}, 60_000);
