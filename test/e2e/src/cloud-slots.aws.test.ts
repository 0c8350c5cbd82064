import type { EmulatorName } from '@clusternator/emulators/emulator';
import { afterEach, beforeAll, expect, test } from '@jest/globals';

import { AwsCli } from './aws-cli.ts';
import { ensureBaseImage } from './base-image.ts';
import type { EnvironmentAnswer } from './cli.ts';
import { Cloud, createKilled } from './cloud.ts';
import { installProvider } from './install-provider.ts';
import type { TestRepository } from './repository.ts';
import { Sandbox } from './sandbox.ts';
import type { ChangeAnswer, SlotEndAnswer } from './slot-app.ts';

const ZONE = 'shop.example';
const CONFIG = `project: PROJECT
provider: { name: aws, region: us-east-1 }
domain: ${ZONE}
services:
  web: { build: ., port: 8080, route: /, health: { path: /ready } }
slots:
  master: { standbys: 1 }
`;
/** With a volume that its tasks share. */
const WITH_FILES = CONFIG.replace('route: /,', 'route: /, volumes: { notes: /www/notes },').concat(
  'volumes: { notes: { kind: files, scope: env } }\n',
);
/** Without an image. */
const COMMANDS = CONFIG.replace(
  'build: ., port',
  'install: node install.mjs, command: node server.mjs, env: { GREETING: hello }, port',
);
const PROGRAM = {
  'install.mjs': `import { copyFileSync } from 'node:fs';
copyFileSync('www/version.txt', 'installed.txt');
`,
  'server.mjs': `import { readFileSync } from 'node:fs';
import { createServer } from 'node:http';
const version = readFileSync('installed.txt', 'utf8').trim();
createServer((request, response) => {
  response.end(request.url === '/version.txt' ? version : process.env.GREETING);
}).listen(Number(process.env.PORT), process.env.HOST);
`,
};
const DOCKERFILE = `FROM clusternator/example-base:1
COPY www /www
EXPOSE 8080
STOPSIGNAL SIGKILL
CMD ["/bin/busybox", "httpd", "-f", "-p", "8080", "-h", "/www"]
`;

let cloud: Cloud;
let sandbox: Sandbox;
let repository: TestRepository;
let account: AwsCli;

beforeAll(ensureBaseImage);
afterEach(async () => {
  await sandbox.dispose();
  await cloud[Symbol.asyncDispose]();
});

async function open(name: EmulatorName, config = CONFIG, files: Readonly<Record<string, string>> = {}): Promise<void> {
  cloud = await Cloud.open(name, ZONE);
  sandbox = await Sandbox.open();
  repository = await sandbox.repositoryOf({
    'clusternator.config.yaml': config,
    Dockerfile: DOCKERFILE,
    '.gitignore': 'node_modules/\n',
    'www/ready': '',
    ...files,
  });
  cloud.serve(sandbox);
  await installProvider(sandbox);
  account = new AwsCli(cloud.plane, sandbox.project);
}

/** Of a command that has to succeed. A foundation and an image take a while. */
async function tool<T>(...args: readonly string[]): Promise<T> {
  const { data, outcome, error } = await sandbox.json<T>(args, { timeoutSeconds: 400 });
  expect({ args, exit: outcome.code, error }).toEqual({ args, exit: 0, error: undefined });
  return data;
}

async function create(sha: string): Promise<EnvironmentAnswer> {
  return (await tool<{ environment: EnvironmentAnswer }>('env', 'create', '--sha', sha)).environment;
}

async function commit(version: string): Promise<string> {
  await repository.write('www/version.txt', `${version}\n`);
  return repository.commit(`Version ${version}`);
}

/** Asks over and over while something is done. @returns What was answered, once each. */
async function whileAsked(url: string, work: () => Promise<unknown>): Promise<readonly string[]> {
  const answers = new Set<string>();
  let isDone = false;
  const side = async (): Promise<void> => {
    while (!isDone) answers.add(await cloud.curl(url));
  };
  const sides = [side(), side()];
  try {
    await work();
  } finally {
    isDone = true;
    await Promise.all(sides);
  }
  return [...answers].sort();
}

interface FoundationAnswer {
  readonly foundation: {
    readonly outputs: { readonly bucket: string; readonly loadBalancer: { readonly dnsName: string } };
  };
}

/** What the account tells of an environment is what the tool tells. @returns Its target group. */
async function agreed(id: string): Promise<string> {
  const { environment } = await tool<{
    environment: EnvironmentAnswer & { readonly services: readonly { readonly digest?: string }[] };
  }>('env', 'show', id);
  const seen = (await account.services()).find(({ commit }) => commit === environment.commit);
  const { targetGroup = '' } = seen ?? {};
  expect(seen).toMatchObject({
    running: 1,
    digest: environment.services[0]?.digest?.split('@')[1],
    tags: {
      clusternator_project: sandbox.project,
      clusternator_stage: 'default',
      clusternator_type: 'environment',
      clusternator_id: expect.stringMatching(new RegExp(`^${environment.id}-`)),
    },
  });
  expect(await account.leadsTo(new URL(environment.url).hostname)).toEqual({ [targetGroup]: expect.any(Number) });
  return targetGroup;
}

