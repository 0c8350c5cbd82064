import { afterEach, beforeEach, expect, test } from '@jest/globals';
import { execFileSync } from 'node:child_process';
import type { ServiceSpec } from '@clusternator/core/provider';
import { ContainerRuntime } from './containers/runtime.ts';
import { ensureTestBase } from './containers/testing/base-image.ts';
import { LocalStorage } from './storage.ts';
import { get, Scene, until } from './testing/environments.ts';
import { HEALTH, testCall, testHost } from './testing/specs.ts';

let scene: Scene;
let image: string;
beforeEach(async () => {
  image = await ensureTestBase();
  scene = new Scene({ KEY: 'a-value-that-is-nowhere-else' });
});
afterEach(async () => {
  await scene.daemon.kill();
  const runtime = new ContainerRuntime({ home: scene.daemon.client.paths.home, env: process.env });
  await runtime.sweep({}, 0, AbortSignal.timeout(30_000), { volumes: true });
  await scene[Symbol.asyncDispose]();
});

const docker = (...args: readonly string[]): string => execFileSync('docker', args, { encoding: 'utf8' }).trim();
const ours = (): readonly string[] =>
  ['container', 'network', 'volume']
    .flatMap((kind) =>
      docker(
        kind,
        'ls',
        ...(kind === 'container' ? ['-a'] : []),
        '--filter',
        `label=clusternator_home=${scene.daemon.client.paths.home}`,
        '-q',
      ).split('\n'),
    )
    .filter((line) => line !== '');

function container(script: string, spec: Partial<ServiceSpec> = {}): ServiceSpec {
  return scene.specs.service({
    artefact: { kind: 'image', reference: image },
    command: ['sh', '-c', script],
    ...spec,
  });
}
const httpd = 'mkdir -p /www && echo "$CONTENT" > /www/index.html && exec httpd -f -p 8080 -h /www';

test('a container serves, goes on without the daemon, is adopted by the next one, and nothing is left of it', async () => {
  const web = container(httpd, { port: 8080, route: '/', health: HEALTH, env: { CONTENT: 'from a container' } });
  const spec = scene.specs.environment('aaaaaaaa0000-1', { web });
  const environment = await scene.ensure(spec);
  expect(environment).toMatchObject({ phase: 'active' });
  expect((await get(environment)).text).toBe('from a container\n');
  const [before] = ours();
  await scene.daemon.kill();
  expect(ours()[0]).toBe(before);
  await scene.ensure(spec);
  await until(
    () => get(environment).catch(() => undefined),
    (answer) => answer?.status === 200,
  );
  expect(ours()[0]).toBe(before);
  await scene.destroy(spec);
  expect(ours()).toEqual([]);
});

test('containers and processes of one environment find each other, in the order of their needs', async () => {
  const { specs } = scene;
  const cache = specs.service({ port: 6379, env: { CONTENT: 'the process' } });
  const api = container(
    'echo "$(wget -qO- http://$CACHE:6379/) and $KEY" > /tmp/a; mkdir -p /www; mv /tmp/a /www/index.html; exec httpd -f -p 8080 -h /www',
    {
      port: 8080,
      needs: { cache: 'CACHE' },
      secrets: { KEY: { name: 'KEY' } },
    },
  );
  const edge = container('mkdir -p /www; wget -qO /www/index.html http://$API:8080/ && exec httpd -f -p 8081 -h /www', {
    port: 8081,
    needs: { api: 'API' },
  });
  const program = `
    import http from 'node:http';
    const text = await (await fetch('http://' + process.env.EDGE + ':8081/')).text();
    http.createServer((q, r) => r.end('through all: ' + text)).listen(process.env.PORT, process.env.HOST);`;
  const web = specs.web({ program, needs: { edge: 'EDGE' } });
  const environment = await scene.ensure(specs.environment('aaaaaaaa0000-1', { web, edge, api, cache }));
  expect(environment).toMatchObject({ phase: 'active' });
  expect((await get(environment)).text).toBe('through all: content of the process and a-value-that-is-nowhere-else\n');
});

