import { afterAll, afterEach, beforeAll, describe, expect, test } from '@jest/globals';
import {
  AddTagsToResourceCommand,
  CreateDBInstanceCommand,
  CreateDBSubnetGroupCommand,
  DeleteDBInstanceCommand,
  DescribeDBInstanceAutomatedBackupsCommand,
  DescribeDBInstancesCommand,
  DescribeDBSnapshotsCommand,
  DescribeDBSubnetGroupsCommand,
  ModifyDBInstanceCommand,
  type DBInstance,
  type RDSClient,
} from '@aws-sdk/client-rds';
import { DescribeSecretCommand, ListSecretsCommand } from '@aws-sdk/client-secrets-manager';
import { openScene, type StorageScene, type Tenant } from './testing/storage-scene.ts';

/** On moto alone: MiniStack makes no secret for an instance's password, and has no point-in-time restore. */
let scene: StorageScene;
let shop: Tenant;
const postgres = { kind: 'database', engine: { name: 'postgres', version: '17' } } as const;
const spec = (id: string, more = {}) => shop.spec(id, { ...postgres, ...more });

beforeAll(async () => {
  scene = await openScene('moto');
  shop = await scene.tenant();
}, 120_000);
afterAll(() => scene.end());
afterEach(async () => {
  scene.wire.lift();
  const { volumes, snapshots } = shop.storage;
  const left = await shop.call('list', async (call) => [
    await Array.fromAsync(volumes.list(call)),
    await Array.fromAsync(snapshots?.list(call) ?? []),
  ]);
  for (const { id } of left[0] ?? []) await shop.remove(id);
  for (const { id } of left[1] ?? []) await shop.remove(id, 'snapshots');
});

async function instances(rds: RDSClient = scene.raw.rds): Promise<readonly DBInstance[]> {
  return (await rds.send(new DescribeDBInstancesCommand())).DBInstances ?? [];
}
async function only(): Promise<DBInstance> {
  const [one, ...others] = await instances();
  expect(others).toEqual([]);
  if (!one) throw new Error('there is an instance');
  return one;
}
async function groups(): Promise<readonly string[]> {
  const { DBSubnetGroups = [] } = await scene.raw.rds.send(new DescribeDBSubnetGroupsCommand());
  return DBSubnetGroups.map(({ DBSubnetGroupName = '' }) => DBSubnetGroupName);
}

