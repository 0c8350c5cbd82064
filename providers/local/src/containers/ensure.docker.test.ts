import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { InstanceSpec } from './instance.ts';
import { EXAMPLE_BASE, ensureExampleBase } from './testing/base-image.ts';
import { eventually, harness, type Harness } from './testing/harness.ts';

let h: Harness;
beforeAll(async () => {
  h = await harness();
});
afterAll(() => h.close());

const HTTPD = 'echo $GREETING > /www/index.html; exec httpd -f -p 8080 -h /www';
const text = async (endpoint: { host: string; port: number } | undefined) => {
  const url = `http://${endpoint?.host}:${endpoint?.port}/`;
  return eventually(
    () =>
      fetch(url)
        .then((answer) => answer.text())
        .catch(() => ''),
    (body) => body !== '',
  );
};

describe('a container that is to run', () => {
  test('serves on a loopback port of this machine', async () => {
    const status = await h.runtime.ensure(
      h.script(HTTPD, { service: 'web', publish: { port: 8080 }, env: { GREETING: 'hello' } }),
      h.signal,
    );
    expect(status).toMatchObject({ state: 'running', restarting: false, restarts: 0, endpoint: { host: '127.0.0.1' } });
    expect(status.imageDigest).toMatch(/^sha256:/);
    expect(await text(status.endpoint)).toBe('hello\n');
  });

  test('finds its neighbours by the name of their service, and given hosts', async () => {
    await h.runtime.ensure(h.script(HTTPD, { service: 'neighbour', env: { GREETING: 'near' } }), h.signal);
    const asking = h.script('wget -q -O - http://neighbour:8080/ && grep -c 10.9.8.7 /etc/hosts; sleep 1000', {
      service: 'asking',
      hosts: { db: '10.9.8.7' },
    });
    await h.runtime.ensure(asking, h.signal);
    const lines = await eventually(
      () => h.runtime.lastLines(h.nameOf(asking), 5, h.signal),
      (found) => found.length === 2,
    );
    expect(lines).toEqual(['near', '1']);
  });

  test('is left alone when it runs already, and when ten ask at once there is one', async () => {
    const spec = h.spec({ service: 'once', env: { A: '1' } });
    const all = await Promise.all(Array.from({ length: 10 }, () => h.runtime.ensure(spec, h.signal)));
    const again = await h.runtime.ensure(spec, h.signal);
    expect(new Set(all.map((status) => status.startedAt?.getTime())).size).toBe(1);
    expect(again.startedAt).toEqual(all[0]?.startedAt);
  });

  test('is started when a call died between making and starting it', async () => {
    const spec = h.spec({ service: 'half' });
    await h.runtime.ensure(spec, h.signal);
    const made = await h.docker.getContainer(h.nameOf(spec)).inspect();
    await h.runtime.remove(h.nameOf(spec), 0, h.signal);
    await h.docker.createContainer({ name: h.nameOf(spec), ...made.Config, HostConfig: made.HostConfig });
    expect(await h.runtime.inspect(h.nameOf(spec), h.signal)).toMatchObject({ state: 'starting' });
    expect(await h.runtime.ensure(spec, h.signal)).toMatchObject({ state: 'running' });
  });

  test.each([
    ['another image', { image: EXAMPLE_BASE, command: ['/bin/busybox', 'sleep', '1000'] }],
    ['another value of a variable', { env: { TOKEN: 'two' } }],
    ['one variable fewer', { env: {} }],
    ['another limit', { memoryMiB: 128 }],
  ] satisfies [string, Partial<InstanceSpec>][])('made with %s is told, and goes on', async (_, change) => {
    await ensureExampleBase(h.docker);
    const spec = h.spec({ service: 'changed', env: { TOKEN: 'one' } });
    const before = await h.runtime.ensure(spec, h.signal);
    await expect(h.runtime.ensure({ ...spec, ...change }, h.signal)).rejects.toMatchObject({ code: 'already-exists' });
    expect((await h.runtime.inspect(h.nameOf(spec), h.signal)).startedAt).toEqual(before.startedAt);
  });

  test('never touches a container of somebody else with its name', async () => {
    const spec = h.spec({ service: 'foreign' });
    const foreign = await h.docker.createContainer({ name: h.nameOf(spec), Image: spec.image });
    try {
      const refused = { code: 'owned-by-other' };
      await expect(h.runtime.ensure(spec, h.signal)).rejects.toMatchObject(refused);
      await expect(h.runtime.inspect(h.nameOf(spec), h.signal)).rejects.toMatchObject(refused);
      await expect(h.runtime.remove(h.nameOf(spec), 0, h.signal)).rejects.toMatchObject(refused);
      expect((await foreign.inspect()).State.Status).toBe('created');
    } finally {
      await foreign.remove();
    }
  });

  test('is started again by the engine, and then has another endpoint', async () => {
    const spec = h.script('sleep 1; exit 3', { service: 'crashing', publish: { port: 8080 } });
    await h.runtime.ensure(spec, h.signal);
    const status = await h.until(spec, ({ restarts, state }) => restarts > 0 && state === 'running');
    expect(status.message).toContain('started again');
    expect(status.endpoint?.port).toBeGreaterThan(0);
    expect(await h.until(spec, ({ state }) => state === 'exited')).toMatchObject({ exitCode: 3, restarting: true });
  });

  test('has all processors when more are asked for', async () => {
    const spec = h.spec({ service: 'large', cpus: 512 });
    expect(await h.runtime.ensure(spec, h.signal)).toMatchObject({ state: 'running' });
  });

  test('sees folders and volumes, read-only where so', async () => {
    const folder = await mkdtemp(join(tmpdir(), 'clusternator-mount-'));
    const volume = `clusternator-${h.home}-data`;
    try {
      await writeFile(join(folder, 'file'), 'of this machine');
      await h.runtime.ensureVolume(volume, { clusternator_project: 'shop' }, h.signal);
      const spec = h.script(
        'cat /given/file; echo; touch /given/x || echo no; echo kept > /data/x; cat /data/x; sleep 1000',
        {
          service: 'mounting',
          mounts: [
            { kind: 'folder', source: folder, target: '/given', readOnly: true },
            { kind: 'volume', volume, target: '/data', readOnly: false },
          ],
        },
      );
      await h.runtime.ensure(spec, h.signal);
      const lines = await eventually(
        () => h.runtime.lastLines(h.nameOf(spec), 10, h.signal),
        (found) => found.includes('kept'),
      );
      expect(lines.join(' ')).toMatch(/Read-only/);
      expect(lines).toEqual(expect.arrayContaining(['of this machine', 'no', 'kept']));
      await expect(h.runtime.removeVolume(volume, h.signal)).rejects.toMatchObject({ code: 'conflict' });
      await h.runtime.remove(h.nameOf(spec), 0, h.signal);
    } finally {
      await rm(folder, { recursive: true });
    }
  });
});

