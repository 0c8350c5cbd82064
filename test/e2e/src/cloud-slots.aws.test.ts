import type { EmulatorName } from '@clusternator/emulators/emulator';
import { afterEach, expect, test } from '@jest/globals';

import type { AwsCli } from './aws-cli.ts';
import type { EnvironmentAnswer } from './cli.ts';
import { CloudApp, CONFIG, ZONE } from './cloud-app.ts';
import { createKilled } from './cloud.ts';
import type { ChangeAnswer, SlotEndAnswer } from './slot-app.ts';

/** With a volume that its tasks share. */
const WITH_FILES = CONFIG.replace('route: /,', 'route: /, volumes: { notes: /www/notes },').concat(
  'volumes: { notes: { kind: files, scope: env } }\n',
);

/** Built by the cloud besides. */
const ON_CODEBUILD = WITH_FILES.replace('build: .,', 'build: { on: codebuild },');

let app: CloudApp;
afterEach(() => app[Symbol.asyncDispose]());

interface FoundationAnswer {
  readonly foundation: {
    readonly outputs: { readonly bucket: string; readonly loadBalancer: { readonly dnsName: string } };
  };
}

/** What the account tells of an environment is what the tool tells. @returns Its target group. */
async function agreed(id: string): Promise<string> {
  const { environment } = await app.tool<{
    environment: EnvironmentAnswer & { readonly services: readonly { readonly digest?: string }[] };
  }>('env', 'show', id);
  const seen = (await app.account.services()).find(({ commit }) => commit === environment.commit);
  const { targetGroup = '' } = seen ?? {};
  expect(seen).toMatchObject({
    running: 1,
    digest: environment.services[0]?.digest?.split('@')[1],
    tags: {
      clusternator_project: app.sandbox.project,
      clusternator_stage: 'default',
      clusternator_type: 'environment',
      clusternator_id: expect.stringMatching(new RegExp(`^${environment.id}-`)),
    },
  });
  expect(await app.account.leadsTo(new URL(environment.url).hostname)).toEqual({ [targetGroup]: expect.any(Number) });
  return targetGroup;
}

/** Names lead to the load balancer that the foundation tells of, and its bucket is nobody else's to look into. */
async function agreedOnFoundation(): Promise<void> {
  const { outputs } = (await app.tool<FoundationAnswer>('foundation', 'show')).foundation;
  const { dnsName } = outputs.loadBalancer;
  expect((await app.account.records())[`*.${ZONE} CNAME`]).toEqual([dnsName]);
  expect((await app.cloud.dig(`any.${ZONE}`))[0]).toBe(dnsName);
  expect(await app.account.buckets()).toEqual([
    { name: outputs.bucket, stage: 'default', versioning: 'Enabled', isPrivate: true },
  ]);
}

/** moto tells of a cluster that was removed, as an inactive one. */
async function standing(name: EmulatorName): ReturnType<AwsCli['inventory']> {
  const { cluster = 0, ...others } = await app.account.inventory();
  return name === 'moto' ? others : { cluster, ...others };
}

test.each(['moto', 'ministack'] as const)(
  'on %s: commits run as tasks behind the load balancer, a slot moves under load, and back, and in the end nothing is left',
  async (name) => {
    app = await CloudApp.open(name);
    const before = await standing(name);
    const [a, b] = [await app.commit('a'), await app.commit('b')];
    const [first, second] = [await app.create(a), await app.create(b)];
    expect([await app.versionAt(first.url), await app.versionAt(second.url)]).toEqual(['a', 'b']);
    const [groupOfA, groupOfB] = [await agreed(first.id), await agreed(second.id)];

    await agreedOnFoundation();
    const records = await app.account.records();

    const { slot } = await app.tool<ChangeAnswer>('promote', first.id, 'master');
    const host = new URL(slot.url).hostname;
    await app.follows(slot.url, 'a');
    const heard = await app.versionsDuring(slot.url, async () => {
      await app.tool('promote', second.id, 'master');
      await app.follows(slot.url, 'b');
      expect(await app.account.leadsTo(host)).toEqual({ [groupOfB]: expect.any(Number) });
      // Hot, under a name of its own.
      await app.follows(slot.url.replace('master--', 'master-1--'), 'a');
      await app.tool<ChangeAnswer>('rollback', 'master');
      await app.follows(slot.url, 'a');
      expect(await app.account.leadsTo(host)).toEqual({ [groupOfA]: expect.any(Number) });
    });
    expect(heard).toEqual(['a', 'b']);
    // A flip is of rules alone.
    expect(await app.account.records()).toEqual(records);
    const held = await app.sandbox.json(['env', 'destroy', first.id, '--yes']);
    expect({ exit: held.outcome.code, code: held.error?.code }).toEqual({ exit: 7, code: 'refused' });

    const { destroyed } = await app.tool<{ destroyed: SlotEndAnswer }>('slot', 'destroy', 'master', '--yes');
    expect(destroyed.released.map(({ environment }) => environment)).toContain(first.id);
    expect(await app.account.leadsTo(host)).toEqual({});
    for (const { id } of [first, second]) await app.tool('env', 'destroy', id, '--yes');
    expect(await app.account.services()).toEqual([]);
    await agreedOnFoundation();
    await app.tool('foundation', 'destroy', '--yes');
    expect(await standing(name)).toEqual(before);
  },
  900_000,
);

test('without a Docker Engine in reach, what was killed is gone on with, once; what stands there is what is told; and nothing is left of it', async () => {
  app = await CloudApp.open('ministack', ON_CODEBUILD);
  app.sandbox.env.DOCKER_HOST = `unix://${app.sandbox.folder}/no-engine.sock`;
  const before = await app.account.inventory();
  const sha = await app.commit('a');
  for (const moment of [/… make the foundation/, /✓ make the foundation/, /… build web/, /✓ build web/])
    expect(await createKilled(app.sandbox, sha, moment)).toBe(true);
  const made = await app.create(sha);
  expect(await app.account.services()).toHaveLength(1);
  const { vpc = 0, 'load balancer': balancers, cluster, 'file system': files } = await app.account.inventory();
  expect([vpc - (before.vpc ?? 0), balancers, cluster, files]).toEqual([1, 1, 1, 1]);
  await agreed(made.id);
  expect(await app.versionAt(made.url)).toBe('a');
  expect(await app.account.builds()).toEqual(['SUCCEEDED']);
  const early = await app.sandbox.json(['foundation', 'destroy', '--yes']);
  expect({ exit: early.outcome.code, error: early.error }).toMatchObject({ exit: 4, error: { code: 'conflict' } });
  await app.tool('env', 'destroy', made.id, '--yes');
  expect(await app.account.services()).toEqual([]);
  await app.tool('foundation', 'destroy', '--yes');
  expect(await app.account.inventory()).toEqual(before);
}, 600_000);
