import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import { execFileSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import path from 'node:path';
import type { LogLine } from '@clusternator/core/provider';
import { processesMarked } from './daemon/process-table.ts';
import { LocalEnvironments } from './environments.ts';
import { get, Scene, until } from './testing/environments.ts';
import { HEALTH, SERVER, testCall, testHost } from './testing/specs.ts';

const SECRETS = { KEY: 'a-value-that-is-nowhere-else' };
let scene: Scene;
beforeEach(() => {
  scene = new Scene(SECRETS);
});
afterEach(() => scene[Symbol.asyncDispose]());

const marked = (): number => processesMarked(`${scene.daemon.client.paths.home}:`).length;

async function logLines(id: string, query: { after?: string; services?: string[] } = {}): Promise<LogLine[]> {
  const environment = { id } as Parameters<LocalEnvironments['logs']>[0]; // the id is all that is used of it
  return Array.fromAsync(scene.driver.logs(environment, { follow: false, ...query }, testCall()));
}

describe('an environment of processes', () => {
  test('serves its content, and nothing is left of it after it was destroyed', async () => {
    const spec = scene.specs.environment('aaaaaaaa0000-1', { web: scene.specs.web({ env: { CONTENT: 'a' } }) });
    const environment = await scene.ensure(spec);
    expect(environment).toMatchObject({ phase: 'active', parts: { web: { phase: 'active' } } });
    expect(await get(environment)).toEqual({ status: 200, text: 'content of a' });

    await scene.destroy(spec);
    expect(await scene.read(spec)).toBeUndefined();
    expect(marked()).toBe(0);
    const folder = path.join(scene.daemon.client.paths.environments, environment.handle.environment ?? '');
    expect(existsSync(folder)).toBe(false);
    expect((await get(environment)).status).toBe(404);
    await scene.destroy(spec);
  });

  test('runs beside another of the same spec, each with its own content', async () => {
    const [one, other] = await Promise.all(
      ['aaaaaaaa0000-1', 'bbbbbbbb0000-1'].map((id) =>
        scene.ensure(scene.specs.environment(id, { web: scene.specs.web({ env: { CONTENT: id } }) })),
      ),
    );
    if (!one || !other) throw new Error('two were asked for');
    expect((await get(one)).text).toBe('content of aaaaaaaa0000-1');
    expect((await get(other)).text).toBe('content of bbbbbbbb0000-1');
    expect(one.address?.value).not.toBe(other.address?.value);
  });

  test('is told its address, port, secrets and what it needs, and starts after it', async () => {
    const { specs } = scene;
    const client = `
      import http from 'node:http'; import net from 'node:net';
      const db = net.connect(5432, process.env.DB_HOST);
      db.once('error', () => process.exit(9));
      db.once('data', (hello) => http.createServer((q, r) => r.end(hello + ' ' + process.env.KEY + ' ' + process.env.SHLVL)).listen(process.env.PORT, process.env.HOST));
    `;
    const db = `
      import net from 'node:net'; import { setTimeout } from 'node:timers/promises';
      await setTimeout(300);
      net.createServer((s) => s.end('hello from the database')).listen(process.env.PORT, '127.0.0.1');
    `;
    const spec = specs.environment('aaaaaaaa0000-1', {
      web: specs.web({ program: client, needs: { db: 'DB_HOST' }, secrets: { KEY: { name: 'KEY' } } }),
      db: specs.service({ program: db, port: 5432, protocol: 'tcp' }),
    });
    const environment = await scene.ensure(spec);
    expect(environment).toMatchObject({ phase: 'active' });
    expect((await get(environment)).text).toBe(`hello from the database ${SECRETS.KEY} undefined`);
    const grep = (): string =>
      execFileSync('grep', ['-rl', SECRETS.KEY, scene.daemon.stateFolder], { encoding: 'utf8' });
    expect(grep).toThrow(expect.objectContaining({ status: 1 })); // grep's word for: found nowhere
  });

  test('is not written, started or changed again by a second ensure', async () => {
    const spec = scene.specs.environment('aaaaaaaa0000-1', { web: scene.specs.web() });
    const first = await scene.ensure(spec);
    const { text: pid } = await get(first, '/pid');
    expect(await scene.ensure({ ...spec, fingerprint: 'another' })).toEqual(first);
    expect((await get(first, '/pid')).text).toBe(pid);
  });

  test('comes of ten ensures at once just once', async () => {
    const spec = scene.specs.environment('aaaaaaaa0000-1', { web: scene.specs.web() });
    const all = await Promise.all(Array.from({ length: 10 }, () => scene.ensure(spec)));
    expect(new Set(all.map((it) => it.address?.value)).size).toBe(1);
    expect(marked()).toBe(1);
  });

  test('answers 503 with its state until it is active', async () => {
    const program = SERVER.replace('server.listen', 'await new Promise((r) => setTimeout(r, 1500)); server.listen');
    const spec = scene.specs.environment('aaaaaaaa0000-1', { web: scene.specs.web({ program }) });
    const made = scene.ensure(spec);
    const creating = await until(
      () => scene.read(spec),
      (it) => it !== undefined,
    );
    if (!creating) throw new Error('it was there just now');
    const answer = await get(creating);
    expect(answer.status).toBe(503);
    expect(answer.text).toContain('still being made');
    expect(await get(await made)).toMatchObject({ status: 200 });
  });

  test('is destroyed while it is being made', async () => {
    const program = 'setInterval(() => {}, 1000);';
    const spec = scene.specs.environment('aaaaaaaa0000-1', { web: scene.specs.web({ program }) });
    const made = scene.ensure(spec);
    await until(marked, (count) => count === 1);
    await scene.destroy(spec);
    expect(marked()).toBe(0);
    expect(await made).toMatchObject({ phase: 'destroying' });
    expect(await scene.read(spec)).toBeUndefined();
  });

  test("is another project's when its id is the same", async () => {
    const host = testHost(scene.specs, scene.daemon.env, SECRETS, 'other');
    const others = new LocalEnvironments(host, scene.daemon.newClient());
    const spec = scene.specs.environment('aaaaaaaa0000-1', { web: scene.specs.web({ env: { CONTENT: 'ours' } }) });
    await scene.ensure(spec);
    expect(await others.read(spec, testCall())).toBeUndefined();
    expect(await Array.fromAsync(others.list(testCall()))).toEqual([]);
    await others.destroy(spec, testCall());
    expect(await Array.fromAsync(scene.driver.list(testCall()))).toHaveLength(1);
  });

  test('runs a worker without a port, and one in a folder of its tree', async () => {
    const tree = scene.specs.tree({
      'apps/worker/run.mjs': 'console.log("in " + process.cwd().split("/").at(-1)); setInterval(() => {}, 1000);',
    });
    const worker = scene.specs.service({
      artefact: tree,
      command: [process.execPath, 'run.mjs'],
      workingDir: 'apps/worker',
    });
    const spec = scene.specs.environment('aaaaaaaa0000-1', { worker });
    expect(await scene.ensure(spec)).toMatchObject({ phase: 'active' });
    const lines = await until(
      () => logLines(spec.id),
      (it) => it.length > 0,
    );
    expect(lines.map((line) => line.text)).toEqual(['in worker']);
  });

  test('serves a site beside a service, each under its path', async () => {
    const { specs } = scene;
    const artefact = specs.tree({ 'index.html': 'the site', 'a/b.txt': 'deep' });
    const environment = await scene.ensure(
      specs.environment(
        'aaaaaaaa0000-1',
        { api: specs.web({ route: '/api', env: { CONTENT: 'api' } }) },
        { web: { artefact, route: '/', fallback: 'index.html' } },
      ),
    );
    expect((await get(environment, '/')).text).toBe('the site');
    expect((await get(environment, '/a/b.txt')).text).toBe('deep');
    expect((await get(environment, '/nowhere')).text).toBe('the site');
    expect((await get(environment, '/api/x')).text).toBe('content of api');
    expect((await get(environment, '/', 'aaaaaaaa.shop.test')).text).toBe('the site');
    expect((await get(environment, '/../../../../etc/passwd')).text).not.toContain('root:');
  });

  test('runs its install once, and tells its lines', async () => {
    const tree = scene.specs.tree({
      'server.mjs': SERVER,
      'install.mjs':
        'import fs from "node:fs"; fs.appendFileSync("count", "x"); console.log("installed " + fs.readFileSync("count"));',
    });
    const web = scene.specs.web({ artefact: tree, install: [process.execPath, 'install.mjs'] });
    const spec = scene.specs.environment('aaaaaaaa0000-1', { web });
    await scene.ensure(spec);
    await scene.daemon.stop();
    expect(await scene.ensure(spec)).toMatchObject({ phase: 'active' });
    const installed = (await logLines(spec.id)).filter((line) => line.instance === 'install');
    expect(installed.map((line) => line.text)).toEqual(['installed x']);
  });
});

describe('what a person does with an environment', () => {
  test('its logs go on after a cursor, follow, and end with it', async () => {
    const program = 'let n = 0; setInterval(() => console.log("line " + n++), 20);';
    const spec = scene.specs.environment('aaaaaaaa0000-1', {
      one: scene.specs.service({ program }),
      other: scene.specs.service({ program }),
    });
    const environment = await scene.ensure(spec);
    const first = await until(
      () => logLines(spec.id, { services: ['one'] }),
      (lines) => lines.length >= 5,
    );
    expect(first.slice(0, 5).map((line) => line.text)).toEqual([0, 1, 2, 3, 4].map((n) => `line ${String(n)}`));

    const after = first[2]?.cursor ?? '';
    const seen: string[] = [];
    const followed = (async (): Promise<void> => {
      const query = { services: ['one'], after, follow: true };
      for await (const line of scene.driver.logs(environment, query, testCall())) seen.push(line.text);
    })();
    await until(
      () => seen.length,
      (count) => count > 20,
    );
    await scene.daemon.kill();
    const before = seen.length;
    await until(
      () => seen.length,
      (count) => count > before + 20,
    );
    await scene.destroy(spec);
    await followed;
    expect(seen.slice(0, 10)).toEqual(Array.from({ length: 10 }, (_, i) => `line ${String(i + 3)}`));
    expect(seen.filter((text) => text === 'line 0')).toHaveLength(1); // the new process's
  });

  test('a command runs beside a process, with its variables', async () => {
    const spec = scene.specs.environment('aaaaaaaa0000-1', {
      web: scene.specs.web({ env: { CONTENT: 'x' }, secrets: { KEY: { name: 'KEY' } } }),
    });
    const environment = await scene.ensure(spec);
    const script =
      'process.stdin.on("data", (b) => { process.stdout.write(process.env.KEY + process.env.CONTENT + b); process.exit(7); })';
    const session = await scene.driver.exec(
      environment,
      { service: 'web', command: [process.execPath, '-e', script] },
      testCall(),
    );
    await session.write(Buffer.from('!'));
    let output = '';
    for await (const piece of session.output) output += Buffer.from(piece).toString();
    expect(output).toBe(`${SECRETS.KEY}x!`);
    expect(await session.exitCode).toBe(7);
  });

  test('a service scales to none and back, also over a restart of the daemon, while the others run on', async () => {
    const { specs } = scene;
    const spec = specs.environment('aaaaaaaa0000-1', {
      web: specs.web(),
      other: specs.web({ route: '/other', port: 3001 }),
    });
    const environment = await scene.ensure(spec);
    const { text: pid } = await get(environment, '/pid');
    const scaleOther = (count: number): Promise<void> =>
      scene.driver.scale(environment, { other: { min: count, max: count } }, testCall());

    await scaleOther(0);
    await until(
      () => get(environment, '/other'),
      ({ status }) => status === 503,
    );
    expect((await get(environment, '/pid')).text).toBe(pid);
    expect(marked()).toBe(1);
    expect(await scene.driver.health(environment, testCall())).toMatchObject({ healthy: false });
    await scene.daemon.stop();
    await until(
      () => scene.driver.health(environment, testCall()),
      (health) => health.parts.web?.healthy === true,
    );
    expect(marked()).toBe(1);

    await scaleOther(3);
    await until(
      () => scene.driver.health(environment, testCall()),
      (health) => health.parts.other?.instances === 3,
    );
    expect(await scene.driver.health(environment, testCall())).toMatchObject({ healthy: true });
  });

  test('what a crashed process had sent into a session of its own ends before it is started again', async () => {
    const escaping = `import { spawn } from 'node:child_process';
spawn(process.execPath, ['-e', 'setInterval(() => {}, 1000)'], { stdio: 'ignore', detached: true });
${SERVER}`;
    const web = scene.specs.web({ program: escaping });
    const environment = await scene.ensure(scene.specs.environment('aaaaaaaa0000-1', { web }));
    const before = (await get(environment, '/pid')).text;
    await get(environment, '/crash').catch(() => undefined);
    await until(
      () => get(environment, '/pid').catch(() => undefined),
      (answer) => answer?.status === 200 && answer.text !== before,
    );
    expect(await until(marked, (count) => count === 2)).toBe(2);
  });

  test('health tells a service that crashed, and sees it again once it is back', async () => {
    const spec = scene.specs.environment('aaaaaaaa0000-1', { web: scene.specs.web() });
    const environment = await scene.ensure(spec);
    const health = (): ReturnType<LocalEnvironments['health']> => scene.driver.health(environment, testCall());
    expect(await health()).toMatchObject({ healthy: true, parts: { web: { healthy: true, instances: 1 } } });
    await get(environment, '/crash').catch(() => undefined);
    await until(health, (it) => !it.healthy);
    const back = await until(health, (it) => it.healthy);
    expect(back.lastRequestAt).toBeInstanceOf(Date);
    expect((await get(environment)).status).toBe(200);
  });

  test('a program that forks leaves no child behind', async () => {
    const program = `
      import { spawn } from 'node:child_process';
      spawn(process.execPath, ['-e', 'setInterval(() => {}, 1000)'], { stdio: 'ignore' });
      spawn(process.execPath, ['-e', 'setInterval(() => {}, 1000)'], { stdio: 'ignore', detached: true });
      ${SERVER.replace("import http from 'node:http';", "const { default: http } = await import('node:http');")}`;
    const spec = scene.specs.environment('aaaaaaaa0000-1', { web: scene.specs.web({ program, health: HEALTH }) });
    await scene.ensure(spec);
    expect(marked()).toBe(3);
    await scene.destroy(spec);
    expect(marked()).toBe(0);
  });
});