describe('a container that cannot run', () => {
  const cases: [string, Partial<InstanceSpec>, object][] = [
    ['no image', { image: 'clusternator-test/none:1' }, { code: 'not-found', detail: { path: 'image' } }],
    ['no such image id', { image: `sha256:${'0'.repeat(64)}` }, { code: 'not-found', detail: { path: 'image' } }],
    ['no such command', { command: ['no-such-command'] }, { code: 'invalid', detail: { path: 'command' } }],
    ['no such file', { command: ['/no/such/file'] }, { code: 'invalid', detail: { path: 'command' } }],
    ['a command that is no program', { command: ['/www'] }, { code: 'invalid', detail: { path: 'command' } }],
    [
      'no such folder',
      { mounts: [{ kind: 'folder', source: '/no/such/folder', target: '/x', readOnly: true }] },
      { code: 'not-found', detail: { path: 'mounts' } },
    ],
    [
      'no such volume',
      { mounts: [{ kind: 'volume', volume: 'clusternator-no-such', target: '/x', readOnly: true }] },
      { code: 'not-found', detail: { path: 'mounts' } },
    ],
    ['no such network', { network: 'clusternator-no-such' }, { code: 'not-found', detail: { path: 'network' } }],
    ['too little memory', { memoryMiB: 1 }, { code: 'invalid', detail: { path: 'memoryMiB' } }],
    ['a bad variable', { env: { 'A=B': 'hush-hush' } }, { code: 'invalid', detail: { path: 'env' } }],
    [
      'an address that is not here',
      { publish: { port: 80, address: '203.0.113.7', hostPort: 45_671 } },
      { code: 'invalid', detail: { path: 'publish' } },
    ],
  ];
  test.each(cases)('with %s says so, and nothing of it is left', async (_, change, expected) => {
    const spec = h.spec({ service: 'hopeless', env: { SECRET: 'hush-hush' }, ...change });
    const error: unknown = await h.runtime.ensure(spec, h.signal).catch((reason: unknown) => reason);
    expect(error).toMatchObject({ ...expected, effect: 'none' });
    expect(String(error)).toContain('hopeless');
    expect(String(error)).not.toContain('hush-hush');
    expect(await h.runtime.inspect(h.nameOf(spec), h.signal)).toMatchObject({ state: 'absent' });
  });

  test('because its port is taken says so', async () => {
    const taken = await h.runtime.ensure(h.spec({ service: 'first', publish: { port: 80 } }), h.signal);
    const publish = { port: 80, hostPort: taken.endpoint?.port ?? 0 };
    const spec = h.spec({ service: 'second', publish });
    await expect(h.runtime.ensure(spec, h.signal)).rejects.toMatchObject({
      code: 'conflict',
      detail: { path: 'publish' },
    });
    expect(await h.runtime.inspect(h.nameOf(spec), h.signal)).toMatchObject({ state: 'absent' });
  });

  test('because it wants more memory than it has is told so', async () => {
    const spec = h.script('sleep 1; tail /dev/zero', { service: 'greedy', memoryMiB: 16 });
    await h.runtime.ensure(spec, h.signal);
    const status = await h.until(spec, ({ oomKilled }) => oomKilled === true);
    expect(status.message).toContain('more than its 16 MiB');
  });

  test('because the file is for another processor says so in its last lines', async () => {
    const spec = h.script('printf "\\177ELF\\002\\001\\001" > /x; head -c 200 /dev/zero >> /x; chmod +x /x; exec /x', {
      service: 'alien',
    });
    await h.runtime.ensure(spec, h.signal);
    await h.until(spec, ({ state }) => state === 'exited');
    expect((await h.runtime.lastLines(h.nameOf(spec), 3, h.signal)).join('\n')).toMatch(/x: |format/i);
  });
});

test('secrets are in no label and no name', async () => {
  const spec = h.spec({ service: 'secretive', env: { TOKEN: 'hush-hush' } });
  await h.runtime.ensure(spec, h.signal);
  const { Config, Name, HostConfig } = await h.docker.getContainer(h.nameOf(spec)).inspect();
  expect(Config.Env).toContain('TOKEN=hush-hush');
  expect(JSON.stringify([Config.Labels, Name, HostConfig, Config.Cmd])).not.toContain('hush-hush');
});
