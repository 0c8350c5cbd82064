import { randomBytes } from 'node:crypto';
import { writeFile } from 'node:fs/promises';
import path from 'node:path';
import { afterEach, beforeEach, expect, test } from '@jest/globals';

import { MIB, SandboxOnDisk } from './disk-of-its-own.ts';
import { get } from './http.ts';
import { fileLeftovers } from './leftovers.ts';
import type { Sandbox } from './sandbox.ts';

let disk: SandboxOnDisk;
let sandbox: Sandbox;
beforeEach(async () => {
  disk = await SandboxOnDisk.open('tmpfs', 64);
  ({ sandbox } = disk);
});
afterEach(async () => disk[Symbol.asyncDispose]());

async function expectDiskIsTold(): Promise<void> {
  const { outcome, error } = await sandbox.json(['env', 'create']);
  expect({ exit: outcome.code, error }).toEqual({ exit: 11, error: expect.objectContaining({ code: 'quota' }) });
  expect(error?.message).toMatch(/disk is full|no space (is )?left/i);
  expect(error?.hint).toMatch(/free some disk space/i);
}

const files = {
  'clusternator.config.yaml': 'project: PROJECT\nprovider: local\nsites:\n  web: { dir: ., route: / }\n',
  'index.html': 'hello\n',
};

test.each([
  ['from the start', 0],
  ['while the commit is fetched', 12 * MIB],
  ['while the commit is laid out', 36 * MIB],
])(
  'a disk that is full %s: told, exit code 11, nothing stays, and with space it works',
  async (_, left) => {
    const repository = await sandbox.repositoryOf(files);
    await writeFile(path.join(repository.folder, 'large.bin'), randomBytes(20 * MIB));
    await repository.commit('A large file');
    disk.fill(left);
    await expectDiskIsTold();
    await disk.makeRoom();
    await sandbox.run(['gc']);
    expect(await sandbox.environments()).toEqual([]);
    expect(await fileLeftovers(sandbox.stateHome)).toEqual([]);
    const { url } = await sandbox.create();
    expect((await get(url)).body).toBe('hello\n');
    await sandbox.expectNothingIsLeft();
  },
  180_000,
);

test('a disk that is full beside environments that run: they go on, and can be destroyed once there is space', async () => {
  const repository = await sandbox.repositoryOf(files);
  const { url, id } = await sandbox.create();
  await repository.write('index.html', 'another\n');
  await repository.commit('Another');
  disk.fill(0);
  await expectDiskIsTold();
  expect((await get(url)).body).toBe('hello\n');
  await disk.makeRoom();
  await sandbox.destroy(id);
  await sandbox.expectNothingIsLeft();
}, 180_000);