/** Names lead to the load balancer that the foundation tells of, and its bucket is nobody else's to look into. */
async function agreedOnFoundation(): Promise<void> {
  const { outputs } = (await tool<FoundationAnswer>('foundation', 'show')).foundation;
  const records = await account.records();
  expect(records[`*.${ZONE} CNAME`]).toEqual([outputs.loadBalancer.dnsName]);
  expect(await account.buckets()).toEqual([
    { name: outputs.bucket, stage: 'default', versioning: 'Enabled', isPrivate: true },
  ]);
}

/** moto tells of a cluster that was removed, as an inactive one. */
async function standing(name: EmulatorName): ReturnType<AwsCli['inventory']> {
  const { cluster = 0, ...others } = await account.inventory();
  return name === 'moto' ? others : { cluster, ...others };
}

test.each(['moto', 'ministack'] as const)(
  'on %s: commits run as tasks behind the load balancer, a slot moves under load, and back, and in the end nothing is left',
  async (name) => {
    await open(name);
    const before = await standing(name);
    const [a, b] = [await commit('a'), await commit('b')];
    const [first, second] = [await create(a), await create(b)];
    expect([await cloud.curl(`${first.url}/version.txt`), await cloud.curl(`${second.url}/version.txt`)]).toEqual([
      'a',
      'b',
    ]);
    const [groupOfA, groupOfB] = [await agreed(first.id), await agreed(second.id)];

    await agreedOnFoundation();
    const records = await account.records();

    const { slot } = await tool<ChangeAnswer>('promote', first.id, 'master');
    const page = `${slot.url}/version.txt`;
    const host = new URL(slot.url).hostname;
    expect(await cloud.curl(page)).toBe('a');
    const heard = await whileAsked(page, async () => {
      await tool('promote', second.id, 'master');
      expect(await cloud.curl(page)).toBe('b');
      expect(await account.leadsTo(host)).toEqual({ [groupOfB]: expect.any(Number) });
      await tool<ChangeAnswer>('rollback', 'master');
      expect(await cloud.curl(page)).toBe('a');
      expect(await account.leadsTo(host)).toEqual({ [groupOfA]: expect.any(Number) });
    });
    expect(heard).toEqual(['a', 'b']);
    // A flip is of rules alone.
    expect(await account.records()).toEqual(records);
    const held = await sandbox.json(['env', 'destroy', first.id, '--yes']);
    expect({ exit: held.outcome.code, code: held.error?.code }).toEqual({ exit: 7, code: 'refused' });

    const { destroyed } = await tool<{ destroyed: SlotEndAnswer }>('slot', 'destroy', 'master', '--yes');
    expect(destroyed.released.map(({ environment }) => environment)).toContain(first.id);
    expect(await account.leadsTo(host)).toEqual({});
    for (const { id } of [first, second]) await tool('env', 'destroy', id, '--yes');
    expect(await account.services()).toEqual([]);
    await agreedOnFoundation();
    await tool('foundation', 'destroy', '--yes');
    expect(await standing(name)).toEqual(before);
  },
  900_000,
);

test('what was killed is gone on with, once; what stands there is what is told; and nothing is left of it', async () => {
  await open('ministack', WITH_FILES);
  const before = await account.inventory();
  const sha = await commit('a');
  for (const moment of [/… make the foundation/, /✓ make the foundation/, /✓ build web/])
    expect(await createKilled(sandbox, sha, moment)).toBe(true);
  const made = await create(sha);
  expect(await account.services()).toHaveLength(1);
  const { vpc = 0, 'load balancer': balancers, cluster, 'file system': files } = await account.inventory();
  expect([vpc - (before.vpc ?? 0), balancers, cluster, files]).toEqual([1, 1, 1, 1]);
  await agreed(made.id);
  const early = await sandbox.json(['foundation', 'destroy', '--yes']);
  expect({ exit: early.outcome.code, error: early.error }).toMatchObject({ exit: 4, error: { code: 'conflict' } });
  await tool('env', 'destroy', made.id, '--yes');
  expect(await account.services()).toEqual([]);
  await tool('foundation', 'destroy', '--yes');
  expect(await account.inventory()).toEqual(before);
}, 600_000);

// MiniStack's Auto Scaling groups keep no machines.
test('on moto: commits without an image run on machines, a slot moves under load, and back, and nothing is left of them', async () => {
  await open('moto', COMMANDS, PROGRAM);
  const [a, b] = [await commit('a'), await commit('b')];
  const [first, second] = [await create(a), await create(b)];
  expect([await cloud.curl(`${first.url}/version.txt`), await cloud.curl(`${second.url}/version.txt`)]).toEqual([
    'a',
    'b',
  ]);
  expect(await cloud.curl(first.url)).toBe('hello');
  expect(cloud.plane.machines()).toHaveLength(2);

  const { slot } = await tool<ChangeAnswer>('promote', first.id, 'master');
  const page = `${slot.url}/version.txt`;
  const heard = await whileAsked(page, async () => {
    await tool('promote', second.id, 'master');
    expect(await cloud.curl(page)).toBe('b');
    await tool<ChangeAnswer>('rollback', 'master');
    expect(await cloud.curl(page)).toBe('a');
  });
  expect(heard).toEqual(['a', 'b']);

  const held = await sandbox.json(['env', 'destroy', first.id, '--yes']);
  expect({ exit: held.outcome.code, code: held.error?.code }).toEqual({ exit: 7, code: 'refused' });
  const third = await create(await commit('c'));
  await tool('env', 'destroy', third.id, '--yes');
  expect(cloud.plane.machines()).toHaveLength(2);
  expect(await account.inventory()).toMatchObject({ group: 2, template: 2, 'target group': 2 });
}, 900_000);
