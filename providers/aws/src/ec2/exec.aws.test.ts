import { execFileSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterAll, beforeAll, expect, test } from '@jest/globals';
import {
  AddRoleToInstanceProfileCommand,
  CreateInstanceProfileCommand,
  CreateRoleCommand,
  DeleteRolePolicyCommand,
  IAMClient,
  PutRolePolicyCommand,
} from '@aws-sdk/client-iam';
import type { Call, Environment, ExecRequest, ExecSession } from '@clusternator/core';
import { eventually } from '@clusternator/emulators/traffic';
import { openEitherKind } from '../environments.ts';
import { outputOf, readsEveryByte } from '../exec/testing/session-output.ts';
import type { Tenant } from '../ecs/testing/ecs-scene.ts';
import { openLiveScene, type LiveScene } from '../ecs/testing/live-scene.ts';
import { command } from './testing/machine-scene.ts';

const SERVER = `import { createServer } from 'node:http';
createServer((request, response) => response.end('here')).listen(Number(process.env.PORT), process.env.HOST);
`;
/** Which has to be there for a machine's agent. */
const AGENT = ['CreateControlChannel', 'CreateDataChannel', 'OpenControlChannel', 'OpenDataChannel'].map(
  (one) => `ssmmessages:${one}`,
);
const PolicyName = 'clusternator';

/** Commands on real machines, by a session with an agent as strict as AWS's: see the data plane of test/emulators. */
let scene: LiveScene;
let shop: Tenant;
let folder: string;
let iam: IAMClient;
let RoleName: string;
let made: Environment;

beforeAll(async () => {
  folder = mkdtempSync(path.join(tmpdir(), 'aws-machines-'));
  mkdirSync(path.join(folder, 'app'));
  writeFileSync(path.join(folder, 'app/server.mjs'), SERVER);
  scene = await openLiveScene('moto', { open: (to) => Promise.resolve(openEitherKind(to)), folder });
  shop = await scene.tenant();
  const { endpoint, region, credentials } = scene.settings;
  iam = new IAMClient({ endpoint, region, credentials });
  const InstanceProfileName = scene.foundation.roles.instanceProfile.split('/').at(-1) ?? '';
  RoleName = InstanceProfileName;
  await iam.send(new CreateRoleCommand({ RoleName, AssumeRolePolicyDocument: '{}' }));
  await iam.send(new CreateInstanceProfileCommand({ InstanceProfileName }));
  await iam.send(new AddRoleToInstanceProfileCommand({ InstanceProfileName, RoleName }));
  await allow();
  made = await scene.made(shop, 'a1', { web: service() });
}, 180_000);
afterAll(async () => {
  iam.destroy();
  await scene.end();
  rmSync(folder, { recursive: true });
}, 60_000);

const service = () =>
  command({
    command: ['node', 'server.mjs'],
    install: ['true'],
    workingDir: 'app',
    secrets: { KEY: { name: 'KEY' } },
    env: { PORT: '8080', TEXT: "it's here" },
  });
async function allow(): Promise<void> {
  const Statement = [{ Effect: 'Allow', Action: ['ssm:UpdateInstanceInformation', ...AGENT], Resource: '*' }];
  const PolicyDocument = JSON.stringify({ Version: '2012-10-17', Statement });
  await iam.send(new PutRolePolicyCommand({ RoleName, PolicyName, PolicyDocument }));
}
const exec = (words: readonly string[], more: Partial<ExecRequest> = {}, signal?: AbortSignal): Promise<ExecSession> =>
  shop.call('exec', async (call) => {
    const its: Call = signal ? { ...call, signal } : call;
    const ran = shop.environments.exec?.(made, { service: 'web', command: words, ...more }, its);
    if (!ran) throw new Error('the driver runs no commands');
    return ran;
  });
const sleepers = async (): Promise<string> =>
  outputOf(await exec(['sh', '-c', 'ps ax | grep -c "[s]leep 4321"; true']));
/** Once it has said that it begins. */
async function sleeper(signal?: AbortSignal): Promise<ExecSession> {
  const session = await exec(['sh', '-c', 'echo begun; sleep 4321'], {}, signal);
  expect(Buffer.from((await session.output[Symbol.asyncIterator]().next()).value as Uint8Array).toString()).toBe(
    'begun\n',
  ); // it is open
  return session;
}

