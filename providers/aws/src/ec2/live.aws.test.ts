import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { CreateSecretCommand } from '@aws-sdk/client-secrets-manager';
import type { Environment, Route, ServiceSpec, Slot } from '@clusternator/core';
import { eventually } from '@clusternator/emulators/traffic';
import { execFileSync } from 'node:child_process';
import { openEitherKind } from '../environments.ts';
import type { Tenant } from '../ecs/testing/ecs-scene.ts';
import { openLiveScene, type LiveScene } from '../ecs/testing/live-scene.ts';
import { command, machineThings } from './testing/machine-scene.ts';

/** Answers with what it was installed with, and with its variables and its user below /self. */
const SERVER = `import { readFileSync } from 'node:fs';
import { createServer } from 'node:http';
import { userInfo } from 'node:os';
const installed = readFileSync('../installed.txt', 'utf8').trim();
const { TEXT, KEY, OTHER } = process.env;
const aws = Object.keys(process.env).filter((name) => name.startsWith('AWS_'));
createServer((request, response) => {
  if (request.url === '/self') response.end(JSON.stringify({ KEY, OTHER, aws, user: userInfo().username }));
  else response.end(installed + ' ' + TEXT);
}).listen(Number(process.env.PORT), process.env.HOST, () => console.log(TEXT + ' starts'));
`;
const INSTALL = `import { writeFileSync } from 'node:fs';
console.log('it is installed');
writeFileSync('installed.txt', 'installed by ' + process.getuid() + ',');
`;

/** Real machines, whose user data runs, behind a load balancer that answers: see the data plane of test/emulators. MiniStack's groups keep none. */
let scene: LiveScene;
let shop: Tenant;
let folder: string;
beforeAll(async () => {
  folder = mkdtempSync(path.join(tmpdir(), 'aws-machines-'));
  mkdirSync(path.join(folder, 'app'));
  writeFileSync(path.join(folder, 'app/server.mjs'), SERVER);
  writeFileSync(path.join(folder, 'install.mjs'), INSTALL);
  scene = await openLiveScene('moto', { open: (to) => Promise.resolve(openEitherKind(to)), folder });
  shop = await scene.tenant();
}, 180_000);
afterAll(async () => {
  await scene.end();
  rmSync(folder, { recursive: true });
}, 60_000);

/** A public service that answers with a text. */
function says(text: string, more: Partial<ServiceSpec> = {}): ServiceSpec {
  return command({
    command: ['node', 'server.mjs'],
    install: ['node', 'install.mjs'],
    workingDir: 'app',
    ...more,
    env: { PORT: '8080', TEXT: text, ...more.env },
  });
}
const host = (id: string): string => `${id}--shop.example.com`;
const route = (slot: Slot, routes: readonly Route[], stamp: string): Promise<Slot> =>
  shop.call('route', (call) => shop.slots.route(slot, routes, stamp, call));
const heard = (name: string, text: RegExp): Promise<boolean> =>
  eventually(async () => (text.test(await scene.ask(name)) ? true : undefined));
const logsOf = (made: Environment): Promise<readonly string[]> =>
  shop.call('logs', async (call) =>
    (await Array.fromAsync(shop.environments.logs(made, { follow: false }, call))).map(({ text }) => text),
  );

