import { execFileSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { DescribeSnapshotsCommand, DescribeVolumesCommand } from '@aws-sdk/client-ec2';
import type { Environment, ServiceSpec, Snapshot, StorageDriver, Volume, VolumeSpec } from '@clusternator/core';
import { deriveToken, tagsFor } from '@clusternator/core/kit';
import { eventually } from '@clusternator/emulators/traffic';
import { openEitherKind } from '../environments.ts';
import type { Tenant } from '../ecs/testing/ecs-scene.ts';
import { openLiveScene, type LiveScene } from '../ecs/testing/live-scene.ts';
import { openStorage } from '../storage/open-storage.ts';
import { onDisk } from './testing/machine-scene.ts';

/** Keeps what it is told below /add/, and answers with all of it and its user. */
const SERVER = `import { appendFileSync, closeSync, existsSync, fsyncSync, openSync, readdirSync, readFileSync } from 'node:fs';
import { createServer } from 'node:http';
createServer((request, response) => {
  const added = /^\\/add\\/(\\w+)$/.exec(request.url)?.[1];
  if (added) {
    const file = openSync('data/kept', 'a');
    appendFileSync(file, added + ' ');
    fsyncSync(file);
    closeSync(file);
  }
  if (request.url === '/files') response.end(JSON.stringify([process.getuid(), readdirSync('data')]));
  else response.end(existsSync('data/kept') ? readFileSync('data/kept', 'utf8').trim() : 'nothing');
}).listen(8080, process.env.HOST);
`;

/** Block devices, file systems and mounts of the kernel, behind EC2's public interface: see the data plane of test/emulators. */
let scene: LiveScene;
let shop: Tenant;
let storage: StorageDriver;
let folder: string;
beforeAll(async () => {
  folder = mkdtempSync(path.join(tmpdir(), 'aws-disks-'));
  writeFileSync(path.join(folder, 'server.mjs'), SERVER);
  scene = await openLiveScene('moto', { open: (to) => Promise.resolve(openEitherKind(to)), folder });
  shop = await scene.tenant();
  storage = await openStorage(shop.connection);
}, 180_000);
afterAll(async () => {
  await scene.end();
  rmSync(folder, { recursive: true });
}, 60_000);

const owned = (type: 'volume' | 'snapshot', id: string) => {
  const fingerprint = deriveToken(type, id);
  return { id, fingerprint, tags: tagsFor(shop.owner, { type, id, fingerprint }) };
};
const made = (id: string, from?: VolumeSpec['from']): Promise<Volume> =>
  shop.call(`make ${id}`, (call) =>
    storage.volumes.ensure({ ...owned('volume', id), kind: 'disk', sizeGiB: 1, ...(from && { from }) }, call),
  );
const taken = (id: string, volume: Volume): Promise<Snapshot> =>
  shop.call(`take ${id}`, (call) => {
    if (!storage.snapshots) throw new Error('there are snapshots');
    return storage.snapshots.ensure({ ...owned('snapshot', id), volume }, call);
  });
const removed = (id: string): Promise<unknown> =>
  eventually(() =>
    shop.call(`remove ${id}`, async (call) => {
      await storage.volumes.destroy({ id }, call);
      return (await storage.volumes.read({ id }, call)) ? undefined : true;
    }),
  );
/** A public service on a disk. */
const on = (volume: Volume, more: Partial<ServiceSpec> = {}): Readonly<Record<string, ServiceSpec>> => {
  const { install: _, ...service } = onDisk(volume, more);
  return { web: { ...service, ...(service.health && { health: { ...service.health, path: '/' } }) } };
};
const ask = (id: string, at = '/'): Promise<string> => scene.ask(`${id}--shop.example.com`, at);
const answers = (id: string, text: string): Promise<string> =>
  eventually(async () => ((await ask(id)) === text ? text : undefined));
const scale = (environment: Environment, instances: number): Promise<void> =>
  shop.call(
    'scale',
    (call) =>
      shop.environments.scale?.(environment, { web: { min: instances, max: instances } }, call) ?? Promise.resolve(),
  );
const partOf = (id: string) =>
  shop.call('read', async (call) => (await shop.environments.read({ id }, call))?.parts.web);
const stopped = (id: string): Promise<boolean> =>
  eventually(async () => ((await partOf(id))?.phase === 'stopped' ? true : undefined));

test('what is written is there after its machine was killed, and a snapshot does not change with it', async () => {
  const volume = await made('orders');
  await scene.made(shop, 'a1', on(volume));
  expect(await ask('a1')).toBe('nothing');
  expect(JSON.parse(await ask('a1', '/files'))).toEqual([50_000, []]);
  await ask('a1', '/add/one');
  const [first] = scene.plane.machines();
  execFileSync('docker', ['kill', first?.container ?? '']);
  await eventually(async () => {
    const [machine] = scene.plane.machines();
    return machine && machine.id !== first?.id && (await ask('a1')) === 'one' ? true : undefined;
  });

  const snapshot = await taken('before', volume);
  await ask('a1', '/add/two');
  const restored = await made('restored', { snapshot });
  await scene.made(shop, 'a2', on(restored));
  expect([await ask('a1'), await ask('a2')]).toEqual(['one two', 'one']);
  await ask('a2', '/add/three');
  expect([await ask('a1'), await ask('a2')]).toEqual(['one two', 'one three']);

  await expect(shop.call('destroy', (call) => storage.volumes.destroy({ id: 'orders' }, call))).rejects.toMatchObject({
    code: 'conflict',
    message: expect.stringContaining('i-'),
  });
  for (const id of ['a1', 'a2']) await shop.remove(id);
  for (const id of ['orders', 'restored']) await removed(id);
  await shop.call('destroy', (call) => storage.snapshots?.destroy({ id: 'before' }, call) ?? Promise.resolve());
  const { ec2 } = scene.raw;
  const { Volumes = [] } = await ec2.send(
    new DescribeVolumesCommand({ Filters: [{ Name: 'tag-key', Values: ['Name'] }] }),
  );
  const { Snapshots = [] } = await ec2.send(
    new DescribeSnapshotsCommand({ Filters: [{ Name: 'tag-key', Values: ['Name'] }] }),
  );
  expect([Volumes, Snapshots]).toEqual([[], []]);
}, 300_000);

test('a disk goes from head to head and back, and is never at two', async () => {
  const volume = await made('moving');
  const blue = await scene.made(shop, 'blue', on(volume));
  const green = await shop.make(shop.spec('green', on(volume, { instances: { min: 0, max: 0 } })));
  await ask('blue', '/add/blue');
  await expect(scale(green, 1)).rejects.toMatchObject({
    code: 'conflict',
    message: expect.stringContaining('attached'),
  });

  for (const [from, to, before, after] of [
    [blue, green, 'blue', 'blue green'],
    [green, blue, 'blue green', 'blue green blue'],
  ] as const) {
    await scale(from, 0);
    await stopped(from.id);
    await scale(to, 1);
    await answers(to.id, before);
    await ask(to.id, `/add/${to.id}`);
    expect(await ask(to.id)).toBe(after);
  }
  for (const { id } of [green, blue]) await shop.remove(id);
  await removed('moving');
}, 300_000);

test('an environment whose disk another machine has is not ready, says why, and is once it is free', async () => {
  const volume = await made('held');
  const first = await scene.made(shop, 'c1', on(volume));
  await ask('c1', '/add/first');
  const second = await shop.call('ensure', (call) => shop.environments.ensure(shop.spec('c2', on(volume)), call));
  const [machine] = scene.plane.machines();
  const message = await eventually(async () => {
    const part = await partOf('c2');
    return part?.message?.includes('attached') ? part.message : undefined;
  });
  expect(message).toContain(`the disk ${volume.handle.volumeId ?? ''} is attached to the machine ${machine?.id ?? ''}`);
  const lines = await eventually(async () => {
    const all = await shop.call('logs', (call) =>
      Array.fromAsync(shop.environments.logs(second, { follow: false }, call)),
    );
    return all.find(({ text }) => text.includes('waiting until it is free'));
  });
  expect(lines.text).toContain(machine?.id);
  await scale(first, 0);
  await answers('c2', 'first');
  for (const id of ['c1', 'c2']) await shop.remove(id);
  await removed('held');
}, 300_000);
