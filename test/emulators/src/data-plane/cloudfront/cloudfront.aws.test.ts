import { execFile } from 'node:child_process';
import { promisify } from 'node:util';
import {
  type CloudFrontClient,
  CreateDistributionCommand,
  CreateFunctionCommand,
  CreateKeyValueStoreCommand,
  CreateOriginAccessControlCommand,
  PublishFunctionCommand,
  UpdateFunctionCommand,
} from '@aws-sdk/client-cloudfront';
import { DescribeKeyValueStoreCommand, UpdateKeysCommand } from '@aws-sdk/client-cloudfront-keyvaluestore';
import { ChangeResourceRecordSetsCommand, CreateHostedZoneCommand } from '@aws-sdk/client-route-53';
import {
  CreateBucketCommand,
  DeleteBucketPolicyCommand,
  DeleteObjectCommand,
  PutBucketPolicyCommand,
  PutObjectCommand,
} from '@aws-sdk/client-s3';
import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { startEmulator, type Emulator } from '../../emulator.ts';
import { eventually, loadDuring } from '../../traffic.ts';
import { clientsAt, closeAll, type Clients } from '../clients.ts';
import { startDataPlane, type DataPlane } from '../data-plane.ts';

const ZONE = 'plane.example';
const BUCKET = 'files';
const CODE = `import cf from 'cloudfront';
import crypto from 'crypto';
async function handler(event) {
  const store = cf.kvs();
  if (event.response) {
    event.response.headers['x-digest'] = { value: crypto.createHash('sha256').update(event.request.uri).digest('hex') };
    return event.response;
  }
  const host = event.request.headers.host.value;
  if (!(await store.exists(host))) return { statusCode: 404, statusDescription: 'Not Found', body: 'unknown' };
  const { folder } = await store.get(host, { format: 'json' });
  event.request.uri = '/' + folder + event.request.uri;
  return event.request;
}`;

let emulator: Emulator;
let plane: DataPlane;
let clients: Clients;
let store = '';
let distribution = '';
/** MiniStack alone: moto has no published functions, and no keys. */
beforeAll(async () => {
  emulator = await startEmulator('ministack', 'all');
  plane = await startDataPlane({ emulator: emulator.url });
  clients = clientsAt(plane.endpoint, 'us-east-1');
  await makeDistribution(clients.cloudFront);
  await allow(['s3:GetObject', 's3:ListBucket']);
  for (const folder of ['a', 'b']) await put(`${folder}/page.txt`, folder);
}, 120_000);
afterAll(async () => {
  closeAll(clients);
  await plane.end();
  await emulator.end();
});

async function makeDistribution(cloudFront: CloudFrontClient): Promise<void> {
  const { s3, route53 } = clients;
  await s3.send(new CreateBucketCommand({ Bucket: BUCKET }));
  const { KeyValueStore } = await cloudFront.send(new CreateKeyValueStoreCommand({ Name: 'hosts' }));
  store = KeyValueStore?.ARN ?? '';
  const FunctionConfig = {
    Comment: '',
    Runtime: 'cloudfront-js-2.0' as const,
    KeyValueStoreAssociations: { Quantity: 1, Items: [{ KeyValueStoreARN: store }] },
  };
  const made = await cloudFront.send(
    new CreateFunctionCommand({ Name: 'lead', FunctionConfig, FunctionCode: Buffer.from(CODE) }),
  );
  await cloudFront.send(new PublishFunctionCommand({ Name: 'lead', IfMatch: made.ETag }));
  const changed = {
    Name: 'lead',
    IfMatch: made.ETag,
    FunctionConfig,
    FunctionCode: Buffer.from('function handler() {}'),
  };
  await cloudFront.send(new UpdateFunctionCommand(changed)); // not published
  const OriginAccessControlConfig = {
    Name: 'files',
    OriginAccessControlOriginType: 's3' as const,
    SigningBehavior: 'always' as const,
    SigningProtocol: 'sigv4' as const,
  };
  const { OriginAccessControl } = await cloudFront.send(
    new CreateOriginAccessControlCommand({ OriginAccessControlConfig }),
  );
  const FunctionARN = made.FunctionSummary?.FunctionMetadata?.FunctionARN;
  const { Distribution } = await cloudFront.send(
    new CreateDistributionCommand({
      DistributionConfig: {
        CallerReference: 'one',
        Comment: '',
        Enabled: true,
        Aliases: { Quantity: 1, Items: [`*.${ZONE}`] },
        Origins: {
          Quantity: 1,
          Items: [
            {
              Id: 'files',
              DomainName: `${BUCKET}.s3.us-east-1.amazonaws.com`,
              S3OriginConfig: { OriginAccessIdentity: '' },
              OriginAccessControlId: OriginAccessControl?.Id,
            },
          ],
        },
        DefaultCacheBehavior: {
          TargetOriginId: 'files',
          ViewerProtocolPolicy: 'redirect-to-https',
          FunctionAssociations: {
            Quantity: 2,
            Items: [
              { EventType: 'viewer-request', FunctionARN },
              { EventType: 'viewer-response', FunctionARN },
            ],
          },
        },
      },
    }),
  );
  distribution = Distribution?.ARN ?? '';
  const { HostedZone } = await route53.send(new CreateHostedZoneCommand({ Name: ZONE, CallerReference: 'one' }));
  const ResourceRecordSet = {
    Name: `*.${ZONE}`,
    Type: 'CNAME' as const,
    TTL: 60,
    ResourceRecords: [{ Value: Distribution?.DomainName }],
  };
  const ChangeBatch = { Changes: [{ Action: 'CREATE' as const, ResourceRecordSet }] };
  await route53.send(new ChangeResourceRecordSetsCommand({ HostedZoneId: HostedZone?.Id, ChangeBatch }));
}

