import { afterAll, beforeAll, expect, test } from '@jest/globals';
import {
  DescribeFunctionCommand,
  GetDistributionConfigCommand,
  UpdateDistributionCommand,
  UpdateFunctionCommand,
} from '@aws-sdk/client-cloudfront';
import { PutObjectCommand } from '@aws-sdk/client-s3';
import type { WireCall } from '@clusternator/conformance';
import { siteGroundPermissions } from './ground/permissions.ts';
import { sitePermissions } from './permissions.ts';
import { openGroundScene, type GroundScene } from './testing/ground-scene.ts';
import { openSiteScene, type SiteScene } from './testing/site-scene.ts';

let ground: GroundScene;
let scene: SiteScene;
beforeAll(async () => {
  ground = await openGroundScene();
  scene = await openSiteScene();
}, 120_000);
afterAll(async () => {
  await ground.end();
  await scene.end();
});

/** What AWS asks for beside the call itself, when things are made with tags and versions are removed. */
const IMPLIED = ['acm:AddTagsToCertificate', 'cloudfront:TagResource', 's3:TagResource'];
const KINDS: Readonly<Record<string, string>> = {
  distribution: 'Distribution',
  function: 'Function',
  'key-value-store': 'KeyValueStore',
  'origin-access-control': 'OriginAccessControl',
};
const VERBS: Readonly<Record<string, string>> = { GET: 'Get', POST: 'Create', PUT: 'Update', DELETE: 'Delete' };
const S3: readonly (readonly [RegExp, string])[] = [
  [/^GET .*[?&]publicAccessBlock/, 'GetBucketPublicAccessBlock'],
  [/^PUT .*[?&]publicAccessBlock/, 'PutBucketPublicAccessBlock'],
  [/^GET .*[?&]tagging/, 'GetBucketTagging'],
  [/^GET .*[?&]versioning/, 'GetBucketVersioning'],
  [/^PUT .*[?&]versioning/, 'PutBucketVersioning'],
  [/^GET .*[?&]versions/, 'ListBucketVersions'],
  [/^GET .*[?&]policy/, 'GetBucketPolicy'],
  [/^PUT .*[?&]policy/, 'PutBucketPolicy'],
  [/^DELETE .*[?&]policy/, 'DeleteBucketPolicy'],
  [/^POST .*[?&]delete/, 'DeleteObject'],
  [/^GET .*[?&]list-type/, 'ListBucket'],
  [/^DELETE /, 'DeleteBucket'],
  [/^PUT \/[^/?]+\/?(?:$|\?)/, 'CreateBucket'],
  [/^PUT /, 'PutObject'],
  [/^GET /, 'GetObject'],
];

function actionOf({ method, path, headers, body }: WireCall): string {
  const service =
    /Credential=[^/]+\/\d+\/(?:[^/]+\/)??([a-z0-9-]+)\/aws4_request/.exec(headers.authorization ?? '')?.[1] ?? '';
  if (service === 'cloudfront') return `cloudfront:${ofCloudFront(method, path)}`;
  if (service === 'cloudfront-keyvaluestore') return `${service}:${ofStore(method, path)}`;
  const action = headers['x-amz-target']?.split('.').at(-1) ?? new URLSearchParams(body.toString()).get('Action');
  return `${service}:${action ?? S3.find(([pattern]) => pattern.test(`${method} ${path}`))?.[1] ?? `${method} ${path}`}`;
}

/** As in `/2020-05-31/distribution/<id>/config`. */
function ofCloudFront(method: string, path: string): string {
  const [, , resource = '', id, more = ''] = path.replace(/\?.*$/, '').split('/');
  if (resource === 'tagging') return method === 'GET' ? 'ListTagsForResource' : 'TagResource';
  const kind = KINDS[resource] ?? resource;
  if (method === 'GET' && id === undefined) return `List${kind}s`;
  if (more === 'publish') return `Publish${kind}`;
  if (method === 'GET' && more === 'describe') return `Describe${kind}`;
  if (method === 'GET' && resource === 'key-value-store') return `Describe${kind}`;
  return `${VERBS[method] ?? method}${kind}${method === 'GET' && more === 'config' ? 'Config' : ''}`;
}

function ofStore(method: string, path: string): string {
  if (!path.includes('/keys')) return 'DescribeKeyValueStore';
  if (method === 'POST') return 'UpdateKeys';
  return /\/keys\/./.test(path) ? 'GetKey' : 'ListKeys';
}

test('what is declared of a foundation of sites is what is used, once AWS’s own conditions are counted', async () => {
  const shop = ground.tenant();
  const { outputs } = await shop.make('one.example');
  const { cloudFront, s3 } = ground.raw;
  await s3.send(new PutObjectCommand({ Bucket: outputs?.bucket, Key: 'sites/a', Body: 'a' }));
  const Id = outputs?.distribution.id;
  const { DistributionConfig, ETag } = await cloudFront.send(new GetDistributionConfigCommand({ Id }));
  if (!DistributionConfig) throw new Error('it is there');
  await cloudFront.send(
    new UpdateDistributionCommand({ Id, IfMatch: ETag, DistributionConfig: { ...DistributionConfig, Enabled: false } }),
  );
  const Name = outputs?.keyValueStore.split('/').at(-1);
  const is = await cloudFront.send(new DescribeFunctionCommand({ Name, Stage: 'DEVELOPMENT' }));
  const FunctionConfig = { Comment: 'theirs', Runtime: 'cloudfront-js-2.0' as const };
  await cloudFront.send(
    new UpdateFunctionCommand({
      Name,
      IfMatch: is.ETag,
      FunctionConfig,
      FunctionCode: Buffer.from('function handler() {}'),
    }),
  );
  await shop.make('two.example');
  await ground.tenant().remove();
  const used = new Set([...ground.wire.calls.map(actionOf), ...IMPLIED, 's3:DeleteObjectVersion']);
  used.delete('sts:GetCallerIdentity'); // whoever is known may ask who they are
  expect([...used].sort()).toEqual([...new Set(siteGroundPermissions.map(({ action }) => action))].sort());
});

test('what is declared of environments and slots of sites is what is used', async () => {
  const shop = await scene.tenant();
  const lift = scene.wire.impose({
    when: ({ path }) => path.includes('/sites/'),
    fault: { kind: 'reset', after: false },
  });
  await shop.make(shop.spec('a1')).catch(() => undefined);
  lift();
  const made = await shop.make(shop.spec('a1'));
  const slot = await shop.call('ensure', (call) => shop.slots.ensure(shop.slotSpec('main'), call));
  await shop.call('route', (call) => shop.slots.route(slot, [{ handle: made.handle, percent: 100 }], '1', call));
  await shop.call('destroy', (call) => shop.slots.destroy({ id: 'main' }, call));
  await shop.remove('a1');
  const used = new Set([...scene.wire.calls.map(actionOf), 's3:DeleteObjectVersion']);
  expect([...used].sort()).toEqual([...new Set(sitePermissions.map(({ action }) => action))].sort());
});

test('no resource is wider than its service lets it be', () => {
  const anything = [...siteGroundPermissions, ...sitePermissions].filter(({ resource }) => resource === '*');
  expect([...new Set(anything.map(({ action }) => action))].sort()).toEqual([
    'acm:ListCertificates',
    'acm:RequestCertificate',
    'cloudfront:ListDistributions',
    'cloudfront:ListOriginAccessControls',
  ]);
});
