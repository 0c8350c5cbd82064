import { afterEach, beforeEach, expect, test } from '@jest/globals';
import {
  chmodSync,
  closeSync,
  existsSync,
  linkSync,
  lstatSync,
  mkdirSync,
  openSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  symlinkSync,
  truncateSync,
  writeFileSync,
  writeSync,
} from 'node:fs';
import path from 'node:path';
import type { Environment, Resource, ServiceSpec } from '@clusternator/core/provider';
import { until } from './testing/environments.ts';
import { testCall } from './testing/specs.ts';
import { StorageScene } from './testing/storage.ts';

let scene: StorageScene;
beforeEach(() => {
  scene = new StorageScene();
});
afterEach(() => scene[Symbol.asyncDispose]());

async function all<R extends Resource>(list: AsyncIterable<R>): Promise<R[]> {
  const found = [];
  for await (const one of list) found.push(one);
  return found;
}

test('a snapshot stays as it was, and a volume made from it has its data', async () => {
  const { volume, folder } = await scene.mounted('data');
  writeFileSync(path.join(folder, 'file'), 'before');
  const snapshot = await scene.snapshot('first', volume);
  expect(snapshot).toMatchObject({ id: 'first', phase: 'active', volume: 'data', tags: { clusternator_id: 'first' } });
  expect(snapshot.takenAt.getTime()).toBeGreaterThan(Date.now() - 60_000);
  expect(snapshot.bytes).toBeGreaterThan(0);
  writeFileSync(path.join(folder, 'file'), 'after');

  const restored = await scene.volume('restored', { from: { snapshot } });
  expect(restored).toMatchObject({ id: 'restored', phase: 'active', sizeGiB: 1 });
  expect(readFileSync(path.join(scene.folderOf(restored), 'file'), 'utf8')).toBe('before');
  writeFileSync(path.join(scene.folderOf(restored), 'file'), 'of the restored one');
  expect(readFileSync(path.join(scene.dataOf(snapshot), 'file'), 'utf8')).toBe('before');
  expect(readFileSync(path.join(folder, 'file'), 'utf8')).toBe('after');
});

test('asked for again, a snapshot is the same, and taken once', async () => {
  const { volume, folder } = await scene.mounted('data');
  writeFileSync(path.join(folder, 'file'), 'before');
  const first = await scene.snapshot('first', volume);
  writeFileSync(path.join(folder, 'file'), 'after');
  const others = await Promise.all([1, 2, 3].map(() => scene.snapshot('first', volume)));
  for (const other of others) expect(other.takenAt).toEqual(first.takenAt);
  expect(readFileSync(path.join(scene.dataOf(first), 'file'), 'utf8')).toBe('before');
  expect((await all(scene.storage.snapshots.list(testCall()))).map(({ id }) => id)).toEqual(['first']);
});

test('a clone is independent of its source, and keeps modes, times, links and holes', async () => {
  const { volume, folder } = await scene.mounted('data');
  mkdirSync(path.join(folder, 'folder'));
  writeFileSync(path.join(folder, 'folder', 'new\nline'), 'odd', { mode: 0o640 });
  writeFileSync(Buffer.concat([Buffer.from(`${folder}/`), Buffer.from([0xff, 0xfe])]), 'no text');
  symlinkSync('/nowhere', path.join(folder, 'link'));
  linkSync(path.join(folder, 'folder', 'new\nline'), path.join(folder, 'twin'));
  writeFileSync(path.join(folder, 'sparse'), 'x');
  truncateSync(path.join(folder, 'sparse'), 2 ** 28);
  chmodSync(path.join(folder, 'folder'), 0o750);
  const clone = await scene.volume('clone', { from: { volume } });
  const target = scene.folderOf(clone);

  expect(readdirSync(target, 'latin1').sort()).toEqual(readdirSync(folder, 'latin1').sort());
  const copied = lstatSync(path.join(target, 'twin'));
  expect(copied.mode & 0o777).toBe(0o640);
  expect(copied.ino).toBe(lstatSync(path.join(target, 'folder', 'new\nline')).ino);
  expect(copied.mtimeMs).toBe(lstatSync(path.join(folder, 'twin')).mtimeMs);
  expect(lstatSync(path.join(target, 'link')).isSymbolicLink()).toBe(true);
  expect(statSync(path.join(target, 'folder')).mode & 0o777).toBe(0o750);
  expect(statSync(path.join(target, 'sparse'))).toMatchObject({ size: 2 ** 28 });
  expect(statSync(path.join(target, 'sparse')).blocks * 512).toBeLessThan(2 ** 20);

  writeFileSync(path.join(folder, 'twin'), 'changed');
  expect(readFileSync(path.join(target, 'twin'), 'utf8')).toBe('odd');
  await scene.storage.volumes.destroy(clone, testCall());
  expect(readFileSync(path.join(folder, 'twin'), 'utf8')).toBe('changed');
});

