import { afterEach, beforeEach, expect, test } from '@jest/globals';
import { execFileSync, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { Resolver } from 'node:dns/promises';
import { createServer, type Server } from 'node:net';
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmdirSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { findDaemon } from './client/launch.ts';
import { endProcesses } from './daemon/end-processes.ts';
import { listProcesses, markerOf, processesMarked, type ProcessEntry } from './daemon/process-table.ts';
import { get, Scene, until } from './testing/environments.ts';
import { LocalEnvironments } from './environments.ts';
import { TestDaemon } from './testing/daemon.ts';
import { SERVER, testCall, testHost } from './testing/specs.ts';

let scene: Scene;
beforeEach(() => {
  scene = new Scene({ KEY: 'secret' });
});
afterEach(() => scene[Symbol.asyncDispose]());

const marked = (): readonly ProcessEntry[] => processesMarked(`${scene.daemon.client.paths.home}:`);

test('processes of a daemon that was killed run on, and are started anew once by the next one', async () => {
  const spec = scene.specs.environment('aaaaaaaa0000-1', {
    web: scene.specs.web({ secrets: { KEY: { name: 'KEY' } }, env: { CONTENT: 'a' } }),
    worker: scene.specs.service({ program: 'setInterval(() => {}, 1000)' }),
  });
  const environment = await scene.ensure(spec);
  const before = new Set(marked().map(({ pid }) => pid));
  expect(before.size).toBe(2);
  await scene.daemon.kill();
  expect(marked().map(({ pid }) => pid)).toEqual(expect.arrayContaining([...before]));

  expect(await scene.ensure(spec)).toMatchObject({ url: environment.url, address: environment.address });
  await until(
    () => get(environment).catch(() => undefined),
    (it) => it?.status === 200,
  );
  const variables: unknown = JSON.parse((await get(environment, '/env')).text);
  expect(variables).toMatchObject({ KEY: 'secret', CONTENT: 'a' });
  const after = await until(marked, (all) => all.length === 2);
  expect(after.filter(({ pid }) => before.has(pid))).toEqual([]);
});

test('a machine that was restarted is recovered from by one command', async () => {
  const spec = scene.specs.environment('aaaaaaaa0000-1', { web: scene.specs.web() });
  const environment = await scene.ensure(spec);
  await scene.daemon.kill();
  await endProcesses(marked, 0);
  await scene.ensure(spec);
  await until(
    () => get(environment).catch(() => undefined),
    (it) => it?.status === 200,
  );
  expect(marked()).toHaveLength(1);
});

/** What a daemon that was killed listened on may be free only a moment after it. */
async function listen(port: number): Promise<Server> {
  const server = createServer().listen(port, '127.0.0.1');
  await once(server, 'listening');
  return server;
}

test('a port that is taken for a moment when a daemon was killed stays its port; one that stays taken is given up', async () => {
  const spec = scene.specs.environment('aaaaaaaa0000-1', { web: scene.specs.web() });
  const { url } = await scene.ensure(spec);
  const port = Number(new URL(url ?? '').port);
  for (const isForGood of [false, true]) {
    await scene.daemon.kill();
    const taker = await until(
      () => listen(port).catch(() => undefined),
      (it) => it !== undefined,
    );
    const again = scene.ensure(spec);
    await until(
      () => existsSync(scene.daemon.client.paths.log) && readFileSync(scene.daemon.client.paths.log, 'utf8'),
      (text) => text !== false && text.split('starting for').length > (isForGood ? 3 : 2),
    );
    if (!isForGood) taker?.close();
    expect((await again).url === url).toBe(!isForGood);
    taker?.close();
  }
});

test('a program that wiped its environment is ended all the same', async () => {
  // What it runs by exec has no variables at all: no marker, but the same pid.
  const artefact = scene.specs.tree({ run: '#!/bin/sh\nexec env -i sleep 1000\n' });
  const worker = scene.specs.service({ artefact, command: ['./run'] });
  const spec = scene.specs.environment('aaaaaaaa0000-1', { worker });
  await scene.ensure(spec);
  const sleeping = (): readonly ProcessEntry[] =>
    listProcesses().filter(
      ({ pid }) => cmdlineOf(pid).replaceAll('\0', ' ') === 'sleep 1000 ' && markerOf(pid) === undefined,
    );
  const [before] = await until(sleeping, (all) => all.length === 1);
  await scene.daemon.kill();
  await scene.ensure(spec);
  await until(sleeping, (all) => all.length === 1 && all[0]?.pid !== before?.pid);
  await scene.destroy(spec);
  expect(sleeping()).toEqual([]);
});

test('wherever the daemon is killed while it makes and destroys, one of everything comes of it, and then nothing', async () => {
  const install =
    'import fs from "node:fs"; fs.writeFileSync("installed", "yes"); await new Promise((r) => setTimeout(r, 150));';
  const program = `import fs from 'node:fs'; fs.readFileSync('installed'); ${SERVER}`;
  const artefact = scene.specs.tree({ 'install.mjs': install, 'server.mjs': program });
  const base = { artefact, install: [process.execPath, 'install.mjs'] };
  for (let round = 0; round < 6; round++) {
    const id = `aaaaaaa${String(round)}0000-1`;
    const spec = scene.specs.environment(id, {
      web: scene.specs.web({ ...base, needs: { db: 'DB' }, env: { CONTENT: id } }),
      db: scene.specs.service({ port: 5432 }),
    });
    const killing = killLater(100 * round);
    const environment = await scene.ensure(spec);
    await killing;
    expect(
      await until(
        () => scene.read(spec),
        (it) => it?.phase !== 'creating',
      ),
    ).toMatchObject({ phase: 'active' });
    await until(
      () => get(environment).catch(() => undefined),
      (it) => it?.text === `content of ${id}`,
    );
    expect(marked()).toHaveLength(2);

    const killingAgain = killLater(40 * round);
    await scene.destroy(spec);
    await killingAgain;
    expect(
      await until(
        () => scene.read(spec),
        (it) => it === undefined,
      ),
    ).toBeUndefined();
    expect(marked()).toEqual([]);
    const strays = readFolder(scene.daemon.client.paths.environments);
    expect(strays).toEqual([]);
  }
}, 180_000);

test("a name under the project's zone leads to the environment's own address while it is there, and not after", async () => {
  const spec = scene.specs.environment('aaaaaaaa0000-1', { web: scene.specs.web({ env: { CONTENT: 'by name' } }) });
  const environment = await scene.ensure(spec);
  const resolver = new Resolver({ timeout: 2000, tries: 2 });
  const status = await findDaemon(scene.daemon.client.paths, AbortSignal.timeout(5000));
  resolver.setServers([`127.0.0.1:${String(status?.dnsPort)}`]);
  const address = environment.address?.value ?? '';
  expect(await resolver.resolve4('aaaaaaaa.shop.test')).toEqual([address]);
  const port = new URL(environment.url ?? '').port;
  expect(await (await fetch(`http://${address}:${port}/`)).text()).toBe('content of by name');
  await scene.daemon.kill();
  await scene.ensure(spec);
  expect(await resolver.resolve4('aaaaaaaa.shop.test')).toEqual([address]);
  await scene.destroy(spec);
  await expect(resolver.resolve4('aaaaaaaa.shop.test')).rejects.toThrow(/ENOTFOUND|EREFUSED/);
});

const withSmallDisk = process.getuid?.() === 0 ? test : test.skip;
withSmallDisk('a disk that is full fails the environment, and the daemon lives on', async () => {
  const folder = mkdtempSync(path.join(tmpdir(), 'small-'));
  execFileSync('mount', ['-t', 'tmpfs', '-o', 'size=3m,mode=0700', 'tmpfs', folder]);
  const small = new TestDaemon({ CLUSTERNATOR_STATE_HOME: folder });
  try {
    const driver = new LocalEnvironments(testHost(scene.specs, small.env), small.client);
    const artefact = scene.specs.tree({ 'server.mjs': SERVER, big: 'x'.repeat(4 * 2 ** 20) });
    const spec = scene.specs.environment('aaaaaaaa0000-1', { web: scene.specs.web({ artefact }) });
    const environment = await driver.ensure(spec, testCall());
    expect(environment.phase).toBe('failed');
    expect(environment.message).toMatch(/service web: the disk is full/);
    await driver.destroy(spec, testCall());
    expect(await driver.read(spec, testCall())).toBeUndefined();
    const fits = scene.specs.environment('bbbbbbbb0000-1', { web: scene.specs.web() });
    expect(await driver.ensure(fits, testCall())).toMatchObject({ phase: 'active' });
  } finally {
    await small.end();
    // What was killed lets go of its files in its own time.
    const umount = () => spawnSync('umount', [folder], { encoding: 'utf8' });
    await until(umount, ({ status }) => status === 0);
    rmdirSync(folder);
  }
});

async function killLater(milliseconds: number): Promise<void> {
  await sleep(milliseconds);
  await scene.daemon.kill();
}

function cmdlineOf(pid: number): string {
  try {
    return readFileSync(`/proc/${String(pid)}/cmdline`, 'utf8');
  } catch {
    return '';
  }
}

function readFolder(folder: string): readonly string[] {
  return existsSync(folder) ? readdirSync(folder) : [];
}
