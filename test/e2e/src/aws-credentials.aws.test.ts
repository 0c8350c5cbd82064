import { mkdtempSync, rmSync } from 'node:fs';
import { writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { CreateRoleCommand, IAMClient, PutRolePolicyCommand } from '@aws-sdk/client-iam';
import { CreateBucketCommand, S3Client } from '@aws-sdk/client-s3';
import { AssumeRoleCommand, STSClient } from '@aws-sdk/client-sts';
import { faultProxy, Wire, type FaultProxy, type WireCall } from '@clusternator/conformance';
import { startEmulator, type Emulator } from '@clusternator/emulators/emulator';
import { ANYTHING, Iam, type Statement } from '@clusternator/emulators/iam';
import { tagNewBuckets } from '@clusternator/emulators/tagged-buckets';
import { afterAll, afterEach, beforeAll, expect, test } from '@jest/globals';

import { AwsIdentities, writeAwsFolder, writeSession, type RoleKeys } from './aws-identities.ts';
import type { Answer } from './cli.ts';
import { installProvider } from './install-provider.ts';
import { Sandbox } from './sandbox.ts';

const REGION = 'us-east-1';
const BUCKET = 'shop-state';
const ROLES = 'arn:aws:iam::123456789012:role/';
const KEYS = { accessKeyId: 'e2e', secretAccessKey: 'e2e' };
const CONFIG = `project: PROJECT
provider: { name: aws }
state: { name: aws, bucket: ${BUCKET} }
services:
  web: { image: 'registry.example/web:{sha}', port: 8080, route: / }
`;

const METADATA = '/latest/meta-data/iam/security-credentials/';

const folder = mkdtempSync(path.join(tmpdir(), 'aws-credentials-'));
const wire = new Wire();
let emulator: Emulator;
let iam: Iam;
let buckets: Awaited<ReturnType<typeof tagNewBuckets>>;
let proxy: FaultProxy;
let sandbox: Sandbox;
let keys: RoleKeys;
let guest: RoleKeys;
let identities: AwsIdentities;
let laptop: AwsIdentities;

beforeAll(async () => {
  emulator = await startEmulator('moto');
  iam = await Iam.open(emulator.url);
  buckets = await tagNewBuckets(emulator.url, iam.admin);
  ({ keys, guest } = await makeKeys());
  identities = await AwsIdentities.start(keys);
  laptop = await AwsIdentities.start('silent');
  proxy = await faultProxy(wire, { url: buckets.url }, folder);
  sandbox = await Sandbox.open();
  await sandbox.repositoryOf({ 'clusternator.config.yaml': CONFIG, '.gitignore': 'node_modules/\n' });
  await installProvider(sandbox);
  await writeAwsFolder(sandbox.folder, { team: keys, guest });
  Object.assign(sandbox.env, {
    AWS_ENDPOINT_URL: 'url' in proxy.front ? proxy.front.url : '',
    AWS_REGION: REGION,
    AWS_EC2_METADATA_SERVICE_ENDPOINT: laptop.url,
  });
}, 120_000);
afterEach(async () => {
  wire.lift();
  await iam.enforce(false);
});
afterAll(async () => {
  await sandbox.dispose();
  await proxy.close();
  for (const server of [identities, laptop]) await server.end();
  await buckets.end();
  iam.end();
  await emulator.end();
  rmSync(folder, { recursive: true });
});

/** Of a role that may do anything, and of one that may do nothing with networks; with the bucket that state is in. */
async function makeKeys(): Promise<{ readonly keys: RoleKeys; readonly guest: RoleKeys }> {
  const settings = { region: REGION, endpoint: emulator.url, credentials: KEYS };
  const roles = new IAMClient(settings);
  const sts = new STSClient(settings);
  const s3 = new S3Client({ ...settings, forcePathStyle: true });
  const Version = '2012-10-17';
  const trusts = { Version, Statement: [{ Effect: 'Allow', Action: 'sts:*', Principal: { AWS: '*' } }] };
  const role = async (RoleName: string, Statement: readonly Statement[]): Promise<RoleKeys> => {
    await roles.send(new CreateRoleCommand({ RoleName, AssumeRolePolicyDocument: JSON.stringify(trusts) }));
    const PolicyDocument = JSON.stringify({ Version, Statement });
    await roles.send(new PutRolePolicyCommand({ RoleName, PolicyName: 'allowed', PolicyDocument }));
    const asked = new AssumeRoleCommand({ RoleArn: `${ROLES}${RoleName}`, RoleSessionName: 'e2e' });
    const { AccessKeyId = '', SecretAccessKey = '', SessionToken = '' } = (await sts.send(asked)).Credentials ?? {};
    return { AccessKeyId, SecretAccessKey, SessionToken };
  };
  // The emulator refuses in XML also what speaks JSON.
  const Action = ['acm', 'ecr', 'ecs', 'iam', 'logs', 's3', 'servicediscovery'].map((service) => `${service}:*`);
  const guests: readonly Statement[] = [{ Effect: 'Allow', Action, Resource: '*' }];
  const made = { keys: await role('deploy', ANYTHING), guest: await role('guest', guests) };
  await s3.send(new CreateBucketCommand({ Bucket: BUCKET }));
  for (const client of [roles, sts, s3]) client.destroy();
  return made;
}

/** In this environment. @returns With whose keys AWS was asked, and what was answered. */
async function run(args: readonly string[], env: Readonly<Record<string, string>>) {
  const from = wire.calls.length;
  const { data, outcome, error } = await sandbox.json(args, { env, timeoutSeconds: 120 });
  const askedWith = new Set(wire.since(from).map(keyOf));
  return { data, exit: outcome.code, error, askedWith: [...askedWith] };
}

function keyOf({ headers }: WireCall): string {
  return /Credential=([^/]+)\//.exec(headers.authorization ?? '')?.[1] ?? 'nobody';
}

/** Of S3, the method. */
function actionOf({ method, headers, body }: WireCall): string {
  const target = headers['x-amz-target']?.split('.').at(-1);
  return target ?? new URLSearchParams(body.toString()).get('Action') ?? { GET: 'Get' }[method] ?? method;
}

/** It was refused, with the way out. */
async function refusal(
  env: Readonly<Record<string, string>> = {},
  args: readonly string[] = ['foundation', 'create'],
): Promise<NonNullable<Answer['error']>> {
  const { exit, error } = await run(args, env);
  expect({ exit, error }).toEqual({ exit: 12, error: expect.objectContaining({ hint: expect.any(String) }) });
  if (!error) throw new Error('it was not refused');
  return error;
}

test('whoever is known to the SDK is known: profile, session, container and machine', async () => {
  await iam.enforce(true);
  const { container, instance, sso } = identities.environments;
  for (const [how, env] of Object.entries({ profile: { AWS_PROFILE: 'team' }, container, instance, sso })) {
    const { exit, error, askedWith } = await run(['env', 'list'], env);
    expect({ how, exit, error, askedWith }).toEqual({ how, exit: 0, error: undefined, askedWith: [keys.AccessKeyId] });
  }
}, 120_000);

test('as a machine: it is asked once who it is, whatever services are called, and another region is not taken for an empty one', async () => {
  await iam.enforce(true);
  const from = identities.asked.length;
  const { exit, error, askedWith } = await run(['foundation', 'create'], identities.environments.instance);
  expect({ exit, error, askedWith }).toEqual({ exit: 0, error: undefined, askedWith: [keys.AccessKeyId] });
  const tokens = identities.asked.slice(from).filter((line) => line.startsWith('PUT'));
  expect(tokens.length).toBeLessThanOrEqual(2); // state has a connection of its own

  const elsewhere = { ...identities.environments.instance, AWS_REGION: 'eu-west-1' };
  for (const command of ['show', 'create']) {
    const refused = await refusal(elsewhere, ['foundation', command]);
    expect(refused).toMatchObject({
      code: 'denied',
      path: 'provider.region',
      message: expect.stringContaining(REGION),
    });
  }
}, 240_000);

test('a job of CI is known by its web identity', async () => {
  // The emulator takes an unsigned call for a wrong one while it judges.
  const file = path.join(sandbox.folder, 'token');
  await writeFile(file, 'of-the-job');
  const job = { AWS_WEB_IDENTITY_TOKEN_FILE: file, AWS_ROLE_ARN: `${ROLES}deploy` };
  const from = wire.calls.length;
  const { exit, error, askedWith } = await run(['env', 'list'], job);
  expect({ exit, error }).toEqual({ exit: 0, error: undefined });
  expect(askedWith).toEqual(['nobody', expect.stringMatching(/^ASIA/)]);
  const exchange = wire.since(from).filter((call) => keyOf(call) === 'nobody');
  expect(exchange.map(({ body }) => Object.fromEntries(new URLSearchParams(body.toString())))).toEqual([
    expect.objectContaining({
      Action: 'AssumeRoleWithWebIdentity',
      WebIdentityToken: 'of-the-job',
      RoleArn: job.AWS_ROLE_ARN,
    }),
  ]);
}, 120_000);

test('who is nobody, or no longer somebody, is told the way in, and makes nothing', async () => {
  const from = wire.calls.length;
  // As on a laptop, where the address of the metadata does not answer: one token is asked for, and the list without one.
  const none = await refusal();
  expect(none).toMatchObject({ code: 'unauthenticated', message: expect.stringContaining('no credentials') });
  expect(none.hint).toContain('aws sso login');
  expect(laptop.asked).toEqual(['PUT /latest/api/token', `GET ${METADATA}`]);

  const nobody = await refusal({ AWS_PROFILE: 'nobody' });
  expect(nobody).toMatchObject({ code: 'unauthenticated', message: expect.stringContaining('profile nobody') });

  await writeSession(sandbox.folder, -1000);
  const ended = await refusal(identities.environments.sso);
  expect(ended).toMatchObject({ code: 'unauthenticated', message: expect.stringContaining('aws sso login') });

  const noFile = path.join(sandbox.folder, 'no-token');
  const lost = await refusal({ AWS_WEB_IDENTITY_TOKEN_FILE: noFile, AWS_ROLE_ARN: `${ROLES}deploy` });
  expect(lost).toMatchObject({ code: 'unauthenticated', message: expect.stringContaining(noFile) });
  expect(wire.since(from)).toEqual([]);
}, 240_000);

test.each([
  ['ExpiredToken', 400, 'unauthenticated'],
  ['InvalidAccessKeyId', 403, 'unauthenticated'],
  ['AccessDenied', 403, 'denied'],
  ['PermanentRedirect', 301, 'denied'], // the bucket is in another region
])('what AWS says of keys is told as it is, with the way out, and not asked again: %s', async (name, status, code) => {
  const headers = { 'content-type': 'application/xml' };
  const body = `<?xml version="1.0"?><Error><Code>${name}</Code><Message>by S3</Message></Error>`;
  wire.impose({ when: () => true, fault: { kind: 'refuse', refusal: { status, headers, body }, after: false } });
  const from = wire.calls.length;
  expect(await refusal({ AWS_PROFILE: 'team' })).toMatchObject({ code, message: expect.stringContaining(name) });
  expect(wire.since(from)).toHaveLength(1);
});

test('who may not do what is needed is told what has to be allowed, before anything is made', async () => {
  await iam.enforce(true);
  const from = wire.calls.length;
  const error = await refusal({ AWS_PROFILE: 'guest' });
  expect(error).toMatchObject({ code: 'denied', message: expect.stringMatching(/not authorized/) });
  expect(error.hint).toContain('provider permissions aws');
  // Beside the documents of state.
  const asked = wire.since(from).filter(({ path: url }) => !url.startsWith(`/${BUCKET}`));
  expect(asked.length).toBeGreaterThan(0);
  for (const call of asked) expect(actionOf(call)).toMatch(/^(?:Describe|Get|List)/);
}, 120_000);
