import path from 'node:path';
import { ListObjectsV2Command, CreateBucketCommand, S3Client } from '@aws-sdk/client-s3';
import { CreateHostedZoneCommand, Route53Client } from '@aws-sdk/client-route-53';
import { startEmulator, type Emulator } from '@clusternator/emulators/emulator';
import { serveHostedZones, type DnsServer } from '@clusternator/emulators/route53-dns';
import { afterEach, beforeEach, expect, test } from '@jest/globals';

import { runProgram } from './cli.ts';
import { installProvider } from './install-provider.ts';
import { SlotApp } from './slot-app.ts';

const ZONE = 'shop.example';
const BUCKET = 'shop-state';
const REGION = 'eu-central-1';

let emulator: Emulator;
let servers: DnsServer;
let s3: S3Client;
let route53: Route53Client;
let app: SlotApp;

beforeEach(async () => {
  emulator = await startEmulator('ministack');
  const settings = {
    region: REGION,
    endpoint: emulator.url,
    credentials: { accessKeyId: 'e2e', secretAccessKey: 'e2e' },
  };
  s3 = new S3Client({ ...settings, forcePathStyle: true });
  route53 = new Route53Client(settings);
  await s3.send(new CreateBucketCommand({ Bucket: BUCKET, CreateBucketConfiguration: { LocationConstraint: REGION } }));
  await route53.send(new CreateHostedZoneCommand({ Name: ZONE, CallerReference: 'e2e' }));
  servers = await serveHostedZones(route53);
  app = await SlotApp.open({
    slot: `mechanism: dns, host: www.${ZONE}`,
    config: `dns: aws\nstate: { name: aws, region: ${REGION}, bucket: ${BUCKET} }\n`,
  });
  Object.assign(app.sandbox.env, {
    AWS_ENDPOINT_URL: emulator.url,
    AWS_ACCESS_KEY_ID: 'e2e',
    AWS_SECRET_ACCESS_KEY: 'e2e',
  });
  await installProvider(app.sandbox);
});
afterEach(async () => {
  await app[Symbol.asyncDispose]();
  s3.destroy();
  route53.destroy();
  await servers.end();
  await emulator.end();
});

async function dig(name: string): Promise<string> {
  const args = ['@127.0.0.1', '-p', String(servers.port), '+tries=1', '+short', name, 'A'];
  return (await runProgram('dig', args, { cwd: app.sandbox.folder, env: process.env })).stdout.trim();
}

test('environments here, DNS on Route 53 and state on S3: a slot moves its record, and another machine sees what there is', async () => {
  const a = await app.create('a');
  const b = await app.create('b');
  await app.move('promote', a.id, 'master');
  const addressA = await dig(`www.${ZONE}`);
  expect(addressA).toMatch(/^127\./);
  await app.move('promote', b.id, 'master');
  const addressB = await dig(`www.${ZONE}`);
  expect(addressB).not.toBe(addressA);
  await app.move('rollback', 'master');
  expect(await dig(`www.${ZONE}`)).toBe(addressA);

  const { Contents = [] } = await s3.send(new ListObjectsV2Command({ Bucket: BUCKET }));
  const { project } = app.sandbox;
  const keys = Contents.map(({ Key = '' }) => Key);
  expect(keys.filter((key) => !key.startsWith(`${project}/default/state/`))).toEqual([]);
  expect(keys).toEqual(expect.arrayContaining([a, b].map(({ id }) => `${project}/default/state/env/${id}`)));

  // With no file of ours but the config and the bucket.
  const env = { CLUSTERNATOR_STATE_HOME: path.join(app.sandbox.folder, 'elsewhere') };
  const { data } = await app.sandbox.json<{ environments: readonly { id: string }[] }>(['env', 'list'], { env });
  expect(data.environments.map(({ id }) => id).sort()).toEqual([a.id, b.id].sort());
}, 240_000);

test('a bucket that is not there is told with the way out', async () => {
  const { outcome, error } = await app.sandbox.json(['env', 'list', '--set', 'state.bucket=not-there']);
  expect({ exit: outcome.code, error }).toMatchObject({ exit: 2, error: { code: 'invalid', path: 'state.bucket' } });
  expect(error?.hint).toContain('aws s3 mb s3://not-there');
}, 120_000);
