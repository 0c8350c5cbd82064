import { afterAll, afterEach, beforeAll, expect, test } from '@jest/globals';
import {
  CreateDBInstanceCommand,
  CreateDBSnapshotCommand,
  DeleteDBInstanceCommand,
  DeleteDBSnapshotCommand,
  DescribeDBInstancesCommand,
  DescribeDBSnapshotsCommand,
  type DBSnapshot,
} from '@aws-sdk/client-rds';
import type { Volume } from '@clusternator/core';
import { openScene, type StorageScene, type Tenant } from './testing/storage-scene.ts';

/** On moto alone, as databases are. */
let scene: StorageScene;
let shop: Tenant;
const postgres = { kind: 'database', engine: { name: 'postgres', version: '17' } } as const;

beforeAll(async () => {
  scene = await openScene('moto');
  shop = await scene.tenant();
}, 120_000);
afterAll(() => scene.end());
afterEach(async () => {
  scene.wire.lift();
  for (const { id } of await volumes()) await shop.remove(id);
  for (const { id } of await snapshots()) await shop.remove(id, 'snapshots');
});

const snapshots = () => shop.call('list', (call) => Array.fromAsync(shop.storage.snapshots?.list(call) ?? []));
const volumes = () => shop.call('list', (call) => Array.fromAsync(shop.storage.volumes.list(call)));
const readSnapshot = (id: string) => shop.call('read', async (call) => shop.storage.snapshots?.read({ id }, call));
const data = (id = 'data', more = {}): Promise<Volume> => shop.make(shop.spec(id, { ...postgres, ...more }));
async function raw(): Promise<readonly DBSnapshot[]> {
  return (await scene.raw.rds.send(new DescribeDBSnapshotsCommand({ SnapshotType: 'manual' }))).DBSnapshots ?? [];
}
async function instance(DBInstanceIdentifier = '') {
  const { DBInstances } = await scene.raw.rds.send(new DescribeDBInstancesCommand({ DBInstanceIdentifier }));
  return DBInstances?.[0];
}

test('a snapshot tells when it was taken, of what, and carries its tags', async () => {
  const volume = await data();
  const taken = await shop.take(shop.snapshotSpec('before', volume));
  const [one] = await raw();
  expect(taken).toMatchObject({
    id: 'before',
    volume: 'data',
    phase: 'active',
    takenAt: one?.SnapshotCreateTime,
    handle: { snapshot: one?.DBSnapshotIdentifier },
    tags: shop.snapshotSpec('before', volume).tags,
    fingerprint: shop.snapshotSpec('before', volume).fingerprint,
  });
  expect(one).toMatchObject({ DBInstanceIdentifier: volume.handle.instance, Encrypted: true });
  expect(await readSnapshot('before')).toEqual(taken);
});

test('its name is taken once: of another volume it comes back untouched, and nothing is written', async () => {
  const first = await shop.take(shop.snapshotSpec('p1', await data()));
  const other = await data('other');
  const { mutations } = scene.wire;
  const found = await shop.take(shop.snapshotSpec('p1', other));
  expect(found).toEqual(first);
  expect(scene.wire.mutations).toBe(mutations);
});

test('it outlives its volume, and a new one is made of it, as private and as backed up', async () => {
  const volume = await data();
  const snapshot = await shop.take(shop.snapshotSpec('p1', volume));
  await shop.remove('data');
  const restored = await data('again', { from: { snapshot } });
  expect(restored).toMatchObject({ id: 'again', phase: 'active', tags: shop.spec('again', postgres).tags });
  expect(restored.connection?.env.HOST).not.toBe(volume.connection?.env.HOST);
  expect(restored.connection?.secrets.PASSWORD?.reference).not.toBe(volume.connection?.secrets.PASSWORD?.reference);
  expect(await instance(restored.handle.instance)).toMatchObject({
    DBSubnetGroup: { DBSubnetGroupName: restored.handle.instance },
    VpcSecurityGroups: [{ VpcSecurityGroupId: scene.foundation.securityGroups.db }],
    PubliclyAccessible: false,
    BackupRetentionPeriod: 7,
    StorageEncrypted: true,
  });
});

test('what is restored grows to the size that is asked for', async () => {
  const snapshot = await shop.take(shop.snapshotSpec('p1', await data()));
  expect((await data('again', { from: { snapshot }, sizeGiB: 50 })).sizeGiB).toBe(50);
  expect((await data('small', { from: { snapshot }, sizeGiB: 20 })).sizeGiB).toBe(20);
});

