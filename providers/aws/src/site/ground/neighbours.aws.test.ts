import { afterAll, afterEach, beforeAll, expect, test } from '@jest/globals';
import { ListCertificatesCommand, ListTagsForCertificateCommand, RequestCertificateCommand } from '@aws-sdk/client-acm';
import {
  CreateDistributionCommand,
  GetDistributionConfigCommand,
  UpdateDistributionCommand,
  DeleteDistributionCommand,
  CreateKeyValueStoreCommand,
  DeleteKeyValueStoreCommand,
  DescribeKeyValueStoreCommand,
  GetFunctionCommand,
  UpdateFunctionCommand,
  DescribeFunctionCommand,
  type DistributionConfig,
} from '@aws-sdk/client-cloudfront';
import {
  DeleteBucketPolicyCommand,
  GetBucketPolicyCommand,
  PutBucketPolicyCommand,
  PutObjectCommand,
} from '@aws-sdk/client-s3';
import { inventory, openGroundScene, type GroundScene, type GroundTenant } from '../testing/ground-scene.ts';
import { routerCode } from '../router-code.ts';

const DOMAIN = 'preview.example.com';
let scene: GroundScene;
let shop: GroundTenant;
beforeAll(async () => {
  scene = await openGroundScene();
  shop = scene.tenant();
}, 120_000);
afterEach(() => shop.remove());
afterAll(() => scene.end());

async function configOf(Id: string): Promise<{ readonly config: DistributionConfig; readonly etag: string }> {
  const { DistributionConfig, ETag = '' } = await scene.raw.cloudFront.send(new GetDistributionConfigCommand({ Id }));
  if (!DistributionConfig) throw new Error(`there is no ${Id}`);
  return { config: DistributionConfig, etag: ETag };
}

async function policyOf(Bucket: string): Promise<{ readonly Statement: readonly { readonly Sid?: string }[] }> {
  const { Policy = '' } = await scene.raw.s3.send(new GetBucketPolicyCommand({ Bucket }));
  return JSON.parse(Policy) as { Statement: { Sid?: string }[] }; // S3 takes no other
}

test('what was changed by hand is mended, and what somebody added stays', async () => {
  const { outputs } = await shop.make(DOMAIN);
  const { cloudFront, s3 } = scene.raw;
  const { bucket = '', distribution } = outputs ?? {};
  const Id = distribution?.id ?? '';
  const Name = (outputs?.keyValueStore ?? '').split('/').at(-1) ?? '';
  const deny = {
    Sid: 'Theirs',
    Effect: 'Deny',
    Principal: '*',
    Action: 's3:PutObjectAcl',
    Resource: `arn:aws:s3:::${bucket}/*`,
  };
  await s3.send(
    new PutBucketPolicyCommand({
      Bucket: bucket,
      Policy: JSON.stringify({ Version: '2012-10-17', Statement: [deny] }),
    }),
  );
  const { config, etag } = await configOf(Id);
  const theirs = {
    ...config,
    PriceClass: 'PriceClass_100' as const,
    Enabled: false,
    Aliases: { Quantity: 1, Items: ['www.example.org'] },
  };
  await cloudFront.send(new UpdateDistributionCommand({ Id, IfMatch: etag, DistributionConfig: theirs }));
  const { ETag, FunctionSummary } = await cloudFront.send(new DescribeFunctionCommand({ Name, Stage: 'DEVELOPMENT' }));
  const FunctionConfig = { Comment: 'theirs', Runtime: FunctionSummary?.FunctionConfig?.Runtime };
  await cloudFront.send(
    new UpdateFunctionCommand({
      Name,
      IfMatch: ETag,
      FunctionConfig,
      FunctionCode: Buffer.from('function handler(e) { return e.request; }'),
    }),
  );

  expect(await shop.read()).toMatchObject({ phase: 'creating' });
  await shop.make(DOMAIN);
  expect((await configOf(Id)).config).toMatchObject({
    PriceClass: 'PriceClass_100',
    Enabled: true,
    Aliases: { Items: [`*.${DOMAIN}`, 'www.example.org'] },
  });
  expect((await policyOf(bucket)).Statement.map(({ Sid }) => Sid)).toEqual([
    'Theirs',
    'ClusternatorSitesRead',
    'ClusternatorSitesLook',
  ]);
  const { FunctionCode } = await cloudFront.send(new GetFunctionCommand({ Name, Stage: 'LIVE' }));
  expect(Buffer.from(FunctionCode ?? []).toString()).toBe(routerCode);
  await s3.send(new DeleteBucketPolicyCommand({ Bucket: bucket }));
  await shop.make(DOMAIN);
  expect((await policyOf(bucket)).Statement).toHaveLength(2);
});

