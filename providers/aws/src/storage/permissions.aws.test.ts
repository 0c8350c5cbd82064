import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { AttachVolumeCommand, DetachVolumeCommand, RunInstancesCommand } from '@aws-sdk/client-ec2';
import type { WireCall } from '@clusternator/conformance';
import { storagePermissions } from './permissions.ts';
import { openScene, type StorageScene, type Tenant } from './testing/storage-scene.ts';

let scene: StorageScene;
let shop: Tenant;
beforeAll(async () => {
  scene = await openScene('moto');
  shop = await scene.tenant();
}, 120_000);
afterAll(() => scene.end());

const postgres = { kind: 'database', engine: { name: 'postgres', version: '17' } } as const;
/** What AWS asks for beside the call itself. */
const IMPLIED = [
  'ec2:CreateNetworkInterface',
  'ec2:CreateTags',
  'ec2:DeleteNetworkInterface',
  'ec2:DescribeNetworkInterfaces',
  'kms:DescribeKey',
  'rds:AddTagsToResource',
  'secretsmanager:CreateSecret',
];
/** Of those that take forms, by the version of their interface; the others are of RDS. */
const FORMS: Readonly<Record<string, string>> = { '2011-06-15': 'sts', '2016-11-15': 'ec2' };
const EFS: readonly (readonly [RegExp, string])[] = [
  [/^GET .*\/file-systems/, 'DescribeFileSystems'],
  [/^GET .*\/mount-targets/, 'DescribeMountTargets'],
  [/^GET .*\/access-points/, 'DescribeAccessPoints'],
  [/^POST .*\/file-systems/, 'CreateFileSystem'],
  [/^POST .*\/mount-targets/, 'CreateMountTarget'],
  [/^POST .*\/access-points/, 'CreateAccessPoint'],
  [/^POST .*\/resource-tags/, 'TagResource'],
  [/^DELETE .*\/file-systems/, 'DeleteFileSystem'],
  [/^DELETE .*\/mount-targets/, 'DeleteMountTarget'],
  [/^DELETE .*\/access-points/, 'DeleteAccessPoint'],
];

function actionOf({ method, path, headers, body }: WireCall): string {
  const target = headers['x-amz-target'];
  if (target !== undefined) return target.replace('.', ':');
  const form = new URLSearchParams(body.toString());
  const action = form.get('Action');
  if (action !== null) return `${FORMS[form.get('Version') ?? ''] ?? 'rds'}:${action}`;
  const found = EFS.find(([pattern]) => pattern.test(`${method} ${path}`));
  return `elasticfilesystem:${found?.[1] ?? `${method} ${path}`}`;
}

test('what is declared is what is used, once AWS’s own conditions are counted', async () => {
  const volume = await shop.make(shop.spec('data', postgres));
  await shop.make(shop.spec('data', { ...postgres, sizeGiB: 40 }));
  const snapshot = await shop.take(shop.snapshotSpec('p1', volume));
  await shop.make(shop.spec('again', { ...postgres, from: { snapshot } }));
  await shop.make(shop.spec('past', { ...postgres, from: { volume } }));
  const disk = await shop.make(shop.spec('disk', { kind: 'disk' }));
  await shop.make(shop.spec('disk', { kind: 'disk', sizeGiB: 40 }));
  await shop.take(shop.snapshotSpec('p2', disk));
  const { ec2 } = scene.raw;
  const [SubnetId] = scene.foundation.tasks.subnets;
  const { Instances } = await ec2.send(
    new RunInstancesCommand({ ImageId: 'ami-12c6146b', InstanceType: 't3.micro', MinCount: 1, MaxCount: 1, SubnetId }),
  );
  const InstanceId = Instances?.[0]?.InstanceId;
  const VolumeId = disk.handle.volumeId;
  await ec2.send(new AttachVolumeCommand({ VolumeId, InstanceId, Device: '/dev/sdf' }));
  await expect(shop.remove('disk')).rejects.toMatchObject({ code: 'conflict' });
  await ec2.send(new DetachVolumeCommand({ VolumeId, InstanceId }));
  await shop.make(shop.spec('files'));
  await shop.make(shop.spec('files', { sizeGiB: 40 }));
  await shop.call('list', (call) => Array.fromAsync(shop.storage.volumes.list(call)));
  await shop.call('list', (call) => Array.fromAsync(shop.storage.snapshots?.list(call) ?? []));
  for (const id of ['data', 'again', 'past', 'files', 'disk']) await shop.remove(id);
  for (const id of ['p1', 'p2']) await shop.remove(id, 'snapshots');
  // RDS tags the secret of an instance as it makes both, so that there is nothing to do. Of one that it made later it does not.
  const used = new Set([...scene.wire.calls.map(actionOf), ...IMPLIED, 'secretsmanager:TagResource']);
  used.delete('sts:GetCallerIdentity'); // whoever is known may ask who they are
  const declared = new Set(storagePermissions({ region: 'eu-west-1' }).map(({ action }) => action));
  expect([...used].sort()).toEqual([...declared].sort());
});

test('no resource is wider than its service lets it be', () => {
  const everything = storagePermissions({ region: 'eu-west-1' }).filter(({ resource }) => resource === '*');
  expect(everything.map(({ action }) => action.split(':')[0])).toEqual(everything.map(() => 'ec2'));
  for (const { resource } of storagePermissions({ region: 'eu-west-1' })) {
    if (resource !== '*') expect(resource).toMatch(/^arn:aws:[a-z0-9]+:eu-west-1:\*?:/);
  }
});