test('a snapshot outlives its volume', async () => {
  const volume = await scene.volume('data');
  const environment = scene.specs.environment('aaaaaaaa0000-1', {
    worker: scene.specs.service({
      program: 'setInterval(() => {}, 1000)',
      mounts: { '/data': { volume, readOnly: false } },
    }),
  });
  await scene.ensure(environment);
  writeFileSync(path.join(scene.folderOf(volume), 'file'), 'kept');
  const snapshot = await scene.snapshot('last', volume);
  await expect(scene.storage.volumes.destroy(volume, testCall())).rejects.toMatchObject({ code: 'conflict' });
  await scene.destroy(environment);
  await scene.storage.volumes.destroy(volume, testCall());
  expect(await scene.storage.volumes.read(volume, testCall())).toBeUndefined();

  const restored = await scene.volume('data', { from: { snapshot } });
  expect(readFileSync(path.join(scene.folderOf(restored), 'file'), 'utf8')).toBe('kept');
  await scene.storage.snapshots.destroy(snapshot, testCall());
  await scene.storage.snapshots.destroy(snapshot, testCall());
  expect(await scene.storage.snapshots.read(snapshot, testCall())).toBeUndefined();
  expect(scene.kept()).toEqual([restored.handle.volume]);
});

test('of a volume that nothing mounted yet, snapshots and clones are empty', async () => {
  const volume = await scene.volume('data');
  const snapshot = await scene.snapshot('empty', volume);
  expect(snapshot).toMatchObject({ phase: 'active', bytes: 0 });
  expect(await scene.volume('restored', { from: { snapshot } })).toMatchObject({ phase: 'active' });
  expect(await scene.volume('clone', { from: { volume } })).toMatchObject({ phase: 'active' });
});

test.each([
  [
    'a byte is flipped',
    (file: string) => {
      flip(file);
    },
    'notes/file was changed',
  ],
  [
    'a file is gone',
    (file: string) => {
      rmSync(file);
    },
    'notes/file is missing',
  ],
  [
    'a file was added',
    (file: string) => {
      writeFileSync(`${file}2`, '');
    },
    'notes/file2 was not in it',
  ],
  [
    'a file was cut',
    (file: string) => {
      truncateSync(file, 3);
    },
    'notes/file was changed',
  ],
])('a snapshot in which %s is refused, and leaves no volume', async (_, damage, message) => {
  const { volume, folder } = await scene.mounted('data');
  mkdirSync(path.join(folder, 'notes'));
  writeFileSync(path.join(folder, 'notes', 'file'), 'x'.repeat(3_000_000));
  const snapshot = await scene.snapshot('first', volume);
  expect(await scene.volume('good', { from: { snapshot } })).toMatchObject({ phase: 'active' });
  damage(path.join(scene.dataOf(snapshot), 'notes', 'file'));

  const damaged = { code: 'damaged', message: `snapshot first is damaged: ${message}` };
  await expect(scene.volume('bad', { from: { snapshot } })).rejects.toMatchObject(damaged);
  await expect(scene.storage.snapshots.check(snapshot, testCall())).rejects.toMatchObject(damaged);
  expect(scene.kept()).toEqual(['data', 'first', 'good'].map((id) => expect.stringMatching(`^${id}-[0-9a-f]+$`)));
  expect(await scene.storage.volumes.read({ id: 'bad' }, testCall())).toBeUndefined();
});

test('data that does not fit into the size that was asked for is refused, with the size that it has', async () => {
  const { volume, folder } = await scene.mounted('data');
  writeFileSync(path.join(folder, 'file'), Buffer.alloc(2 ** 21, 1));
  await expect(scene.volume('small', { from: { volume }, sizeGiB: 0.001 })).rejects.toMatchObject({
    code: 'invalid',
    message: expect.stringContaining('is to have 0.001 GiB, and volume data holds 2.0 MiB'),
  });
  expect(await scene.volume('small', { from: { volume }, sizeGiB: 1 })).toMatchObject({ phase: 'active' });
});

test('a disk has one holder: the second is refused, with the name of the first, until that one has let go', async () => {
  const volume = await scene.volume('disk', { kind: 'disk' });
  const worker = (): ServiceSpec =>
    scene.specs.service({ program: 'setInterval(() => {}, 1000)', mounts: { '/data': { volume, readOnly: false } } });
  const first = await scene.ensure(scene.specs.environment('aaaaaaaa0000-1', { worker: worker() }));
  const second = scene.specs.environment('bbbbbbbb0000-1', { worker: worker() });
  const refusal = { code: 'conflict', message: expect.stringContaining('held by environment aaaaaaaa0000-1') };
  await expect(scene.ensure(second)).rejects.toMatchObject(refusal);
  expect(await scene.read(second)).toBeUndefined();
  await expect(scene.driver.scale(first, { worker: { min: 2, max: 2 } }, testCall())).rejects.toMatchObject({
    code: 'conflict',
    message: expect.stringContaining('2 instances of service worker'),
  });

  await scene.driver.scale(first, { worker: { min: 0, max: 0 } }, testCall());
  await until(() => scene.read(first), isStopped);
  expect(await scene.ensure(second)).toMatchObject({ phase: 'active' });
  await expect(scene.driver.scale(first, { worker: { min: 1, max: 1 } }, testCall())).rejects.toMatchObject({
    code: 'conflict',
    message: expect.stringContaining('held by environment bbbbbbbb0000-1'),
  });
  await scene.destroy(second);
  await scene.driver.scale(first, { worker: { min: 1, max: 1 } }, testCall());
});