async function allow(actions: readonly string[], source = distribution): Promise<void> {
  const Statement = actions.map((Action) => ({
    Effect: 'Allow',
    Principal: { Service: 'cloudfront.amazonaws.com' },
    Action,
    Resource: `arn:aws:s3:::${BUCKET}${Action === 's3:GetObject' ? '/*' : ''}`,
    Condition: { StringEquals: { 'AWS:SourceArn': source } },
  }));
  await clients.s3.send(
    new PutBucketPolicyCommand({ Bucket: BUCKET, Policy: JSON.stringify({ Version: '2012-10-17', Statement }) }),
  );
}

async function put(Key: string, Body: string): Promise<void> {
  await clients.s3.send(new PutObjectCommand({ Bucket: BUCKET, Key, Body, ContentType: 'text/plain; charset=utf-8' }));
}

async function lead(host: string, folder: string): Promise<void> {
  const { ETag } = await clients.stores.send(new DescribeKeyValueStoreCommand({ KvsARN: store }));
  const Puts = [{ Key: host, Value: JSON.stringify({ folder }) }];
  await clients.stores.send(new UpdateKeysCommand({ KvsARN: store, IfMatch: ETag, Puts }));
}

async function curl(...args: readonly string[]): Promise<string> {
  const all = ['--silent', '--proxy', plane.proxyUrl, '--cacert', plane.caFile, ...args];
  return (await promisify(execFile)('curl', all)).stdout;
}

/** What a URL answers: the text, or the status of a failure. */
async function ask(host: string, path = '/page.txt'): Promise<string> {
  const said = await curl('--write-out', '\n%{http_code}', `https://${host}.${ZONE}${path}`);
  const [status = ''] = said.split('\n').slice(-1);
  return status === '200' ? said.slice(0, -status.length - 1) : status;
}

test('a distribution answers by HTTPS with what its published function leads to, and functions see the answer too', async () => {
  await lead(`one.${ZONE}`, 'a');
  await eventually(async () => ((await ask('one')) === 'a' ? true : undefined));
  expect(await ask('two')).toBe('404');
  const headers = await curl('--head', `https://one.${ZONE}/page.txt`);
  expect(headers).toMatch(/^content-type: text\/plain; charset=utf-8\r$/im);
  expect(headers).toMatch(/^x-digest: [0-9a-f]{64}\r$/im);
  const [, etag = ''] = /^etag: (.*)\r$/im.exec(headers) ?? [];
  const url = `https://one.${ZONE}/page.txt`;
  expect(await curl('--header', `if-none-match: ${etag}`, '--write-out', '%{http_code}', url)).toBe('304');
  expect(await curl('--write-out', '%{redirect_url}', `http://one.${ZONE}/page.txt?q`)).toBe(`${url}?q`);
  expect(await curl('--request', 'PUT', '--output', '/dev/null', '--write-out', '%{http_code}', url)).toBe('403');
});

test('the bucket lets in whom its policy does, and says 404 where it may be listed', async () => {
  expect(await ask('one', '/none')).toBe('404');
  await allow(['s3:GetObject']);
  expect([await ask('one'), await ask('one', '/none')]).toEqual(['a', '403']);
  await allow(['s3:GetObject', 's3:ListBucket'], 'arn:aws:cloudfront::123456789012:distribution/OTHER');
  expect(await ask('one')).toBe('403');
  await clients.s3.send(new DeleteBucketPolicyCommand({ Bucket: BUCKET }));
  expect(await ask('one')).toBe('403');
  await allow(['s3:GetObject', 's3:ListBucket']);
  expect(await ask('one')).toBe('a');
});

test('a flip by the store under load loses nothing, and files that go before the flip are missed', async () => {
  const heard = (text: string) => eventually(async () => ((await ask('one')) === text ? true : undefined));
  const right = await loadDuring(
    () => ask('one'),
    async () => {
      await heard('a');
      await lead(`one.${ZONE}`, 'b');
      await heard('b');
      await clients.s3.send(new DeleteObjectCommand({ Bucket: BUCKET, Key: 'a/page.txt' }));
      await heard('b');
    },
  );
  expect(Object.keys(right).sort()).toEqual(['a', 'b']);
  await put('a/page.txt', 'a');
  const wrong = await loadDuring(
    () => ask('one'),
    async () => {
      await clients.s3.send(new DeleteObjectCommand({ Bucket: BUCKET, Key: 'b/page.txt' }));
      await heard('404');
      await lead(`one.${ZONE}`, 'a');
      await heard('a');
    },
  );
  expect(Object.keys(wrong)).toContain('404');
});