test('data of a volume outlives its container, and goes with the volume', async () => {
  const storage = new LocalStorage(testHost(scene.specs, scene.daemon.env), scene.daemon.client);
  const volume = await storage.volumes.ensure(
    { id: 'data-1', fingerprint: 'f', tags: {}, kind: 'disk', sizeGiB: 1 },
    testCall(),
  );
  const writer = container(
    'date +%s%N >> /data/starts; mkdir -p /www; cp /data/starts /www/index.html; exec httpd -f -p 8080 -h /www',
    {
      port: 8080,
      route: '/',
      health: HEALTH,
      mounts: { '/data': { volume, readOnly: false } },
    },
  );
  const one = scene.specs.environment('aaaaaaaa0000-1', { writer });
  const two = scene.specs.environment('bbbbbbbb0000-1', { writer });
  expect((await get(await scene.ensure(one))).text.trim().split('\n')).toHaveLength(1);
  await expect(storage.volumes.destroy(volume, testCall())).rejects.toMatchObject({ code: 'conflict' });
  await scene.destroy(one);
  expect((await get(await scene.ensure(two))).text.trim().split('\n')).toHaveLength(2);
  await scene.destroy(two);
  expect(ours()).toHaveLength(1);
  await storage.volumes.destroy(volume, testCall());
  expect(await storage.volumes.read(volume, testCall())).toBeUndefined();
  expect(ours()).toEqual([]);
});

test('a container that ends again and again fails its environment, with its last lines', async () => {
  const web = container('echo my last words; exit 4', { port: 8080, route: '/' });
  const environment = await scene.ensure(scene.specs.environment('aaaaaaaa0000-1', { web }));
  expect(environment.phase).toBe('failed');
  expect(environment.message).toMatch(/^service web /);
  expect(environment.message).toContain('code 4');
  expect(environment.message).toContain('| my last words');
  await until(
    () => docker('ps', '-q', '--filter', `label=clusternator_home=${scene.daemon.client.paths.home}`),
    (it) => it === '',
  );
});

test('an image that is not there, and an engine that is not, are told', async () => {
  const web = container(httpd, { artefact: { kind: 'image', reference: 'clusternator-test/nothing:1' } });
  const environment = await scene.ensure(scene.specs.environment('aaaaaaaa0000-1', { web }));
  expect(environment).toMatchObject({
    phase: 'failed',
    message: expect.stringContaining('clusternator-test/nothing:1'),
  });
});

test('an engine that does not answer is waited for as long as the health check allows', async () => {
  const away = new Scene({}, { DOCKER_HOST: 'unix:///nowhere.sock' });
  const web = container(httpd, { port: 8080, route: '/', health: { ...HEALTH, withinSeconds: 1 } });
  const environment = await away.ensure(away.specs.environment('aaaaaaaa0000-1', { web }));
  expect(environment.phase).toBe('failed');
  expect(environment.message).toMatch(/service web did not become healthy within 1 s: .*Docker/);
  await away[Symbol.asyncDispose]();
});

test('lines of a container are told once, also those that it wrote while no daemon ran', async () => {
  const worker = container('i=0; while :; do echo line $i; i=$((i+1)); sleep 0.05; done');
  const spec = scene.specs.environment('aaaaaaaa0000-1', { worker });
  const environment = await scene.ensure(spec);
  const lines = async (): Promise<string[]> => {
    const all = await Array.fromAsync(scene.driver.logs(environment, { follow: false }, testCall()));
    return all.map((line) => line.text);
  };
  await until(lines, (all) => all.length > 10);
  await scene.daemon.kill();
  const seen = await until(lines, (all) => all.length > 60);
  expect(seen).toEqual(seen.map((_, i) => `line ${String(i)}`));
});

test('a command runs in a container, and what was removed behind our back is made again', async () => {
  const web = container(httpd, { port: 8080, route: '/', health: HEALTH, env: { CONTENT: 'x' } });
  const environment = await scene.ensure(scene.specs.environment('aaaaaaaa0000-1', { web }));
  const session = await scene.driver.exec(
    environment,
    { service: 'web', command: ['cat', '/www/index.html'] },
    testCall(),
  );
  await session.end();
  let output = '';
  for await (const piece of session.output) output += Buffer.from(piece).toString();
  expect(output).toBe('x\n');
  expect(await session.exitCode).toBe(0);

  docker('rm', '-f', ours()[0] ?? '');
  await until(
    () => scene.driver.health(environment, testCall()),
    (health) => !health.healthy,
  ).catch(() => undefined);
  await until(
    () => get(environment).catch(() => undefined),
    (answer) => answer?.status === 200,
  );
  expect(ours()).toHaveLength(2);
});
