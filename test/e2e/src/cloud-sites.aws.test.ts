import { loadDuring, type Tally } from '@clusternator/emulators/traffic';
import { afterEach, beforeEach, expect, test } from '@jest/globals';

import { AwsCli } from './aws-cli.ts';
import type { EnvironmentAnswer } from './cli.ts';
import { Cloud, createKilled } from './cloud.ts';
import { installProvider } from './install-provider.ts';
import type { TestRepository } from './repository.ts';
import { Sandbox } from './sandbox.ts';
import type { ChangeAnswer } from './slot-app.ts';

const ZONE = 'docs.example';
const PROVIDER = `provider: { name: aws, region: us-east-1, kind: sites }
domain: ${ZONE}
slots:
  master: { standbys: 1 }`;

/** What there may be of a project of sites. */
const KINDS = [
  'distribution',
  'function',
  'key value store',
  'origin access control',
  'certificate',
  'bucket',
  'record',
];

let cloud: Cloud;
let sandbox: Sandbox;
let repository: TestRepository;
let account: AwsCli;

/** On MiniStack alone: moto has no published functions of CloudFront, and no keys of a key value store. */
beforeEach(async () => {
  cloud = await Cloud.open('ministack', ZONE);
  sandbox = await Sandbox.open();
  ({ repository } = await sandbox.repository('static-site', []));
  await repository.edit('clusternator.config.yaml', (text) => text.replace('provider: local', PROVIDER));
  cloud.serve(sandbox);
  account = new AwsCli(cloud.plane, sandbox.project);
}, 120_000);
afterEach(async () => {
  await sandbox.dispose();
  await cloud[Symbol.asyncDispose]();
});

async function commit(version: string): Promise<string> {
  await repository.write('content/index.txt', `# Version ${version}\n`);
  await repository.write('assets/version.txt', `${version}\n`);
  return repository.commit(`Version ${version}`);
}

const versionAt = (url: string): Promise<string> => cloud.curl(`${url}/assets/version.txt`);

async function create(sha: string): Promise<EnvironmentAnswer> {
  return (await sandbox.answer<{ environment: EnvironmentAnswer }>('env', 'create', '--sha', sha)).environment;
}

/** What a slot answers while something is done, how often each. */
function whileAsked(url: string, work: () => Promise<unknown>): Promise<Tally> {
  return loadDuring(() => versionAt(url), work);
}

test('commits are sites behind CloudFront, a slot moves under load, and back, and files that go too early are missed', async () => {
  const [a, b] = [await commit('a'), await commit('b')];
  await installProvider(sandbox);
  const [first, second] = [await create(a), await create(b)];
  expect(first.url).toBe(`https://${new URL(first.url).hostname}`);
  expect([await versionAt(first.url), await versionAt(second.url)]).toEqual(['a', 'b']);
  expect(await cloud.curl(`${first.url}/`)).toContain('<h1>Version a</h1>');
  expect(await cloud.curl(`${first.url}/no/such/page`)).toContain('<h1>Version a</h1>');
  // There is no network to pay for.
  const kinds = ['distribution', 'bucket', 'load balancer', 'nat gateway'];
  expect(Object.values(await account.count(...kinds)).sort()).toEqual([0, 0, 1, 1]);

  const { slot } = await sandbox.answer<ChangeAnswer>('promote', first.id, 'master');
  expect(await versionAt(slot.url)).toBe('a');
  const heard = await whileAsked(slot.url, async () => {
    await sandbox.answer<ChangeAnswer>('promote', second.id, 'master');
    expect(await versionAt(slot.url)).toBe('b');
    expect(await versionAt(slot.url.replace('master--', 'master-1--'))).toBe('a');
    await sandbox.answer<ChangeAnswer>('rollback', 'master');
    expect(await versionAt(slot.url)).toBe('a');
  });
  expect(Object.keys(heard).sort()).toEqual(['a', 'b']);
  const held = await sandbox.json(['env', 'destroy', first.id, '--yes']);
  expect({ exit: held.outcome.code, code: held.error?.code }).toEqual({ exit: 7, code: 'refused' });
  expect(await versionAt(slot.url)).toBe('a');

  // Behind the tool’s back, in the wrong order: the load sees it.
  const missed = await whileAsked(slot.url, async () => {
    await account.emptyBuckets();
    expect(await versionAt(slot.url)).toContain('404');
  });
  expect(Object.keys(missed).some((answer) => answer.includes('404'))).toBe(true);
}, 600_000);

test('a create that was killed is gone on with, once; what is destroyed leaves nothing', async () => {
  const sha = await commit('a');
  await installProvider(sandbox);
  const before = await account.count(...KINDS);
  for (const once of [/… make the foundation/, /✓ build web/]) {
    expect(await createKilled(sandbox, sha, once)).toBe(true);
  }
  const made = await create(sha);
  expect(await versionAt(made.url)).toBe('a');
  expect(Object.values(await account.count('distribution', 'key value store', 'bucket'))).toEqual([1, 1, 1]);
  await sandbox.answer('env', 'destroy', made.id, '--yes');
  expect(await versionAt(made.url)).toContain('404');
  await sandbox.answer('foundation', 'destroy', '--yes');
  expect(await account.count(...KINDS)).toEqual(before);
}, 600_000);
