import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
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
  const { rds, efs, secrets } = scene.raw;
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
    mountTargets: targets.flatMap(({ MountTargets }) => MountTargets ?? []).length,
  };
}

describe.each(MOMENTS)('killed %s', (_, fault) => {
  let volume: Volume;
  let snapshot: Snapshot;
  const scenarios: readonly (readonly [string, (id: string) => (by: Tenant) => Promise<unknown>])[] = [
    ['a database', (id) => (by) => by.make(by.spec(id, postgres))],
    ['a restored database', (id) => (by) => by.make(by.spec(id, { ...postgres, from: { snapshot } }))],
    ['a database of the past', (id) => (by) => by.make(by.spec(id, { ...postgres, from: { volume } }))],
    ['files', (id) => (by) => by.make(by.spec(id))],
    ['a snapshot', (id) => (by) => by.take(by.snapshotSpec(id, volume))],
  ];
  beforeAll(async () => {
    volume = await shop.make(shop.spec('source', postgres));
    snapshot = await shop.take(shop.snapshotSpec('source', volume));
  });
  afterAll(async () => {
    await shop.remove('source');
    await shop.remove('source', 'snapshots');
  });

  test.each(scenarios)('%s is made once at every call, and removed whole at every call', async (what, making) => {
    const kind = what === 'a snapshot' ? 'snapshots' : 'volumes';
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
