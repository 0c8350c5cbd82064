import { afterAll, afterEach, beforeAll, describe, expect, test } from '@jest/globals';
import {
  AttachVolumeCommand,
  CreateSnapshotCommand,
  CreateTagsCommand,
  CreateVolumeCommand,
  DeleteSnapshotCommand,
  DeleteVolumeCommand,
  DescribeSnapshotsCommand,
  DescribeVolumesCommand,
  DetachVolumeCommand,
  RunInstancesCommand,
  TerminateInstancesCommand,
  type Volume as EbsVolume,
} from '@aws-sdk/client-ec2';
import { openScene, type StorageScene, type Tenant } from './testing/storage-scene.ts';

const disk = { kind: 'disk' } as const;

describe.each(['moto', 'ministack'] as const)('disks on EBS, as %s plays it', (emulator) => {
  let scene: StorageScene;
  let shop: Tenant;
  beforeAll(async () => {
    scene = await openScene(emulator);
    shop = await scene.tenant();
  }, 120_000);
  afterAll(() => scene.end());
  afterEach(async () => {
    for (const { id } of await volumes()) await shop.remove(id);
    for (const { id } of await snapshots()) await shop.remove(id, 'snapshots');
  });

  const volumes = (of = shop) => of.call('list', (call) => Array.fromAsync(of.storage.volumes.list(call)));
  const snapshots = (of = shop) => of.call('list', (call) => Array.fromAsync(of.storage.snapshots?.list(call) ?? []));
  const read = (id: string) => shop.call('read', (call) => shop.storage.volumes.read({ id }, call));
  const destroy = (id: string) => shop.call('destroy', (call) => shop.storage.volumes.destroy({ id }, call));
  const named = { Filters: [{ Name: 'tag-key', Values: ['clusternator_project'] }] };
  const ebs = async (): Promise<readonly EbsVolume[]> =>
    (await scene.raw.ec2.send(new DescribeVolumesCommand(named))).Volumes ?? [];
  const tagsOf = ({ Tags }: Pick<EbsVolume, 'Tags'>) =>
    Object.fromEntries((Tags ?? []).map(({ Key, Value }) => [Key, Value]));

  test('a disk is encrypted, of gp3, in the first zone, and has its tags', async () => {
    const spec = shop.spec('data', disk);
    const made = await shop.make(spec);
    const [one, ...others] = await ebs();
    expect(others).toEqual([]);
    expect(one).toMatchObject({
      Encrypted: true,
      VolumeType: 'gp3',
      Size: 20,
      AvailabilityZone: 'us-east-1a',
      State: 'available',
    });
    expect(tagsOf(one ?? {})).toEqual({ ...spec.tags, Name: expect.stringMatching(/^clusternator-data-/) });
    expect(made).toEqual({
      id: 'data',
      kind: 'disk',
      phase: 'active',
      sizeGiB: 20,
      fingerprint: spec.fingerprint,
      tags: spec.tags,
      handle: { volumeId: one?.VolumeId, zone: 'us-east-1a' },
    });
    expect(await read('data')).toEqual(made);
    expect(await volumes()).toEqual([made]);
  });

  test('what is as asked is not written again, grows when more is asked for, and keeps what others tagged', async () => {
    const { handle } = await shop.make(shop.spec('data', disk));
    const Tags = [{ Key: 'cost-centre', Value: '7' }];
    await scene.raw.ec2.send(new CreateTagsCommand({ Resources: [handle.volumeId ?? ''], Tags }));
    const { mutations } = scene.wire;
    await shop.make(shop.spec('data', disk));
    await (await scene.tenant()).make(shop.spec('data', disk));
    expect(scene.wire.mutations).toBe(mutations);
    expect((await shop.make(shop.spec('data', { ...disk, sizeGiB: 50 }))).sizeGiB).toBe(50);
    expect((await shop.make(shop.spec('data', disk))).sizeGiB).toBe(50);
    expect(tagsOf((await ebs())[0] ?? {})).toMatchObject({ 'cost-centre': '7' });
  });

  test('`native:` is laid over the request, and takes no tag away', async () => {
    const native = { VolumeType: 'gp2', AvailabilityZone: 'us-east-1b', TagSpecifications: [], ClientToken: 'theirs' };
    const spec = shop.spec('data', { ...disk, native });
    const { handle } = await shop.make(spec);
    const [one] = await ebs();
    expect([one?.VolumeType, handle.zone, one?.AvailabilityZone]).toEqual(['gp2', 'us-east-1b', 'us-east-1b']);
    expect(tagsOf(one ?? {})).toMatchObject(spec.tags);
  });

  test('one of its name that is not ours is another one, and stays', async () => {
    const { handle } = await shop.make(shop.spec('data', disk));
    const [one] = await ebs();
    const Tags = [{ Key: 'Name', Value: tagsOf(one ?? {}).Name ?? '' }];
    const theirs = await scene.raw.ec2.send(
      new CreateVolumeCommand({
        AvailabilityZone: 'us-east-1a',
        Size: 1,
        TagSpecifications: [{ ResourceType: 'volume', Tags }],
      }),
    );
    expect((await shop.make(shop.spec('data', disk))).handle).toEqual(handle);
    await shop.remove('data');
    const { VolumeId = '' } = theirs;
    const left = await scene.raw.ec2.send(new DescribeVolumesCommand({ VolumeIds: [VolumeId] }));
    expect(left.Volumes).toHaveLength(1);
    await scene.raw.ec2.send(new DeleteVolumeCommand({ VolumeId }));
  });

  test('what a machine has stays until it ends, and the refusal names it', async () => {
    const { handle } = await shop.make(shop.spec('data', disk));
    const { ec2 } = scene.raw;
    const [SubnetId] = scene.foundation.tasks.subnets;
    const run = { ImageId: 'ami-12c6146b', InstanceType: 't3.micro' as const, MinCount: 1, MaxCount: 1, SubnetId };
    const { Instances } = await ec2.send(new RunInstancesCommand(run));
    const InstanceId = Instances?.[0]?.InstanceId ?? '';
    const VolumeId = handle.volumeId ?? '';
    await ec2.send(new AttachVolumeCommand({ VolumeId, InstanceId, Device: '/dev/sdf' }));
    const before = scene.wire.mutations;
    await expect(destroy('data')).rejects.toMatchObject({
      code: 'conflict',
      message: expect.stringContaining(InstanceId),
    });
    expect(scene.wire.mutations).toBe(before);
    await ec2.send(new TerminateInstancesCommand({ InstanceIds: [InstanceId] }));
    // As EC2 does while it ends.
    await destroy('data');
    await ec2.send(new DetachVolumeCommand({ VolumeId, InstanceId })).catch(() => undefined); // MiniStack has done it
    await shop.remove('data');
    expect(await ebs()).toEqual([]);
  });

  test('a snapshot is of its volume alone, outlives it, and is restored as a new one, not smaller than it was', async () => {
    const volume = await shop.make(shop.spec('data', disk));
    const spec = shop.snapshotSpec('p1', volume);
    const taken = await shop.take(spec);
    expect(taken).toMatchObject({
      id: 'p1',
      phase: 'active',
      volume: 'data',
      fingerprint: spec.fingerprint,
      tags: spec.tags,
      handle: { snapshotId: expect.stringMatching(/^snap-/), sizeGiB: '20' },
    });
    expect(Math.abs(taken.takenAt.getTime() - Date.now())).toBeLessThan(600_000);
    const other = await shop.make(shop.spec('other', disk));
    const before = scene.wire.mutations;
    expect(await shop.take(shop.snapshotSpec('p1', other))).toEqual(taken);
    expect(scene.wire.mutations).toBe(before);
    expect(await snapshots()).toEqual([taken]);

    await shop.remove('data');
    const restored = await shop.make(shop.spec('again', { ...disk, sizeGiB: 5, from: { snapshot: taken } }));
    expect(restored).toMatchObject({ kind: 'disk', sizeGiB: 20 });
    expect(restored.handle.volumeId).not.toBe(volume.handle.volumeId);
    const one = (await ebs()).find(({ VolumeId }) => VolumeId === restored.handle.volumeId);
    expect(one).toMatchObject({ SnapshotId: taken.handle.snapshotId, Encrypted: true });
    await shop.remove('p1', 'snapshots');
    const { Snapshots = [] } = await scene.raw.ec2.send(new DescribeSnapshotsCommand(named));
    expect(Snapshots).toEqual([]);
  });

  test('what an interrupted call made beside it is told once, and goes with it', async () => {
    const volume = await shop.make(shop.spec('data', disk));
    const [{ Tags = [], AvailabilityZone } = {}] = await ebs();
    const TagSpecifications = [{ ResourceType: 'volume' as const, Tags }];
    await scene.raw.ec2.send(new CreateVolumeCommand({ AvailabilityZone, Size: 5, TagSpecifications }));
    expect(await ebs()).toHaveLength(2);
    expect((await volumes()).map(({ id, handle }) => [id, handle])).toEqual([['data', volume.handle]]);
    await shop.remove('data');
    expect(await ebs()).toEqual([]);
  });

  test('a snapshot with the tags of its volume, as AWS Backup makes them, is not ours, and stays', async () => {
    const { handle } = await shop.make(shop.spec('data', disk));
    const [{ Tags = [], VolumeId } = {}] = await ebs();
    expect(VolumeId).toBe(handle.volumeId);
    const TagSpecifications = [{ ResourceType: 'snapshot' as const, Tags }];
    const { SnapshotId = '' } = await scene.raw.ec2.send(new CreateSnapshotCommand({ VolumeId, TagSpecifications }));
    expect(await snapshots()).toEqual([]);
    await shop.remove('data');
    const { Snapshots = [] } = await scene.raw.ec2.send(new DescribeSnapshotsCommand(named));
    expect(Snapshots.map((one) => one.SnapshotId)).toEqual([SnapshotId]);
    await scene.raw.ec2.send(new DeleteSnapshotCommand({ SnapshotId }));
  });

  test('of what is no snapshot of a disk nothing is made', async () => {
    const volume = await shop.make(shop.spec('data', disk));
    await expect(shop.make(shop.spec('again', { ...disk, from: { volume } }))).rejects.toMatchObject({
      code: 'unsupported',
      detail: { path: 'from' },
    });
    expect((await volumes()).map(({ id }) => id)).toEqual(['data']);
  });

  test('two projects and two stages see their own alone', async () => {
    const [blog, staging] = [await scene.tenant({ project: 'blog' }), await scene.tenant({ stage: 'staging' })];
    for (const by of [shop, blog, staging]) await by.make(by.spec('same', disk));
    for (const by of [shop, blog, staging]) expect((await volumes(by)).map(({ id }) => id)).toEqual(['same']);
    await shop.remove('same');
    for (const by of [blog, staging]) {
      expect((await volumes(by)).map(({ id }) => id)).toEqual(['same']);
      await by.remove('same');
    }
  });
});
