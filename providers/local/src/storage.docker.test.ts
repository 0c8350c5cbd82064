import { afterEach, beforeEach, expect, test } from '@jest/globals';
import { createReadStream, createWriteStream, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import type { Environment, Volume } from '@clusternator/core/provider';
import { ContainerRuntime } from './containers/runtime.ts';
import { harness } from './containers/testing/harness.ts';
import { ensureTestBase } from './containers/testing/base-image.ts';
import { until } from './testing/environments.ts';
import { testCall } from './testing/specs.ts';
import { StorageScene } from './testing/storage.ts';

let scene: StorageScene;
let image: string;
beforeEach(async () => {
  image = await ensureTestBase();
  scene = new StorageScene();
});
afterEach(async () => {
  await scene.daemon.kill();
  const runtime = new ContainerRuntime({ home: scene.daemon.client.paths.home, env: process.env });
  await runtime.sweep({}, 0, AbortSignal.timeout(30_000), { volumes: true });
  await scene[Symbol.asyncDispose]();
});

/** A shell in a container that mounts it. */
async function shell(id: string, volume: Volume, script = 'exec sleep 1000'): Promise<Environment> {
  const db = scene.specs.service({
    artefact: { kind: 'image', reference: image },
    command: ['sh', '-c', script],
    mounts: { '/data': { volume, readOnly: false } },
  });
  return scene.ensure(scene.specs.environment(id, { db }));
}

async function say(environment: Environment, command: string): Promise<string> {
  const session = await scene.driver.exec(environment, { service: 'db', command: ['sh', '-c', command] }, testCall());
  let text = '';
  for await (const piece of session.output) text += Buffer.from(piece).toString();
  expect(await session.exitCode).toBe(0);
  return text.trim();
}

test('a volume of the engine is copied with its owners, while its container goes on', async () => {
  const volume = await scene.volume('data');
  const environment = await shell('aaaaaaaa0000-1', volume);
  await say(
    environment,
    'echo before > /data/file && chown 70:71 /data/file && chmod 600 /data/file && chown 70 /data',
  );
  const snapshot = await scene.snapshot('first', volume);
  expect(snapshot).toMatchObject({ phase: 'active' });
  await say(environment, 'echo after > /data/file');

  const restored = await scene.volume('restored', { from: { snapshot } });
  const clone = await scene.volume('clone', { from: { volume } });
  const of = async (id: string, from: Volume): Promise<string> =>
    say(await shell(id, from), 'cat /data/file; stat -c %u:%g:%a /data/file; stat -c %u /data');
  expect(await of('bbbbbbbb0000-1', restored)).toBe('before\n70:71:600\n70');
  expect(await of('cccccccc0000-1', clone)).toBe('after\n70:71:600\n70');
  expect(await say(environment, 'cat /data/file')).toBe('after');
});

test('a container is paused for the last of a copy, and what it writes is of one moment', async () => {
  const volume = await scene.volume('data');
  const writer = 'n=1000000; while true; do n=$((n+1)); echo $n > /data/a; echo $n > /data/b; done';
  const environment = await shell('aaaaaaaa0000-1', volume, writer);
  const count = async (): Promise<number> => Number(await say(environment, 'cat /data/b'));
  await until(count, (it) => it > 1_000_000);
  for (const id of ['first', 'second']) {
    const snapshot = await scene.snapshot(id, volume);
    const restored = await scene.volume(`of-${id}`, { from: { snapshot } });
    const numbers = await say(await shell(`bbbbbbbb000${String(id.length)}-1`, restored), 'cat /data/a /data/b');
    // Either file may have been emptied, to be written anew.
    const [a, b] = numbers.split('\n').map(Number);
    expect(a).toBeGreaterThan(1_000_000);
    expect((a ?? 0) - (b ?? a ?? 0)).toBeLessThanOrEqual(1);
    const before = await count();
    await until(count, (it) => it > before);
  }
});

test('who may not look into the folders of the engine copies through a container that never starts', async () => {
  const h = await harness();
  const folder = mkdtempSync(path.join(tmpdir(), 'archive-'));
  const tags = { clusternator_project: 'shop' };
  try {
    const [from, to] = [`clusternator-${h.home}-from`, `clusternator-${h.home}-to`];
    for (const name of [from, to]) await h.runtime.ensureVolume(name, tags, h.signal);
    const mounts = (volume: string) => [{ kind: 'volume', volume, target: '/data', readOnly: false }] as const;
    const write = h.script('echo kept > /data/file; chown 70:71 /data/file; sleep 1000', { mounts: mounts(from) });
    await h.runtime.ensure(write, h.signal);
    const containers = (): Promise<readonly unknown[]> => h.runtime.list({}, h.signal);
    await h.until(write, ({ state }) => state === 'running');
    const archive = path.join(folder, 'volume.tar');
    const read = async (): Promise<boolean> => {
      await h.runtime.archive.read(from, tags, createWriteStream(archive), h.signal);
      await h.runtime.archive.write(to, tags, createReadStream(archive), h.signal);
      const look = h.script('stat -c %u:%g:%s /data/file; sleep 1000', { mounts: mounts(to), index: 1 });
      await h.runtime.ensure(look, h.signal);
      const lines = await until(
        () => h.runtime.lastLines(h.nameOf(look), 1, h.signal),
        (all) => all.length > 0,
      );
      await h.runtime.remove(h.nameOf(look), 0, h.signal);
      return lines[0] === '70:71:5';
    };
    await until(read, (isSame) => isSame);
    expect(await containers()).toHaveLength(1);
  } finally {
    rmSync(folder, { recursive: true });
    await h.runtime.sweep({}, 0, h.signal, { volumes: true });
    await h.close();
  }
});