test('a machine fetches the source, installs and runs it as a user without rights, with its secrets and nobody’s credentials', async () => {
  const before = await machineThings(scene);
  const { ARN: reference = '' } = await scene.raw.secrets.send(
    new CreateSecretCommand({ Name: 'theirs', SecretString: JSON.stringify({ part: 'their "value"\n$HOME' }) }),
  );
  const secrets = { KEY: { name: 'KEY' }, OTHER: { name: 'OTHER', reference: `${reference}:part::` } };
  const made = await scene.made(shop, 'a1', { web: says("it's here", { secrets }) });
  expect(await scene.ask(host('a1'))).toMatch(/^installed by [1-9]\d*, it's here$/);
  expect(JSON.parse(await scene.ask(host('a1'), '/self'))).toEqual({
    KEY: 'the value of KEY',
    OTHER: 'their "value"\n$HOME',
    aws: [],
    user: 'clusternator',
  });
  const lines = await eventually(async () => {
    const all = await logsOf(made);
    return all.includes("it's here starts") ? all : undefined;
  });
  expect(lines).toContain('it is installed');
  expect(lines.join('\n')).not.toContain('the value of');
  await shop.remove('a1');
  expect(await scene.ask(host('a1'))).toBe('404');
  expect(scene.plane.machines()).toEqual([]);
  expect(await machineThings(scene)).toEqual({ ...before, secrets: (before.secrets ?? 0) + 1 });
}, 180_000);

test('a machine that is killed is replaced, and the other answers meanwhile', async () => {
  const made = await scene.made(shop, 'b1', { web: says('two', { instances: { min: 2, max: 2 } }) });
  const [first] = scene.plane.machines();
  execFileSync('docker', ['kill', first?.container ?? '']);
  await eventually(async () => {
    const health = await shop.call('health', (call) => shop.environments.health(made, call));
    const isReplaced = !scene.plane.machines().some(({ id }) => id === first?.id);
    return isReplaced && scene.plane.machines().length === 2 && health.healthy ? true : undefined;
  });
  expect(await scene.ask(host('b1'))).toMatch(/two$/);
  await shop.remove('b1');
}, 180_000);

test('a source that is not the one that was asked for never runs', async () => {
  const spec = shop.spec('c1', { web: says('never') });
  const { PutObjectCommand, ListObjectVersionsCommand } = await import('@aws-sdk/client-s3');
  const made = await shop.call('ensure', (call) => shop.environments.ensure(spec, call));
  expect(made.phase).toBe('creating');
  const Bucket = scene.foundation.bucket;
  const { Versions = [] } = await scene.raw.s3.send(new ListObjectVersionsCommand({ Bucket }));
  // Before the machine has come so far: what it boots with takes longer than this.
  await scene.raw.s3.send(new PutObjectCommand({ Bucket, Key: Versions[0]?.Key, Body: 'something else' }));
  await eventually(async () =>
    (await logsOf(made).catch(() => [])).some((text) => /FAILED|did NOT match/.test(text)) ? true : undefined,
  );
  expect(await scene.ask(host('c1'))).not.toContain('never');
  await shop.remove('c1');
  const { Versions: left = [] } = await scene.raw.s3.send(new ListObjectVersionsCommand({ Bucket }));
  expect(left).toEqual([]);
}, 180_000);

test('a promotion and a rollback under load lose no request', async () => {
  const [blue, green] = [
    await scene.made(shop, 'blue', { web: says('blue') }),
    await scene.made(shop, 'green', { web: says('green') }),
  ];
  const name = host('main');
  const empty = await shop.call('ensure', (call) => shop.slots.ensure(shop.slotSpec('main'), call));
  let slot = await route(empty, [{ handle: blue.handle, percent: 100 }], '1');
  await heard(name, /blue$/);
  const tally = await scene.load(name, async () => {
    for (const [head, standby, stamp, text] of [
      [green, blue, '2', /green$/],
      [blue, green, '3', /blue$/],
    ] as const) {
      const routes = [
        { handle: head.handle, percent: 100 },
        { handle: standby.handle, percent: 0 },
      ];
      slot = await route(slot, routes, stamp);
      await heard(name, text);
    }
  });
  expect(Object.keys(tally).every((answer) => /^installed by \d+, (?:blue|green)$/.test(answer))).toBe(true);
  expect(Object.keys(tally)).toHaveLength(2);
  await expect(shop.remove('blue')).rejects.toMatchObject({ code: 'conflict' });
  await shop.call('destroy', (call) => shop.slots.destroy({ id: 'main' }, call));
  for (const id of ['blue', 'green']) await shop.remove(id);
  expect(scene.plane.machines()).toEqual([]);
}, 240_000);
