import { execFile } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { mkdir, rm, statfs, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { promisify } from 'node:util';
import { afterEach, beforeEach, expect, test } from '@jest/globals';

import { get } from './http.ts';
import { fileLeftovers } from './leftovers.ts';
import { Sandbox } from './sandbox.ts';

const exec = promisify(execFile);
const MIB = 2 ** 20;

let sandbox: Sandbox;
let filler: string;
beforeEach(async () => {
  sandbox = await Sandbox.open();
  await mkdir(sandbox.stateHome, { mode: 0o700 });
  await exec('mount', ['-t', 'tmpfs', '-o', 'size=64m,mode=0700', 'tmpfs', sandbox.stateHome]);
  filler = path.join(sandbox.stateHome, 'filler');
});
afterEach(async () => {
  await rm(filler, { force: true }); // the daemon can't stop well without a byte to write
  await sandbox.run(['daemon', 'stop'], { cwd: sandbox.folder });
  await exec('umount', ['--lazy', sandbox.stateHome]);
  await sandbox.dispose();
});

/** All but `left` bytes of the disk. */
async function fill(left: number): Promise<void> {
  const { bavail, bsize } = await statfs(sandbox.stateHome);
  await writeFile(filler, Buffer.alloc(Math.max(0, bavail * bsize - left)));
}

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
    await fill(left);
    await expectDiskIsTold();
    await rm(filler);
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
  await fill(0);
  await expectDiskIsTold();
  expect((await get(url)).body).toBe('hello\n');
  await rm(filler);
  await sandbox.destroy(id);
  await sandbox.expectNothingIsLeft();
}, 180_000);
