import { afterEach, beforeEach, expect, test } from '@jest/globals';
import { mkdirSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import type { Snapshot, Volume } from '@clusternator/core/provider';
import { readProcess } from './daemon/process-table.ts';
import { until } from './testing/environments.ts';
import { testCall } from './testing/specs.ts';
import { StorageScene } from './testing/storage.ts';

let scene: StorageScene;
beforeEach(() => {
  scene = new StorageScene();
});
afterEach(() => scene[Symbol.asyncDispose]());

/**
 * Writes a number to the end of a large file, then to its beginning, then to a file of its own, which takes the place of the one before:
 * at any one moment the three are the same, or the earlier ones are ahead by one. A child that left the group and wiped its variables does
 * it, as those of a database do.
 */
const WRITER = `
import fs from 'node:fs';
import { spawn } from 'node:child_process';
if (!process.argv[2]) {
  const child = spawn(process.execPath, ['server.mjs', 'child'], { detached: true, stdio: 'inherit', env: {} });
  fs.writeFileSync('data/pid', String(child.pid));
  setInterval(() => {}, 1000);
} else {
  const pad = Buffer.alloc(3 * 2 ** 20, 'x');
  fs.writeFileSync('data/large', pad);
  const large = fs.openSync('data/large', 'r+');
  for (let at = 1; ; at++) {
    const number = String(at).padStart(12, '0');
    fs.writeSync(large, number, pad.length - 12);
    fs.writeSync(large, number, 0);
    fs.writeFileSync('data/next', number);
    fs.renameSync('data/next', 'data/small');
    fs.mkdirSync('data/round' + at % 7, { recursive: true });
    fs.writeFileSync('data/round' + at % 7 + '/' + number, number);
    fs.rmSync('data/round' + (at + 1) % 7, { recursive: true, force: true });
  }
}
`;

function numbersIn(folder: string): readonly [number, number, number] {
  const large = readFileSync(path.join(folder, 'large'));
  const small = readFileSync(path.join(folder, 'small'), 'utf8');
  return [Number(large.subarray(-12)), Number(large.subarray(0, 12)), Number(small)];
}

async function writing(): Promise<{ volume: Volume; folder: string; pid: number }> {
  const { volume, folder } = await scene.mounted('data', WRITER);
  await until(
    () => statSync(path.join(folder, 'small'), { throwIfNoEntry: false }),
    (it) => it !== undefined,
  );
  return { volume, folder, pid: Number(readFileSync(path.join(folder, 'pid'), 'utf8')) };
}

function expectOneMoment(data: string): void {
  const [end, start, small] = numbersIn(data);
  expect(end - start).toBeGreaterThanOrEqual(0);
  expect(end - start).toBeLessThanOrEqual(1);
  expect(start - small).toBeGreaterThanOrEqual(0);
  expect(start - small).toBeLessThanOrEqual(1);
  const rounds = readdirSync(data).filter((name) => name.startsWith('round'));
  const written = rounds.flatMap((round) => readdirSync(path.join(data, round)).map(Number));
  expect(written.length).toBeGreaterThan(0);
  expect(Math.max(...written)).toBeLessThanOrEqual(small);
  expect(Math.max(...written)).toBeGreaterThanOrEqual(small - 1);
}

test('a snapshot and a clone of a volume that is written to are of one moment, and the writer goes on', async () => {
  const { volume, folder, pid } = await writing();
  for (const name of ['first', 'second', 'third']) {
    const [before] = numbersIn(folder);
    const snapshot = await scene.snapshot(name, volume);
    expect(snapshot.phase).toBe('active');
    expectOneMoment(scene.dataOf(snapshot));
    expect(numbersIn(scene.dataOf(snapshot))[0]).toBeGreaterThanOrEqual(before);
    const [after] = numbersIn(folder);
    await until(
      () => numbersIn(folder)[0],
      (now) => now > after,
    );
  }
  const clone = await scene.volume('clone', { from: { volume } });
  expectOneMoment(scene.folderOf(clone));
  expect(readProcess(pid)?.isStopped).toBe(false);
});

test('writers that are stopped go on when the daemon is killed in that moment', async () => {
  const { volume, folder, pid } = await writing();
  const daemon = (await scene.daemon.pid()) ?? 0;
  let isStopped = false;
  for (let round = 0; round < 20 && !isStopped; round++) {
    const taking = scene.snapshot(`s${String(round)}`, volume).then(
      () => true,
      () => true,
    );
    for (let isOver = false; !isOver && !isStopped;) {
      isOver = await Promise.race([taking, new Promise<false>((resolve) => setImmediate(resolve, false))]);
      isStopped = readProcess(pid)?.isStopped === true;
    }
    if (isStopped) process.kill(daemon, 'SIGKILL');
    const [before] = numbersIn(folder);
    // The next daemon, which the interrupted call starts, may have ended the writer already.
    await until(
      () => (readProcess(pid) ? numbersIn(folder)[0] : Infinity),
      (now) => now > before,
    );
    await taking;
  }
  expect(isStopped).toBe(true);
}, 120_000);

test('a held snapshot is whole once it is completed, with what changed meanwhile and what the application adds', async () => {
  const { volume, folder } = await scene.mounted('data');
  const wal = path.join(folder, 'db', 'wal');
  mkdirSync(wal, { recursive: true });
  writeFileSync(path.join(wal, '1'), 'one');
  writeFileSync(path.join(folder, 'db', 'table'), 'before');
  const spec = { id: 'held', fingerprint: 'f', tags: {}, volume, hold: true } as const;
  const { snapshots } = scene.storage;
  const held = await snapshots.ensure(spec, testCall());
  expect(held).toMatchObject({ phase: 'creating', isCopied: true });
  expect(await snapshots.ensure(spec, testCall())).toMatchObject({ phase: 'creating', isCopied: true });
  writeFileSync(path.join(wal, '2'), 'two');
  writeFileSync(path.join(folder, 'db', 'table'), 'after');
  await expect(snapshots.complete(held, { again: ['../..'], files: {} }, testCall())).rejects.toMatchObject({
    code: 'invalid',
  });

  const end = { again: ['db/wal'], files: { 'db/label': 'from here' } };
  const snapshot = await snapshots.complete(held, end, testCall());
  expect(snapshot.phase).toBe('active');
  expect(snapshot).not.toHaveProperty('isCopied');
  const data = scene.dataOf(snapshot);
  expect(readFileSync(path.join(data, 'db', 'wal', '2'), 'utf8')).toBe('two');
  expect(readFileSync(path.join(data, 'db', 'table'), 'utf8')).toBe('before');
  expect(readFileSync(path.join(data, 'db', 'label'), 'utf8')).toBe('from here');
  expect(readdirSync(path.join(folder, 'db'))).not.toContain('label');
  expect(await snapshots.check(snapshot, testCall())).toMatchObject({ bytes: 'oonetwobeforefrom here'.length - 1 });
});

test('a dump is kept, read back, checked, and begun anew when it broke off', async () => {
  const volume = await scene.volume('data');
  const { snapshots } = scene.storage;
  const spec = { id: 'dump', fingerprint: 'f', tags: { content: 'dump' }, volume };
  const piece = Buffer.alloc(300_000, 'y');
  const broken = async function* (): AsyncGenerator<Uint8Array> {
    yield piece;
    await Promise.reject(new Error('the dump command exited with code 1'));
  };
  await expect(snapshots.write(spec, broken(), testCall())).rejects.toThrow('exited with code 1');
  expect(await snapshots.read(spec, testCall())).toBeUndefined();
  expect(scene.kept()).toEqual([]);

  const whole = async function* (): AsyncGenerator<Uint8Array> {
    for (let at = 0; at < 4; at++) yield await Promise.resolve(piece);
  };
  const snapshot = await snapshots.write(spec, whole(), testCall());
  expect(snapshot).toMatchObject({ phase: 'active', volume: 'data', tags: { content: 'dump' } });
  expect(await readAll(snapshot)).toBe(4 * piece.length);
  expect(await snapshots.check(snapshot, testCall())).toEqual({ bytes: 4 * piece.length });
  await expect(scene.volume('restored', { from: { snapshot } })).rejects.toMatchObject({ code: 'invalid' });

  writeFileSync(
    path.join(scene.dataOf(snapshot), 'dump'),
    Buffer.concat([piece, piece, piece, piece.fill('z', 9, 10)]),
  );
  await expect(readAll(snapshot)).rejects.toMatchObject({ code: 'damaged' });
  await expect(snapshots.check(snapshot, testCall())).rejects.toMatchObject({ code: 'damaged' });
});

test('how much changed since a snapshot is told without reading it', async () => {
  const { volume, folder } = await scene.mounted('data');
  for (const name of ['same', 'other', 'gone']) writeFileSync(path.join(folder, name), 'x'.repeat(1000));
  const snapshot = await scene.snapshot('first', volume);
  expect(await scene.storage.snapshots.changes(snapshot, volume, testCall())).toEqual({ bytes: 0 });
  writeFileSync(path.join(folder, 'other'), 'y'.repeat(2000));
  writeFileSync(path.join(folder, 'new'), 'y'.repeat(300));
  rmSync(path.join(folder, 'gone'));
  expect(await scene.storage.snapshots.changes(snapshot, volume, testCall())).toEqual({ bytes: 3300 });
});

test('a volume that holds more than it is to have says so', async () => {
  const { volume, folder } = await scene.mounted('data', undefined, { sizeGiB: 0.002 });
  expect(await scene.storage.volumes.read(volume, testCall())).not.toHaveProperty('message');
  writeFileSync(path.join(folder, 'file'), Buffer.alloc(3 * 2 ** 20, 1));
  const read = await scene.storage.volumes.read(volume, testCall());
  expect(read?.usedBytes).toBeGreaterThanOrEqual(3 * 2 ** 20);
  expect(read?.message).toBe('it holds 3.0 MiB, more than the 0.002 GiB that it is to have');
  await scene.volume('data', { sizeGiB: 1 });
  expect(await scene.storage.volumes.read(volume, testCall())).not.toHaveProperty('message');
});

async function readAll(snapshot: Snapshot): Promise<number> {
  let bytes = 0;
  for await (const piece of scene.storage.snapshots.open(snapshot, testCall())) bytes += piece.length;
  return bytes;
}