describe('a database', () => {
  test('is private, encrypted and backed up, and says how it is reached', async () => {
    const volume = await shop.make(spec('data'));
    const one = await only();
    expect(one).toMatchObject({
      Engine: 'postgres',
      EngineVersion: '17',
      DBInstanceClass: 'db.t4g.micro',
      AllocatedStorage: 20,
      StorageType: 'gp3',
      StorageEncrypted: true,
      PubliclyAccessible: false,
      BackupRetentionPeriod: 7,
      DeletionProtection: false,
      MultiAZ: false,
      VpcSecurityGroups: [{ VpcSecurityGroupId: scene.foundation.securityGroups.db }],
    });
    expect(one.DBSubnetGroup?.Subnets?.map(({ SubnetIdentifier }) => SubnetIdentifier)).toEqual(
      scene.foundation.subnets.db,
    );
    expect(volume).toMatchObject({
      id: 'data',
      kind: 'database',
      phase: 'active',
      sizeGiB: 20,
      handle: { instance: one.DBInstanceIdentifier },
      tags: spec('data').tags,
      fingerprint: spec('data').fingerprint,
      connection: {
        env: { HOST: one.Endpoint?.Address, PORT: '5432', DATABASE: 'app', USER: 'app' },
        secrets: {
          PASSWORD: { name: 'PASSWORD', reference: `${one.MasterUserSecret?.SecretArn ?? ''}:password::` },
        },
      },
    });
    expect(await shop.call('read', (call) => shop.storage.volumes.read({ id: 'data' }, call))).toEqual(volume);
  });

  test('carries its tags, and so do its subnet group and its secret, which is not given another value each week', async () => {
    await shop.make(spec('data'));
    const one = await only();
    const { tags } = spec('data');
    expect(Object.fromEntries((one.TagList ?? []).map(({ Key, Value }) => [Key, Value]))).toEqual(tags);
    const secret = await scene.raw.secrets.send(
      new DescribeSecretCommand({ SecretId: one.MasterUserSecret?.SecretArn }),
    );
    expect(Object.fromEntries((secret.Tags ?? []).map(({ Key, Value }) => [Key, Value]))).toMatchObject(tags);
    expect(secret.RotationRules?.AutomaticallyAfterDays).toBe(1000);
  });

  test.each([
    ['mysql', '8.4', '3306'],
    ['mariadb', '11.4', '3306'],
  ])('runs %s', async (name, version, PORT) => {
    const volume = await shop.make(spec('data', { engine: { name, version } }));
    expect(volume.connection?.env).toMatchObject({ PORT, DATABASE: 'app', USER: 'app' });
  });

  test('takes its class and days from the config, and whatever else from native', async () => {
    const big = await scene.tenant({ stage: 'big' }, { databaseClass: 'db.m7g.large', databaseBackupDays: 30 });
    await big.make(big.spec('data', { ...postgres, native: { MultiAZ: true, PreferredBackupWindow: '03:00-03:30' } }));
    expect(await only()).toMatchObject({
      DBInstanceClass: 'db.m7g.large',
      BackupRetentionPeriod: 30,
      MultiAZ: true,
      PreferredBackupWindow: '03:00-03:30',
    });
    await big.remove('data');
  });

  test('that is as asked is not written again', async () => {
    await shop.make(spec('data'));
    const { mutations } = scene.wire;
    await shop.make(spec('data'));
    await shop.call('list', (call) => Array.fromAsync(shop.storage.volumes.list(call)));
    expect(scene.wire.mutations).toBe(mutations);
  });

  test('grows, and changes in nothing else', async () => {
    await shop.make(spec('data'));
    const grown = await shop.make(spec('data', { sizeGiB: 40, engine: { name: 'mysql', version: '8.4' } }));
    expect(grown).toMatchObject({ phase: 'active', sizeGiB: 40, fingerprint: spec('data').fingerprint });
    expect(await only()).toMatchObject({ Engine: 'postgres', AllocatedStorage: 40 });
    const { mutations } = scene.wire;
    expect((await shop.make(spec('data'))).sizeGiB).toBe(40);
    expect(scene.wire.mutations).toBe(mutations);
  });

  test('leaves what somebody else set and tagged', async () => {
    await shop.make(spec('data'));
    const { DBInstanceArn, DBInstanceIdentifier } = await only();
    const theirs = [{ Key: 'cost-centre', Value: '7' }];
    await scene.raw.rds.send(new AddTagsToResourceCommand({ ResourceName: DBInstanceArn, Tags: theirs }));
    await scene.raw.rds.send(
      new ModifyDBInstanceCommand({ DBInstanceIdentifier, PreferredMaintenanceWindow: 'sun:05:00-sun:05:30' }),
    );
    await shop.make(spec('data', { sizeGiB: 40 }));
    const one = await only();
    expect(one.PreferredMaintenanceWindow).toBe('sun:05:00-sun:05:30');
    expect(one.TagList).toContainEqual(theirs[0]);
  });

  test('is gone with its backups, its secret and its subnet group, and can be removed again', async () => {
    const { raw } = scene;
    await shop.make(spec('data'));
    await shop.remove('data');
    await shop.remove('data');
    expect(await instances()).toEqual([]);
    expect(await groups()).toEqual([]);
    expect((await raw.secrets.send(new ListSecretsCommand())).SecretList).toEqual([]);
    const { DBInstanceAutomatedBackups } = await raw.rds.send(new DescribeDBInstanceAutomatedBackupsCommand());
    expect(DBInstanceAutomatedBackups).toEqual([]);
    expect((await raw.rds.send(new DescribeDBSnapshotsCommand({ SnapshotType: 'manual' }))).DBSnapshots).toEqual([]);
  });

  test('that somebody protects is not removed, and says how it could be', async () => {
    await shop.make(spec('data', { native: { DeletionProtection: true } }));
    const { DBInstanceIdentifier } = await only();
    await expect(shop.remove('data')).rejects.toMatchObject({ code: 'conflict', detail: { effect: 'none' } });
    await scene.raw.rds.send(new ModifyDBInstanceCommand({ DBInstanceIdentifier, DeletionProtection: false }));
    await shop.remove('data');
  });

  test('that is foreign is neither changed nor removed', async () => {
    const name = shop.host.name(['clusternator', 'data'], { maxLength: 63 });
    const { rds } = scene.raw;
    await rds.send(
      new CreateDBInstanceCommand({
        DBInstanceIdentifier: name,
        DBInstanceClass: 'db.t4g.micro',
        Engine: 'postgres',
        AllocatedStorage: 20,
        MasterUsername: 'theirs',
        MasterUserPassword: 'theirs-and-long',
      }),
    );
    const { LatestRestorableTime: _, ...before } = await only(); // which goes on
    await expect(shop.make(spec('data'))).rejects.toMatchObject({ code: 'owned-by-other' });
    await expect(shop.remove('data')).rejects.toMatchObject({ code: 'owned-by-other' });
    expect(await shop.call('list', (call) => Array.fromAsync(shop.storage.volumes.list(call)))).toEqual([]);
    expect(await only()).toMatchObject(before);
    await rds.send(new DeleteDBInstanceCommand({ DBInstanceIdentifier: name, SkipFinalSnapshot: true }));
  });

  test('whose subnet group is foreign is not made', async () => {
    const name = shop.host.name(['clusternator', 'taken'], { maxLength: 63 });
    const { db } = scene.foundation.subnets;
    await scene.raw.rds.send(
      new CreateDBSubnetGroupCommand({
        DBSubnetGroupName: name,
        DBSubnetGroupDescription: 'theirs',
        SubnetIds: [...db],
      }),
    );
    await expect(shop.make(spec('taken'))).rejects.toMatchObject({ code: 'owned-by-other' });
    await expect(shop.remove('taken')).rejects.toMatchObject({ code: 'owned-by-other' });
    expect(await instances()).toEqual([]);
  });

  test('of another project or stage is not seen', async () => {
    const [stage, project] = [await scene.tenant({ stage: 'next' }), await scene.tenant({ project: 'blog' })];
    for (const one of [shop, stage, project]) await one.make(one.spec('data', postgres));
    expect(await instances()).toHaveLength(3);
    await shop.remove('data');
    expect(await instances()).toHaveLength(2);
    for (const one of [stage, project]) {
      expect(await one.call('list', (call) => Array.fromAsync(one.storage.volumes.list(call)))).toHaveLength(1);
      await one.remove('data');
    }
  });

  test.each([
    ['no engine', { kind: 'database' as const }],
    ['an engine that RDS does not run', { kind: 'database' as const, engine: { name: 'mongo', version: '8' } }],
  ])('with %s is invalid, and leaves nothing', async (_, wrong) => {
    await expect(shop.make(shop.spec('data', wrong))).rejects.toMatchObject({
      code: 'invalid',
      detail: { path: 'engine' },
    });
    expect(await shop.call('read', (call) => shop.storage.volumes.read({ id: 'data' }, call))).toBeUndefined();
  });
});