test('a volume is made of the latest moment of another, and of one that is named', async () => {
  const volume = await data();
  const at = new Date('2026-11-28T12:00:00Z');
  const seen: string[] = [];
  await data('latest', { from: { volume } });
  await data('past', { from: { volume, at } });
  for (const { body } of scene.wire.calls) if (body.includes('PointInTime')) seen.push(body.toString());
  const [latest, past] = seen.map((body) => new URLSearchParams(body));
  expect(latest?.get('UseLatestRestorableTime')).toBe('true');
  expect(past?.get('RestoreTime')).toBe('2026-11-28T12:00:00Z');
  expect(past?.get('UseLatestRestorableTime')).toBeNull();
  for (const { id } of await volumes()) expect(['data', 'latest', 'past']).toContain(id);
});

test('one of what is gone fails, and its volume leaves nothing once it is removed', async () => {
  const snapshot = await shop.take(shop.snapshotSpec('p1', await data()));
  await shop.remove('p1', 'snapshots');
  await expect(data('again', { from: { snapshot } })).rejects.toMatchObject({ code: 'not-found' });
  await shop.remove('again');
  expect((await volumes()).map(({ id }) => id)).toEqual(['data']);
});

test('each is removed by itself, twice if need be', async () => {
  const volume = await data();
  for (const id of ['p1', 'p2']) await shop.take(shop.snapshotSpec(id, volume));
  await shop.remove('p1', 'snapshots');
  await shop.remove('p1', 'snapshots');
  expect((await snapshots()).map(({ id }) => id)).toEqual(['p2']);
  expect(await raw()).toHaveLength(1);
});

test('it waits while the database is not available, and says so', async () => {
  const volume = await data();
  const refusal = {
    status: 400,
    headers: { 'content-type': 'text/xml' },
    body: '<ErrorResponse><Error><Type>Sender</Type><Code>InvalidDBInstanceState</Code><Message>it is backing-up</Message></Error></ErrorResponse>',
  };
  const lift = scene.wire.onMutations({ kind: 'refuse', refusal, after: false });
  const spec = shop.snapshotSpec('p1', volume);
  const waits = await shop.call('take', async (call) => shop.storage.snapshots?.ensure(spec, call));
  expect(waits).toMatchObject({ phase: 'creating', message: 'it is backing-up' });
  lift();
  expect((await shop.take(spec)).phase).toBe('active');
});

test('a foreign one of its name is left as it is', async () => {
  const name = shop.host.name(['clusternator', 'snapshot', 'p1'], { maxLength: 63 });
  const volume = await data();
  const { rds } = scene.raw;
  const theirs = { DBSnapshotIdentifier: name, DBInstanceIdentifier: volume.handle.instance };
  await rds.send(new CreateDBSnapshotCommand(theirs));
  await expect(shop.take(shop.snapshotSpec('p1', volume))).rejects.toMatchObject({ code: 'owned-by-other' });
  await expect(shop.remove('p1', 'snapshots')).rejects.toMatchObject({ code: 'owned-by-other' });
  expect(await snapshots()).toEqual([]);
  await rds.send(new DeleteDBSnapshotCommand({ DBSnapshotIdentifier: name }));
});

test('those of others are not seen', async () => {
  const { rds } = scene.raw;
  const next = await scene.tenant({ stage: 'next' });
  const theirs = { DBInstanceIdentifier: 'theirs', DBInstanceClass: 'db.t4g.micro', Engine: 'postgres' };
  await rds.send(new CreateDBInstanceCommand({ ...theirs, MasterUsername: 'u', MasterUserPassword: 'long-enough' }));
  await rds.send(new CreateDBSnapshotCommand({ DBSnapshotIdentifier: 'theirs', DBInstanceIdentifier: 'theirs' }));
  await next.take(next.snapshotSpec('p1', await next.make(next.spec('data', postgres))));
  expect(await snapshots()).toEqual([]);
  expect(await volumes()).toEqual([]);
  await next.remove('data');
  await next.remove('p1', 'snapshots');
  await rds.send(new DeleteDBInstanceCommand({ DBInstanceIdentifier: 'theirs', SkipFinalSnapshot: true }));
  await rds.send(new DeleteDBSnapshotCommand({ DBSnapshotIdentifier: 'theirs' }));
});

test('of files there are none, and nothing is written', async () => {
  const files = { ...(await data()), kind: 'files' as const };
  const { mutations } = scene.wire;
  await expect(shop.take(shop.snapshotSpec('p1', files))).rejects.toMatchObject({ code: 'unsupported' });
  expect(scene.wire.mutations).toBe(mutations);
});
