import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { DescribeSnapshotsCommand, DescribeVolumesCommand } from '@aws-sdk/client-ec2';
import { DescribeFileSystemsCommand, DescribeMountTargetsCommand } from '@aws-sdk/client-efs';
import {
  DescribeDBInstancesCommand,
  DescribeDBSnapshotsCommand,
  DescribeDBSubnetGroupsCommand,
} from '@aws-sdk/client-rds';
import { ListSecretsCommand } from '@aws-sdk/client-secrets-manager';
import type { Snapshot, Volume } from '@clusternator/core';
import { openScene, type StorageScene, type Tenant } from './testing/storage-scene.ts';
import { interrupted, MOMENTS } from '../testing/interrupted.ts';

let scene: StorageScene;
let shop: Tenant;
beforeAll(async () => {
  scene = await openScene('moto');
  shop = await scene.tenant();
}, 120_000);
afterAll(() => scene.end());

const postgres = { kind: 'database', engine: { name: 'postgres', version: '17' } } as const;
/** All that there is in the account, by the cloud's own lists. */
async function things(): Promise<Readonly<Record<string, number>>> {
  const { ec2, rds, efs, secrets } = scene.raw;
  const tagged = { Filters: [{ Name: 'tag-key', Values: ['clusternator_project'] }] };
  const { FileSystems = [] } = await efs.send(new DescribeFileSystemsCommand({ MaxItems: 100 }));
  const targets = await Promise.all(
    FileSystems.map(({ FileSystemId }) => efs.send(new DescribeMountTargetsCommand({ FileSystemId }))),
  );
  return {
    databases: (await rds.send(new DescribeDBInstancesCommand())).DBInstances?.length ?? 0,
    subnetGroups: (await rds.send(new DescribeDBSubnetGroupsCommand())).DBSubnetGroups?.length ?? 0,
    snapshots: (await rds.send(new DescribeDBSnapshotsCommand({ SnapshotType: 'manual' }))).DBSnapshots?.length ?? 0,
    secrets: (await secrets.send(new ListSecretsCommand())).SecretList?.length ?? 0,
    fileSystems: FileSystems.length,
    disks: (await ec2.send(new DescribeVolumesCommand(tagged))).Volumes?.length ?? 0,
    snapshotsOfDisks: (await ec2.send(new DescribeSnapshotsCommand(tagged))).Snapshots?.length ?? 0,
    mountTargets: targets.flatMap(({ MountTargets }) => MountTargets ?? []).length,
  };
}

describe.each(MOMENTS)('killed %s', (_, fault) => {
  let volume: Volume;
  let snapshot: Snapshot;
  let disk: Volume;
  let ofDisk: Snapshot;
  const scenarios: readonly (readonly [string, (id: string) => (by: Tenant) => Promise<unknown>])[] = [
    ['a database', (id) => (by) => by.make(by.spec(id, postgres))],
    ['a restored database', (id) => (by) => by.make(by.spec(id, { ...postgres, from: { snapshot } }))],
    ['a database of the past', (id) => (by) => by.make(by.spec(id, { ...postgres, from: { volume } }))],
    ['files', (id) => (by) => by.make(by.spec(id))],
    ['a disk', (id) => (by) => by.make(by.spec(id, { kind: 'disk' }))],
    ['a restored disk', (id) => (by) => by.make(by.spec(id, { kind: 'disk', from: { snapshot: ofDisk } }))],
    ['a snapshot', (id) => (by) => by.take(by.snapshotSpec(id, volume))],
    ['a snapshot of a disk', (id) => (by) => by.take(by.snapshotSpec(id, disk))],
  ];
  beforeAll(async () => {
    volume = await shop.make(shop.spec('source', postgres));
    snapshot = await shop.take(shop.snapshotSpec('source', volume));
    disk = await shop.make(shop.spec('disk', { kind: 'disk' }));
    ofDisk = await shop.take(shop.snapshotSpec('disk', disk));
  });
  afterAll(async () => {
    for (const id of ['source', 'disk']) {
      await shop.remove(id);
      await shop.remove(id, 'snapshots');
    }
  });

  test.each(scenarios)('%s is made once at every call, and removed whole at every call', async (what, making) => {
    const kind = what.startsWith('a snapshot') ? 'snapshots' : 'volumes';
    const before = await things();
    await making('whole')(shop);
    const made = await things();
    await shop.remove('whole', kind);
    expect(await things()).toEqual(before);

    let kills = 0;
    for (let nth = 1; await interrupted(scene, making(`c${String(nth)}`), nth, fault); nth++) {
      kills = nth;
      expect(await things()).toEqual(made);
      await shop.remove(`c${String(nth)}`, kind);
    }
    expect(kills).toBeGreaterThan(0);
    await shop.remove(`c${String(kills + 1)}`, kind);

    let removals = 0;
    for (let nth = 1; ; nth++) {
      await making('again')(shop);
      const died = await interrupted(scene, (by) => by.remove('again', kind), nth, fault);
      expect(await things()).toEqual(before);
      if (!died) break;
      removals = nth;
    }
    expect(removals).toBeGreaterThan(0);
  });
});

test('what was killed before it had a database is on its way, and is removed as such', async () => {
  const lift = scene.wire.impose({
    when: ({ body }) => body.includes('Action=CreateDBInstance'),
    fault: { kind: 'reset', after: false },
  });
  await expect(shop.make(shop.spec('half', postgres))).rejects.toThrow('ECONNRESET');
  lift();
  const { volumes } = shop.storage;
  expect(await shop.call('read', (call) => volumes.read({ id: 'half' }, call))).toMatchObject({
    phase: 'creating',
    kind: 'database',
    sizeGiB: 20,
  });
  const listed = await shop.call('list', (call) => Array.fromAsync(volumes.list(call)));
  expect(listed.map(({ id, phase }) => [id, phase])).toEqual([['half', 'creating']]);
  await shop.remove('half');
  expect(await shop.call('read', (call) => volumes.read({ id: 'half' }, call))).toBeUndefined();
});

// MiniStack makes a volume of a snapshot that is gone.
test('of a snapshot of a disk that is gone nothing is made', async () => {
  const before = await things();
  const snapshot = await shop.take(shop.snapshotSpec('gone', await shop.make(shop.spec('disk', { kind: 'disk' }))));
  await shop.remove('disk');
  await shop.remove('gone', 'snapshots');
  const restoring = shop.make(shop.spec('again', { kind: 'disk', from: { snapshot } }));
  await expect(restoring).rejects.toMatchObject({ code: 'not-found' });
  expect(await things()).toEqual(before);
});
