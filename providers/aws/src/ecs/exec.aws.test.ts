import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { UpdateServiceCommand } from '@aws-sdk/client-ecs';
import { CreateRoleCommand, DeleteRolePolicyCommand, IAMClient, PutRolePolicyCommand } from '@aws-sdk/client-iam';
import {
  ProviderError,
  type Environment,
  type ExecRequest,
  type ExecSession,
  type ServiceSpec,
} from '@clusternator/core';
import { eventually } from '@clusternator/emulators/traffic';
import { taskPolicy } from '../foundation/parts/policies.ts';
import { serviceOf } from './handle.ts';
import { outputOf, readsEveryByte } from '../exec/testing/session-output.ts';
import type { Tenant } from './testing/ecs-scene.ts';
import { openLiveScene, type LiveScene } from './testing/live-scene.ts';

const PolicyName = 'clusternator';

/** Commands in real containers, by a session with an agent as strict as AWS's: see the data plane of test/emulators. */
describe.each(['moto', 'ministack'] as const)('commands over %s', (emulator) => {
  let scene: LiveScene;
  let shop: Tenant;
  let iam: IAMClient;
  let RoleName: string;
  let made: Environment;

  beforeAll(async () => {
    scene = await openLiveScene(emulator);
    shop = await scene.tenant();
    const credentials = { accessKeyId: 'kit', secretAccessKey: 'kit' };
    iam = new IAMClient({ endpoint: scene.plane.endpoint, region: scene.foundation.region, credentials });
    RoleName = scene.foundation.roles.task.split('/').at(-1) ?? '';
    await iam.send(new CreateRoleCommand({ RoleName, AssumeRolePolicyDocument: '{}' }));
    await allow();
    made = await scene.made(shop, 'a1', { web: withShell('web'), plain: scene.says('plain', { route: '/plain' }) });
  }, 180_000);
  afterAll(async () => {
    iam.destroy();
    await scene.end();
  }, 60_000);

  async function allow(): Promise<void> {
    const PolicyDocument = JSON.stringify(await taskPolicy());
    await iam.send(new PutRolePolicyCommand({ RoleName, PolicyName, PolicyDocument }));
  }
  /** The image has busybox alone: its programs are put in as it starts. */
  function withShell(text: string, more: Partial<ServiceSpec> = {}): ServiceSpec {
    const plain = scene.says(text, more);
    const command = (plain.command ?? []).map((word) =>
      word.replace('B=/bin/busybox;', 'B=/bin/busybox; $B --install -s /bin;'),
    );
    return { ...plain, command };
  }
  const exec = (
    command: readonly string[],
    more: Partial<ExecRequest> = {},
    environment = made,
  ): Promise<ExecSession> =>
    shop.call('exec', async (call) => {
      const ran = shop.environments.exec?.(environment, { service: 'web', command, ...more }, call);
      if (!ran) throw new Error('the driver runs no commands');
      return ran;
    });

  test('one runs in the service’s container, with its variables and its arguments as they are', async () => {
    const session = await exec([
      'sh',
      '-c',
      'cat /w/index.html; echo "$TEXT"; printf "%s|" "$@"; exit 7',
      'sh',
      'a  b',
      "it's",
      '*',
    ]);
    expect(await outputOf(session)).toBe("web\nweb\na  b|it's|*|");
    expect(await session.exitCode).toBe(7);
  });

  test('its input goes in to the end, every byte of it', async () => {
    expect(await readsEveryByte(await exec(['sha256sum']))).toBe(true);
  });

  test('in a terminal it has the size that was asked for', async () => {
    const session = await exec(['sh', '-c', 'stty size; exit 3'], { terminal: { columns: 91, rows: 17 } });
    expect(await outputOf(session)).toBe('17 91\r\n');
    expect(await session.exitCode).toBe(3);
  });

  test('an image without a shell is told as one', async () => {
    await expect(exec(['true'], { service: 'plain' })).rejects.toMatchObject({
      code: 'unsupported',
      message: expect.stringContaining('/bin/sh'),
      detail: { hint: expect.stringContaining('/bin/sh') },
    });
  });

  test('a connection that is cut is no success, and what ran is ended by ECS', async () => {
    const session = await exec(['sh', '-c', 'echo begun; sleep 4321']);
    const output = session.output[Symbol.asyncIterator]();
    await output.next();
    scene.plane.cutSessions();
    await expect(session.exitCode).rejects.toMatchObject({ code: 'unavailable', effect: 'unknown' });
    await scene.plane.endIdleSessions();
    const left = await exec(['sh', '-c', 'ps | grep "sleep 432[1]"']);
    expect(await outputOf(left)).toBe('');
  });

  test('where it can’t run it is said why', async () => {
    await expect(exec([])).rejects.toMatchObject({ code: 'invalid' });
    await expect(exec(['a\0b'])).rejects.toMatchObject({ code: 'invalid' });
    await expect(exec(['true'], { service: 'nobody' })).rejects.toMatchObject({ code: 'not-found' });

    const off = await scene.made(shop, 'b1', { web: withShell('off') });
    await shop.call('off', (call) =>
      Promise.resolve(shop.environments.scale?.(off, { web: { min: 0, max: 0 } }, call)),
    );
    // While it goes, a command may begin and go with it.
    const code = (): Promise<unknown> =>
      exec(['true'], {}, off).then(
        () => 'none',
        (error: unknown) => (ProviderError.is(error) ? error.code : error),
      );
    await eventually(async () => ((await code()) === 'conflict' ? true : undefined));
    await shop.remove('b1');
  }, 120_000);

  test('one that was made without ECS Exec says what to do', async () => {
    const old = await scene.made(shop, 'c1', { web: withShell('old') });
    const service = serviceOf(old.handle, 'web');
    const { cluster } = scene.foundation;
    await scene.raw.ecs.send(new UpdateServiceCommand({ cluster, service, enableExecuteCommand: false }));
    await expect(exec(['true'], {}, old)).rejects.toMatchObject({
      code: 'unsupported',
      detail: { hint: expect.stringContaining('destroy it') },
    });
    // Whatever of it was made by whom, it is the same environment.
    const spec = shop.spec('c1', { web: withShell('old') });
    const read = await shop.call('read', (call) => shop.environments.ensure(spec, call));
    expect(read).toMatchObject({ phase: 'active', fingerprint: old.fingerprint });
    await shop.remove('c1');
  }, 120_000);

  test('without the task role’s rights the agent is not there', async () => {
    await iam.send(new DeleteRolePolicyCommand({ RoleName, PolicyName }));
    const barred = await scene.made(shop, 'd1', { web: withShell('barred') });
    await expect(exec(['true'], {}, barred)).rejects.toMatchObject({
      code: 'unavailable',
      effect: 'none',
      detail: { hint: expect.stringContaining('foundation create') },
    });
    await allow();
    await shop.remove('d1');
  }, 120_000);
});