test('another domain changes it in place, and its bucket is emptied with it', async () => {
  const before = await shop.make(DOMAIN);
  await scene.raw.s3.send(
    new PutObjectCommand({ Bucket: before.outputs?.bucket, Key: 'sites/a/index.html', Body: 'a' }),
  );
  const after = await shop.make('next.example.com');
  expect(after.outputs).toEqual({ ...before.outputs, domain: 'next.example.com' });
  expect((await configOf(after.outputs?.distribution.id ?? '')).config.Aliases?.Items).toEqual(['*.next.example.com']);
  expect(await inventory(scene.raw)).toMatchObject({ certificate: 1, distribution: 1 });
});

test('of two certificates, as an interrupted change of the domain leaves them, neither stays', async () => {
  await shop.make(DOMAIN);
  const { acm } = scene.raw;
  const { CertificateSummaryList } = await acm.send(new ListCertificatesCommand({}));
  const CertificateArn = CertificateSummaryList?.[0]?.CertificateArn;
  const { Tags } = await acm.send(new ListTagsForCertificateCommand({ CertificateArn }));
  await acm.send(new RequestCertificateCommand({ DomainName: '*.former.example.com', Tags }));
  await shop.remove();
  expect(await inventory(scene.raw)).toEqual({});
});

test('what has the name of ours and is somebody else’s is refused and left; another distribution is no matter', async () => {
  const { cloudFront } = scene.raw;
  const bakery = scene.tenant({}, { project: 'bakery' });
  const Name = bakery.host.name(['clusternator', 'sites'], { maxLength: 63 });
  await cloudFront.send(new CreateKeyValueStoreCommand({ Name }));
  await expect(bakery.make(DOMAIN)).rejects.toMatchObject({ code: 'owned-by-other' });
  await expect(bakery.remove()).rejects.toMatchObject({ code: 'owned-by-other' });
  const { ETag: IfMatch } = await cloudFront.send(new DescribeKeyValueStoreCommand({ Name }));
  await cloudFront.send(new DeleteKeyValueStoreCommand({ Name, IfMatch }));

  const mine = await shop.make(DOMAIN);
  const { config } = await configOf(mine.outputs?.distribution.id ?? '');
  const theirs = { ...config, CallerReference: 'theirs', Comment: 'theirs', Enabled: false };
  const { Distribution } = await cloudFront.send(new CreateDistributionCommand({ DistributionConfig: theirs }));
  await shop.remove();
  const Id = Distribution?.Id ?? '';
  await cloudFront.send(new DeleteDistributionCommand({ Id, IfMatch: (await configOf(Id)).etag }));
});

test('from another region it is told where it is: neither changed, nor removed, nor made again', async () => {
  const made = await shop.make(DOMAIN);
  const elsewhere = scene.tenant({ region: 'eu-west-1' });
  const before = scene.wire.mutations;
  const refusals = [() => elsewhere.make(DOMAIN), () => elsewhere.read(), () => elsewhere.remove()];
  for (const refused of refusals) await expect(refused()).rejects.toMatchObject({ code: 'denied' });
  expect(scene.wire.mutations).toBe(before);
  expect(await shop.read()).toEqual(made);
});
