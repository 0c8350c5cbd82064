import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from '@jest/globals';
import { spawn } from 'node:child_process';
import type { ChildProcess } from 'node:child_process';
import { createHash, randomBytes } from 'node:crypto';
import {
  chmodSync,
  copyFileSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { Readable } from 'node:stream';
import { z } from 'zod';
import { connectDocker } from './docker-engine.ts';
import type { EngineClient } from './engine-client.ts';
import type { ImageBuild } from './build-image.ts';
import { EngineImages } from './engine-images.ts';

const signal = new AbortController().signal;
const run = randomBytes(4).toString('hex');
const ours = { clusternator_test: run };
const base = `clusternator-test/${run}-base:1`;
const { PATH, DOCKER_HOST } = process.env;
const env = { PATH, HOME: '/nowhere', ...(DOCKER_HOST && { DOCKER_HOST }) };
const socket = (DOCKER_HOST ?? 'unix:///var/run/docker.sock').replace('unix://', '');
let client: EngineClient;
let root: string;
let output: string[] = [];

beforeAll(async () => {
  ({ client } = await connectDocker(env, signal));
  root = mkdtempSync(join(tmpdir(), 'clusternator docker '));
  context('base', { Dockerfile: 'FROM scratch\nCOPY busybox /bin/busybox\nCOPY busybox /bin/sh\n' });
  copyFileSync('/bin/busybox', join(root, 'base/busybox'));
  await images().build(build('base', { tag: base }));
});
afterEach(async () => {
  for (const { Id } of await containers({ label: [`clusternator_test=${run}`] })) {
    await client.do({ method: 'DELETE', path: `/containers/${Id}`, query: { force: '1' }, signal });
  }
});
afterAll(async () => {
  // Parents go after their children.
  await until(async () => {
    const left = await images().list(ours, signal);
    for (const { id } of left) await remove(id).catch(() => undefined);
    return left.length === 0;
  });
  rmSync(root, { recursive: true, force: true });
});
beforeEach(() => {
  output = [];
});

describe.each(['classic', 'buildkit'] as const)('the %s builder', (builder) => {
  test('builds a context, streams its output and gives the id', async () => {
    context(`app-${builder}`, {
      Dockerfile: `FROM ${base}\nCOPY . /app\nRUN echo "hello from $(cat /app/file)" && cat /app/run.sh\nCMD ["/bin/busybox","sleep","1"]\n`,
      file: `the ${builder} builder`,
      'run.sh': '#!/bin/sh\n',
    });
    const tag = `clusternator-test/${run}:${builder}`;
    const image = await images(builder).build(build(`app-${builder}`, { tag }));
    expect(image).toEqual({ kind: 'image', reference: expect.stringMatching(/^sha256:[0-9a-f]{64}$/) });
    expect(await idOf(tag)).toBe(image.reference);
    expect(output.join('\n')).toContain(`hello from the ${builder} builder`);

    output = [];
    expect(await images(builder).build(build(`app-${builder}`, { tag }))).toEqual(image);
    expect(output).toEqual([]); // Known by its tag and labels.
    const other = await images(builder).build(
      build(`app-${builder}`, { tag, labels: { ...ours, clusternator_service: 'other' } }),
    );
    expect(other.reference).not.toBe(image.reference);
  });

  test('tells why a build failed, with its last lines', async () => {
    const script = 'for i in 1 2 3; do echo "line $i"; done; echo "it is broken" >&2; exit 7';
    context(`broken-${builder}`, { Dockerfile: `FROM ${base}\nRUN ${script}\n` });
    const failed = images(builder).build(build(`broken-${builder}`, {}));
    await expect(failed).rejects.toMatchObject({
      code: 'unhealthy',
      detail: { path: `services.broken-${builder}.build` },
    });
    const message = String(await failed.catch((error: unknown) => error));
    expect(message).toContain(`the build of service broken-${builder} failed: `);
    expect(message).toContain('\n  it is broken');
    context(`typo-${builder}`, { Dockerfile: `FROM ${base}\nCOPIE . .\n` });
    await expect(images(builder).build(build(`typo-${builder}`, {}))).rejects.toThrow(/COPIE/i);
    context(`nobase-${builder}`, { Dockerfile: `FROM 127.0.0.1:9/no-such-image:1\n` });
    await expect(images(builder).build(build(`nobase-${builder}`, {}))).rejects.toThrow(/127\.0\.0\.1:9/);
  });

  test('stops when it is told to', async () => {
    const mark = `sleeper-${run}-${builder}`;
    context(`slow-${builder}`, {
      Dockerfile: `FROM ${base}\nRUN echo ready && exec /bin/busybox sleep 600 # ${mark}\n`,
    });
    const controller = new AbortController();
    const building = images(builder).build(
      build(`slow-${builder}`, {
        signal: controller.signal,
        onOutput: (line) => {
          if (line === 'ready') controller.abort();
        },
      }),
    );
    await expect(building).rejects.toMatchObject({ code: 'cancelled' });
    await until(async () => {
      const running = await containers({});
      return !running.some(({ Command }) => Command.includes(mark));
    });
  });

  test('leaves out what .dockerignore names', async () => {
    const files = {
      'keep.txt': '',
      'drop.log': '',
      'deep/drop.log': '',
      'deep/keep.log': '',
      'node_modules/x/y': '',
      'ü b/c': '',
    };
    const ignore = '# comment\n*.log\n**/*.log\n!deep/keep.log\nnode_modules\nDockerfile\n.dockerignore\n';
    context(`ignore-${builder}`, {
      ...files,
      '.dockerignore': ignore,
      Dockerfile: `FROM ${base}\nCOPY . /app\nRUN find /app -type f | sort\n`,
    });
    await images(builder).build(build(`ignore-${builder}`, {}));
    const found = output
      .map((line) => /(\/app\/.*)$/.exec(line)?.[1])
      .filter((line) => line !== undefined && !line.includes('|'));
    // The two files that steer the build arrive in any case, and only the classic builder takes them out again.
    const steering = builder === 'classic' ? [] : ['/app/.dockerignore', '/app/Dockerfile'];
    expect(found).toEqual([...steering, '/app/deep/keep.log', '/app/keep.txt', '/app/ü b/c']);
  });
});

test('a Dockerfile may be elsewhere in the tree, and nothing outside of it is read', async () => {
  context('mono', {
    'services/api/file': 'x',
    'docker/api.Dockerfile': `FROM ${base}\nCOPY file /file\n`,
    'services/other/Dockerfile': '',
  });
  const tree = join(root, 'mono');
  const api = { tree, context: 'services/api', dockerfile: '../../docker/api.Dockerfile' };
  await expect(images().build(build('api', api))).resolves.toMatchObject({ kind: 'image' });
  symlinkSync('/etc', join(tree, 'etc'));
  symlinkSync('/etc/passwd', join(tree, 'services/other/Dockerfile.link'));
  for (const [context, dockerfile, message] of [
    ['../base', 'Dockerfile', /build context .* is outside of the repository/],
    ['etc', 'passwd', /is a link that leads out/],
    ['services/api', '../../../base/Dockerfile', /Dockerfile .* is outside of the repository/],
    ['services/other', 'Dockerfile.link', /is a link that leads out/],
    ['services/none', 'Dockerfile', /build context services\/none of service api is not there/],
    ['services/api', 'Dockerfile', /Dockerfile Dockerfile of service api is not there/],
  ] as const) {
    const tag = `clusternator-test/${run}:none`;
    await expect(images().build(build('api', { tree, context, dockerfile, tag }))).rejects.toMatchObject({
      code: 'invalid',
      message: expect.stringMatching(message),
      detail: { path: 'services.api.build' },
    });
  }
});

test('a tag goes, but not an image that others tag, nor one that a container uses', async () => {
  context('tags', { Dockerfile: `FROM ${base}\nCMD ["/bin/busybox","sleep","600"]\n` });
  const [one, two] = [`clusternator-test/${run}:one`, `clusternator-test/${run}:two`];
  const image = await images().build(build('tags', { tag: one }));
  expect(await images().pin(one, two, signal)).toEqual(image);
  expect(await images().pin('not/asked:for', two, signal)).toEqual(image);
  expect((await images().list({ ...ours, clusternator_service: 'tags' }, signal))[0]?.tags.toSorted()).toEqual([
    one,
    two,
  ]);
  await images().untag(one, signal);
  await images().untag(one, signal);
  expect(await idOf(two)).toBe(image.reference);

  const body = Readable.from([JSON.stringify({ Image: two, Labels: ours })]);
  const headers = { 'Content-Type': 'application/json' };
  await client.do({
    method: 'POST',
    path: '/containers/create',
    query: { name: `user-${run}` },
    headers,
    body,
    signal,
  });
  await expect(images().untag(two, signal)).rejects.toMatchObject({
    code: 'conflict',
    message: `image ${two} is still used by container user-${run}`,
  });
  await client.do({ method: 'DELETE', path: `/containers/user-${run}`, signal });
  await images().untag(two, signal);
  await expect(idOf(image.reference)).rejects.toMatchObject({ status: 404 });
});

describe('a registry', () => {
  let registry: ChildProcess;
  let address: string;
  beforeAll(async () => {
    const port = await freePort();
    address = `127.0.0.1:${port}`;
    const config = `version: 0.1\nstorage: { filesystem: { rootdirectory: ${join(root, 'registry')} } }\nhttp: { addr: ${address} }\n`;
    writeFileSync(join(root, 'registry.yml'), config);
    const program = ['docker', 'registry'].join('-'); // Not of any package.
    registry = spawn(program, ['serve', join(root, 'registry.yml')], { stdio: 'ignore' });
    await until(async () => (await fetch(`http://${address}/v2/`).catch(() => undefined))?.ok === true);
  });
  afterAll(() => {
    registry.kill('SIGKILL');
  });

  test('takes what is pushed, and gives it back by digest', async () => {
    context('pushed', { Dockerfile: `FROM ${base}\nCMD ["x"]\n` });
    const image = await images().build(build('pushed', {}));
    const repository = { name: `${address}/team/app`, platform: 'linux/amd64', username: '', password: '' };
    const pushed = await images().push(image, repository, 'c0ffee', signal);
    expect(pushed.reference).toMatch(new RegExp(`^${address}/team/app@sha256:[0-9a-f]{64}$`));
    expect((await images().list({ clusternator_service: 'pushed' }, signal))[0]?.tags).toEqual([
      `clusternator-test/${run}:pushed`,
    ]);
    expect((await images().push(image, repository, 'c0ffee', signal)).reference).toBe(pushed.reference);
    expect(await images().resolve(`${address}/team/app:c0ffee`, signal)).toEqual(pushed);
    expect(await images().resolve(pushed.reference, signal)).toEqual(pushed);
    const absent = images().resolve(`${address}/team/app:absent`, signal);
    await expect(absent).rejects.toMatchObject({ code: 'not-found' });

    await images().untag(`clusternator-test/${run}:pushed`, signal);
    await remove(image.reference).catch(() => undefined);
    const kept = `clusternator-test/${run}:kept`;
    const pinned = await images().pin(`${address}/team/app:c0ffee`, kept, signal);
    expect(pinned).toEqual(image);
    expect(await idOf(kept)).toBe(image.reference);
    await remove(`${address}/team/app:c0ffee`);
  });

  test('that has no such image says so', async () => {
    const pinning = images().pin(`${address}/team/none:1`, `clusternator-test/${run}:none`, signal);
    await expect(pinning).rejects.toMatchObject({
      code: 'not-found',
      message: expect.stringContaining(`pull ${address}/team/none:1`),
    });
    const closed = images().pin(`127.0.0.1:${await freePort()}/x:1`, `clusternator-test/${run}:none`, signal);
    await expect(closed).rejects.toMatchObject({ message: expect.stringContaining('connection refused') });
  });
});

test('an engine is found by ssh and by the current context, as Docker itself finds it', async () => {
  const bin = join(root, 'bin');
  context('bin', {
    ssh: `#!/bin/sh\nwhile [ "$1" != -- ]; do shift; done\necho "$2" > "$0.host"\nshift 2\nexport DOCKER_HOST=unix://${socket}\nexec "$@"\n`,
  });
  chmodSync(join(bin, 'ssh'), 0o755);
  const ssh = { PATH: `${bin}:${process.env.PATH ?? ''}`, DOCKER_HOST: 'ssh://me@far.example:2222' };
  const far = new EngineImages(await connectDocker(ssh, signal), env);
  expect((await far.list(ours, signal)).length).toBeGreaterThan(0);
  expect(readFileSync(join(bin, 'ssh.host'), 'utf8')).toBe('far.example\n');

  const id = createHash('sha256').update('mine').digest('hex');
  context('config', {
    'config.json': '{"currentContext": "mine"}',
    [`contexts/meta/${id}/meta.json`]: `{"Endpoints": {"docker": {"Host": "unix://${root}/mine.sock"}}}`,
  });
  await expect(connectDocker({ DOCKER_CONFIG: join(root, 'config') }, signal)).rejects.toThrow(
    `at unix://${root}/mine.sock`,
  );
  symlinkSync(socket, join(root, 'mine.sock'));
  await expect(connectDocker({ DOCKER_CONFIG: join(root, 'config') }, signal)).resolves.toMatchObject({
    builder: 'classic',
  });
  await expect(connectDocker({ DOCKER_HOST: 'ftp://x' }, signal)).rejects.toMatchObject({ code: 'invalid' });
});

test('a name that is no image is not asked for', async () => {
  for (const name of ['../containers/json', 'a b', 'x?y', '', '-x']) {
    await expect(images().pin(name, `clusternator-test/${run}:none`, signal)).rejects.toMatchObject({
      code: 'invalid',
    });
  }
});

test('an engine that is not there, or stops, is told', async () => {
  await expect(connectDocker({ DOCKER_HOST: `unix://${root}/none.sock` }, signal)).rejects.toMatchObject({
    code: 'unavailable',
    message: expect.stringMatching(/no Docker Engine answers at unix:\/\/.*none\.sock/),
    detail: { hint: expect.stringContaining('start Docker') },
  });
  await expect(connectDocker({ DOCKER_HOST: `tcp://127.0.0.1:${await freePort()}` }, signal)).rejects.toMatchObject({
    code: 'unavailable',
  });
});

function images(builder: 'classic' | 'buildkit' = 'classic'): EngineImages {
  return new EngineImages({ client, builder }, env);
}

async function idOf(image: string): Promise<string> {
  return (await client.json(z.object({ Id: z.string() }), { path: `/images/${image}/json`, signal })).Id;
}

function remove(image: string): Promise<void> {
  return client.do({ method: 'DELETE', path: `/images/${image}`, query: { force: '1' }, signal });
}

function containers(filters: Record<string, string[]>): Promise<readonly { Id: string; Command: string }[]> {
  const schema = z.array(z.object({ Id: z.string(), Command: z.string() }));
  return client.json(schema, {
    path: '/containers/json',
    query: { all: '1', filters: JSON.stringify(filters) },
    signal,
  });
}

function build(name: string, more: Partial<ImageBuild>): ImageBuild {
  return {
    name,
    tree: join(root, name),
    context: '.',
    dockerfile: 'Dockerfile',
    tag: `clusternator-test/${run}:${name}`,
    labels: { ...ours, clusternator_service: name },
    signal,
    onOutput: (line) => output.push(line),
    ...more,
  };
}

function context(name: string, files: Record<string, string>): void {
  for (const [path, text] of Object.entries(files)) {
    const file = join(root, name, path);
    mkdirSync(dirname(file), { recursive: true });
    writeFileSync(file, text);
  }
}

async function freePort(): Promise<number> {
  const server = createServer();
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const address = server.address();
  await new Promise((resolve) => server.close(resolve));
  return typeof address === 'object' ? (address?.port ?? 0) : 0;
}

async function until(holds: () => Promise<boolean>): Promise<void> {
  const end = performance.now() + 20_000;
  while (!(await holds())) {
    if (performance.now() > end) throw new Error('it never held');
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
}