test('what is scaled to none holds its disk for as long as it takes to end', async () => {
  const volume = await scene.volume('disk', { kind: 'disk' });
  const program = `
    import { existsSync, writeFileSync } from 'node:fs';
    process.on('SIGTERM', () => setInterval(() => existsSync('data/end') && process.exit(), 10));
    writeFileSync('data/up', '');
    setInterval(() => {}, 1000);
  `;
  const worker = (): ServiceSpec => scene.specs.service({ program, mounts: { data: { volume, readOnly: false } } });
  const first = await scene.ensure(scene.specs.environment('aaaaaaaa0000-1', { worker: worker() }));
  const second = scene.specs.environment('bbbbbbbb0000-1', { worker: worker() });
  const has = (name: string): boolean => existsSync(path.join(scene.folderOf(volume), name));
  await until(() => has('up'), Boolean);
  await scene.driver.scale(first, { worker: { min: 0, max: 0 } }, testCall());
  expect((await scene.read(first))?.parts.worker?.phase).toBe('destroying');
  await expect(scene.ensure(second)).rejects.toMatchObject({
    code: 'conflict',
    message: expect.stringContaining('held by environment aaaaaaaa0000-1'),
  });
  // The same service again waits for its former instance, too.
  await scene.driver.scale(first, { worker: { min: 1, max: 1 } }, testCall());
  expect((await scene.read(first))?.parts.worker?.phase).toBe('creating');
  await scene.driver.scale(first, { worker: { min: 0, max: 0 } }, testCall());

  writeFileSync(path.join(scene.folderOf(volume), 'end'), '');
  await until(() => scene.read(first), isStopped);
  expect(await scene.ensure(second)).toMatchObject({ phase: 'active' });
});

test('what can not be made from is said before anything is made', async () => {
  const { volume } = await scene.mounted('data');
  const snapshot = await scene.snapshot('first', volume);
  await scene.storage.snapshots.destroy(snapshot, testCall());
  await expect(scene.volume('restored', { from: { snapshot } })).rejects.toMatchObject({ code: 'not-found' });
  await expect(scene.snapshot('second', { ...volume, id: 'missing' })).rejects.toMatchObject({ code: 'not-found' });
  expect((await all(scene.storage.volumes.list(testCall()))).map(({ id }) => id)).toEqual(['data']);
});

test('wherever the daemon is killed while it copies, the source is intact and no half of a copy is ever ready', async () => {
  const { volume, folder } = await scene.mounted('data');
  const content = 'x'.repeat(1000);
  for (let at = 0; at < 1500; at++) writeFileSync(path.join(folder, `file${String(at)}`), content);
  const kept = await scene.snapshot('kept', volume);
  const isWhole = (data: string): boolean =>
    readdirSync(data).length === 1500 && readdirSync(data).every((name) => sizeOf(path.join(data, name)) === 1000);

  for (let round = 0; round < 4; round++) {
    const making = [
      scene.snapshot(`s${String(round)}`, volume),
      scene.volume(`v${String(round)}`, { from: { snapshot: kept } }),
      scene.volume(`c${String(round)}`, { from: { volume } }),
    ];
    const killed = new Promise((resolve) => setTimeout(resolve, 60 * round)).then(() => scene.daemon.kill());
    await Promise.allSettled([...making, killed]);
    const snapshots = await all(scene.storage.snapshots.list(testCall()));
    for (const snapshot of snapshots.filter(({ phase }) => phase === 'active')) {
      expect(isWhole(scene.dataOf(snapshot))).toBe(true);
    }
    const volumes = await until(
      () => all(scene.storage.volumes.list(testCall())),
      (found) => found.every(({ phase }) => phase !== 'creating'),
    );
    for (const made of volumes.filter(({ phase }) => phase === 'active')) {
      expect(isWhole(scene.folderOf(made))).toBe(true);
    }
    const wanted = [...snapshots.map(({ handle }) => handle.snapshot), ...volumes.map(({ handle }) => handle.volume)];
    await until(
      () => scene.kept().filter((name) => !wanted.includes(name)),
      (strays) => strays.length === 0,
    );
  }
  expect(isWhole(folder)).toBe(true);
}, 120_000);

function isStopped(environment: Environment | undefined): boolean {
  return environment?.parts.worker?.phase === 'stopped';
}

function sizeOf(file: string): number {
  return statSync(file).size;
}

function flip(file: string): void {
  const handle = openSync(file, 'r+');
  writeSync(handle, 'y', 1_500_000);
  closeSync(handle);
}
