import { afterEach, beforeEach, expect, test } from '@jest/globals';

import { AwsCli } from './aws-cli.ts';
import { ensureBaseImage } from './base-image.ts';
import type { EnvironmentAnswer } from './cli.ts';
import { CONFIG, IMAGE_FILES, ZONE } from './cloud-app.ts';
import { Cloud } from './cloud.ts';
import { eventually } from './http.ts';
import { installProvider } from './install-provider.ts';
import { Sandbox } from './sandbox.ts';
import type { ChangeAnswer, SlotAnswer } from './slot-app.ts';

const config = (name: string): string =>
  CONFIG.replace(`domain: ${ZONE}`, `domain: ${name}.${ZONE}`).concat(`stages:
  staging: { domain: staging.${ZONE} }
`);

/** A project of its own, with one commit. */
interface Neighbour {
  readonly sandbox: Sandbox;
  readonly sha: string;
}

let cloud: Cloud;
let shop: Neighbour;
let other: Neighbour;
beforeEach(async () => {
  ensureBaseImage();
  cloud = await Cloud.open('ministack', ZONE);
  [shop, other] = [await neighbour('one'), await neighbour('two')];
}, 120_000);
afterEach(async () => {
  await shop.sandbox.dispose();
  await other.sandbox.dispose();
  await cloud[Symbol.asyncDispose]();
});

async function neighbour(name: string): Promise<Neighbour> {
  const sandbox = await Sandbox.open();
  const repository = await sandbox.repositoryOf({
    'clusternator.config.yaml': config(name),
    ...IMAGE_FILES,
    'www/version.txt': `${name}\n`,
  });
  cloud.serve(sandbox);
  await installProvider(sandbox);
  return { sandbox, sha: (await repository.git('rev-parse', 'HEAD')).trim() };
}

/** Of a command that has to succeed. A foundation and an image take a while. */
async function tool<T>({ sandbox }: Neighbour, stage: string, ...args: readonly string[]): Promise<T> {
  const { data, outcome, error } = await sandbox.json<T>([...args, '--stage', stage], { timeoutSeconds: 400 });
  expect({ args, exit: outcome.code, error }).toEqual({ args, exit: 0, error: undefined });
  return data;
}

/** Runs a commit and leads `master` to it. @returns Where that answers, and the environment's id. */
async function release(whose: Neighbour, stage: string): Promise<{ readonly url: string; readonly id: string }> {
  const made = await tool<{ environment: EnvironmentAnswer }>(whose, stage, 'env', 'create', '--sha', whose.sha);
  const { id } = made.environment;
  const { slot } = await tool<ChangeAnswer>(whose, stage, 'promote', id, 'master');
  return { url: slot.url, id };
}

async function endAll(whose: Neighbour, stage: string, id: string): Promise<void> {
  await tool(whose, stage, 'slot', 'destroy', 'master', '--yes');
  await tool(whose, stage, 'env', 'destroy', id, '--yes');
  await tool(whose, stage, 'foundation', 'destroy', '--yes');
}

test('two projects and two stages in one account do not touch each other, nor what is nobody’s; what is changed by hand is told', async () => {
  const account = new AwsCli(cloud.plane, shop.sandbox.project);
  const kinds = ['vpc', 'load balancer', 'cluster', 'repository', 'role', 'bucket', 'record'];
  const before = await account.count(...kinds);
  const releases = {
    one: await release(shop, 'default'),
    staging: await release(shop, 'staging'),
    two: await release(other, 'default'),
  };
  const versionOf = async (name: keyof typeof releases): Promise<string> =>
    cloud.curl(`${releases[name].url}/version.txt`);
  const versions = async (): Promise<readonly string[]> => [
    await versionOf('one'),
    await versionOf('staging'),
    await versionOf('two'),
  ];
  await eventually(async () => expect(await versions()).toEqual(['one', 'one', 'two']));
  for (const [whose, stage] of [
    [shop, 'default'],
    [shop, 'staging'],
    [other, 'default'],
  ] as const) {
    const { environments } = await tool<{ environments: readonly EnvironmentAnswer[] }>(whose, stage, 'env', 'list');
    expect(environments.map(({ commit }) => commit)).toEqual([whose.sha]);
  }

  // By hand: a rule beside ours, and one of ours.
  const host = new URL(releases.one.url).hostname;
  await account.addRule(host, `foreign.one.${ZONE}`);
  await eventually(async () => expect(await cloud.curl(`https://foreign.one.${ZONE}/`)).toBe('foreign'));
  await account.closeHost(host);
  await eventually(async () => expect(await versionOf('one')).toContain('503'));
  const { slot } = await tool<{ slot: SlotAnswer }>(shop, 'default', 'slot', 'show', 'master');
  expect(slot.drift).toBeDefined();
  const refused = await shop.sandbox.json(['promote', releases.one.id, 'master', '--stage', 'default']);
  expect({ exit: refused.outcome.code, code: refused.error?.code }).toEqual({ exit: 10, code: 'drifted' });
  await tool(shop, 'default', 'slot', 'repair', 'master');
  await eventually(async () => expect(await versions()).toEqual(['one', 'one', 'two']));
  expect(await cloud.curl(`https://foreign.one.${ZONE}/`)).toBe('foreign');

  // One after the other goes, and takes nothing of the others along.
  await endAll(shop, 'staging', releases.staging.id);
  expect([await versionOf('one'), await versionOf('two')]).toEqual(['one', 'two']);
  await endAll(other, 'default', releases.two.id);
  expect(await versionOf('one')).toBe('one');
  expect(await cloud.curl(`https://foreign.one.${ZONE}/`)).toBe('foreign');
  await endAll(shop, 'default', releases.one.id);
  expect(await account.count(...kinds)).toEqual(before);
}, 900_000);