test('one runs as the service does: its user, its folder, its variables, without more rights and without credentials', async () => {
  const about =
    'id -un; id -Gn; pwd; echo "$KEY, $TEXT, $HOME"; env | grep -c ^AWS_; grep NoNewPrivs /proc/self/status; printf "%s|" "$@"; exit 7';
  const session = await exec(['sh', '-c', about, 'sh', 'a  b', "it's", '*', '$HOME']);
  expect((await outputOf(session)).split('\n')).toEqual([
    'clusternator',
    'clusternator',
    '/opt/clusternator/source/app',
    "the value of KEY, it's here, /opt/clusternator/home",
    '0',
    'NoNewPrivs:\t1',
    "a  b|it's|*|$HOME|",
  ]);
  expect(await session.exitCode).toBe(7);
});

test('what is asked for has nothing of the arguments and the input', async () => {
  const before = scene.wire.calls.length;
  const session = await exec(['cat', '-', 'no-such-argument']);
  await session.write(Buffer.from('not for the log'));
  await session.end();
  await outputOf(session);
  const asked = scene.wire.calls.slice(before).map(({ body }) => body.toString());
  expect(asked.join('\n')).toContain('AWS-StartInteractiveCommand');
  expect(asked.join('\n')).not.toMatch(/no-such-argument|not for the log|the value of KEY/);
});

test('its input goes in to the end, every byte of it', async () => {
  expect(await readsEveryByte(await exec(['sha256sum']))).toBe(true);
});

test('in a terminal it has the size that was asked for', async () => {
  const terminal = { columns: 91, rows: 17 };
  const session = await exec(['sh', '-c', 'stty size; echo $TERM; exit 3'], { terminal });
  expect(await outputOf(session)).toBe('17 91\r\nxterm-256color\r\n');
  expect(await session.exitCode).toBe(3);
});

test('a connection that is cut is no success, and what ran is ended with its session', async () => {
  const session = await sleeper();
  scene.plane.cutSessions();
  await expect(session.exitCode).rejects.toMatchObject({ code: 'unavailable', effect: 'unknown' });
  expect(await sleepers()).toBe('0\n');
});

test.each([undefined, { columns: 80, rows: 24 }])(
  'one that is cancelled is ended, in a terminal of %j',
  async (terminal) => {
    const controller = new AbortController();
    const session = await exec(
      ['sh', '-c', 'echo begun; sleep 4321'],
      { ...(terminal && { terminal }) },
      controller.signal,
    );
    await session.output[Symbol.asyncIterator]().next();
    controller.abort();
    await expect(session.exitCode).rejects.toMatchObject({ code: 'cancelled' });
    expect(await sleepers()).toBe('0\n');
  },
);

test('one whose client is gone is ended by AWS', async () => {
  const lift = scene.wire.impose({
    when: ({ headers }) => headers['x-amz-target'] === 'AmazonSSM.TerminateSession',
    fault: { kind: 'reset', after: false },
  });
  const session = await sleeper();
  scene.plane.cutSessions();
  await expect(session.exitCode).rejects.toMatchObject({ code: 'unavailable', effect: 'unknown' });
  lift();
  expect(await sleepers()).toBe('2\n');
  await scene.plane.endIdleSessions();
  expect(await sleepers()).toBe('0\n');
});

test('where it can’t run it is said why', async () => {
  await expect(exec([])).rejects.toMatchObject({ code: 'invalid' });
  await expect(exec(['a\0b'])).rejects.toMatchObject({ code: 'invalid' });
  await expect(exec(['true'], { service: 'nobody' })).rejects.toMatchObject({ code: 'not-found' });
  await iam.send(new DeleteRolePolicyCommand({ RoleName, PolicyName }));
  await expect(exec(['true'])).rejects.toMatchObject({
    code: 'unavailable',
    effect: 'none',
    message: expect.stringContaining('i-'),
    detail: { hint: expect.stringContaining('foundation create') },
  });
  await allow();
});

test('a machine of an older version says what to do', async () => {
  const [machine] = scene.plane.machines();
  execFileSync('docker', ['exec', machine?.container ?? '', 'rm', '/opt/clusternator/exec']);
  await expect(exec(['true'])).rejects.toMatchObject({
    code: 'unsupported',
    message: expect.stringContaining('the machine has no /opt/clusternator/exec'),
    detail: { hint: expect.stringContaining('create it again') },
  });
});

test('without a machine that passes its check there is none', async () => {
  await shop.call('off', (call) => Promise.resolve(shop.environments.scale?.(made, { web: { min: 0, max: 0 } }, call)));
  await eventually(() => Promise.resolve(scene.plane.machines().length === 0 ? true : undefined));
  await expect(exec(['true'])).rejects.toMatchObject({
    code: 'conflict',
    message: expect.stringContaining('no machine'),
  });
  await shop.remove('a1');
}, 120_000);
