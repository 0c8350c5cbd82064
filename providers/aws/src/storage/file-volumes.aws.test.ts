import { afterAll, afterEach, beforeAll, describe, expect, test } from '@jest/globals';
import {
  CreateFileSystemCommand,
  DeleteFileSystemCommand,
  DescribeAccessPointsCommand,
  DescribeFileSystemsCommand,
  DescribeMountTargetsCommand,
  DescribeMountTargetSecurityGroupsCommand,
  TagResourceCommand,
  type FileSystemDescription,
} from '@aws-sdk/client-efs';
import { openScene, type StorageScene, type Tenant } from './testing/storage-scene.ts';

describe.each(['moto', 'ministack'] as const)('files on EFS, as %s plays it', (emulator) => {
  let scene: StorageScene;
  let shop: Tenant;
  beforeAll(async () => {
    scene = await openScene(emulator);
    shop = await scene.tenant();
  }, 120_000);
  afterAll(() => scene.end());
  afterEach(async () => {
    for (const { id } of await volumes()) await shop.remove(id);
  });

  const volumes = (of = shop) => of.call('list', (call) => Array.fromAsync(of.storage.volumes.list(call)));
  const readVolume = (id: string) => shop.call('read', (call) => shop.storage.volumes.read({ id }, call));
  async function systems(): Promise<readonly FileSystemDescription[]> {
    return (await scene.raw.efs.send(new DescribeFileSystemsCommand({ MaxItems: 100 }))).FileSystems ?? [];
  }
  async function only(): Promise<FileSystemDescription> {
    const [one, ...others] = await systems();
    expect(others).toEqual([]);
    if (!one) throw new Error('there is a file system');
    return one;
  }
  const tagsOf = ({ Tags }: FileSystemDescription) =>
    Object.fromEntries((Tags ?? []).map(({ Key, Value }) => [Key, Value]));

  test('is encrypted, carries its tags, and is reached in each zone by the app alone', async () => {
    const { efs } = scene.raw;
    const volume = await shop.make(shop.spec('data'));
    const one = await only();
    expect(one).toMatchObject({ Encrypted: true, ThroughputMode: 'elastic', PerformanceMode: 'generalPurpose' });
    const { tags, fingerprint } = shop.spec('data');
    expect(tagsOf(one)).toEqual({ ...tags, size_gib: '20' });
    const { FileSystemId } = one;
    const { MountTargets = [] } = await efs.send(new DescribeMountTargetsCommand({ FileSystemId }));
    expect(MountTargets.map(({ SubnetId }) => SubnetId).sort()).toEqual([...scene.foundation.tasks.subnets].sort());
    for (const { MountTargetId } of MountTargets) {
      const groups = await efs.send(new DescribeMountTargetSecurityGroupsCommand({ MountTargetId }));
      expect(groups.SecurityGroups).toEqual([scene.foundation.securityGroups.app]);
    }
    const { AccessPoints = [] } = await efs.send(new DescribeAccessPointsCommand({ FileSystemId }));
    const [point] = AccessPoints;
    expect(AccessPoints).toHaveLength(1);
    expect(point?.RootDirectory).toMatchObject({ Path: '/volume', CreationInfo: { Permissions: '0777' } });
    expect(volume).toEqual({
      id: 'data',
      kind: 'files',
      phase: 'active',
      sizeGiB: 20,
      fingerprint,
      tags,
      handle: { fileSystemId: FileSystemId, accessPointId: point?.AccessPointId },
    });
    expect(await readVolume('data')).toEqual({ ...volume, usedBytes: 0 });
  });

  test('that is as asked is not written again; a larger size is kept, and what others tagged stays', async () => {
    await shop.make(shop.spec('data'));
    const { FileSystemId: ResourceId } = await only();
    const Tags = [{ Key: 'cost-centre', Value: '7' }];
    await scene.raw.efs.send(new TagResourceCommand({ ResourceId, Tags }));
    const { mutations } = scene.wire;
    await shop.make(shop.spec('data'));
    expect(scene.wire.mutations).toBe(mutations);
    expect((await shop.make(shop.spec('data', { sizeGiB: 50 }))).sizeGiB).toBe(50);
    expect((await shop.make(shop.spec('data'))).sizeGiB).toBe(50);
    expect((await readVolume('data'))?.sizeGiB).toBe(50);
    expect(tagsOf(await only())).toEqual({ ...shop.spec('data').tags, size_gib: '50', 'cost-centre': '7' });
    expect(scene.wire.mutations).toBe(mutations + 1);
  });

  test('takes what native says', async () => {
    await shop.make(shop.spec('data', { native: { ThroughputMode: 'bursting' } }));
    expect((await only()).ThroughputMode).toBe('bursting');
  });

  test('is gone with all that it is reached by, and can be removed again', async () => {
    await shop.make(shop.spec('data'));
    await shop.remove('data');
    await shop.remove('data');
    expect(await systems()).toEqual([]);
    expect((await scene.raw.efs.send(new DescribeAccessPointsCommand())).AccessPoints).toEqual([]);
  });

  test('that is foreign is neither changed nor removed', async () => {
    const CreationToken = shop.host.name(['clusternator', 'data'], { maxLength: 63 });
    await scene.raw.efs.send(new CreateFileSystemCommand({ CreationToken }));
    const { FileSystemId, Tags } = await only();
    await expect(shop.make(shop.spec('data'))).rejects.toMatchObject({ code: 'owned-by-other' });
    await expect(shop.remove('data')).rejects.toMatchObject({ code: 'owned-by-other' });
    expect(await volumes()).toEqual([]);
    expect(await only()).toMatchObject({ FileSystemId, Tags, NumberOfMountTargets: 0 });
    await scene.raw.efs.send(new DeleteFileSystemCommand({ FileSystemId }));
  });

  test('of another project or stage is not seen', async () => {
    const others = [await scene.tenant({ stage: 'next' }), await scene.tenant({ project: 'blog' })];
    for (const one of [shop, ...others]) await one.make(one.spec('data'));
    expect(await systems()).toHaveLength(3);
    await shop.remove('data');
    for (const one of others) {
      expect(await volumes(one)).toHaveLength(1);
      await one.remove('data');
    }
    expect(await systems()).toEqual([]);
  });

  test('can be had in any number', async () => {
    const ids = Array.from({ length: 12 }, (_, at) => `data-${String(at)}`);
    for (const id of ids) await shop.make(shop.spec(id));
    expect((await volumes()).map(({ id }) => id).sort()).toEqual(ids.sort());
  });

  test('is not made of another volume', async () => {
    const volume = await shop.make(shop.spec('data'));
    await expect(shop.make(shop.spec('other', { from: { volume } }))).rejects.toMatchObject({ code: 'unsupported' });
    expect(await systems()).toHaveLength(1);
  });
});
