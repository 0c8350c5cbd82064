import { afterEach, beforeEach, expect, test } from '@jest/globals';
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import { endProcesses } from './daemon/end-processes.ts';
import { listProcesses, markerOf, processesMarked, type ProcessEntry } from './daemon/process-table.ts';
import { get, Scene, until } from './testing/environments.ts';
import { SERVER } from './testing/specs.ts';

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
  for (let round = 0; round < 10; round++) {
    const id = `aaaaaaa${String(round)}0000-1`;
    const spec = scene.specs.environment(id, {
      web: scene.specs.web({ ...base, needs: { db: 'DB' }, env: { CONTENT: id } }),
      db: scene.specs.service({ port: 5432 }),
    });
    const killing = killLater(60 * round);
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

    const killingAgain = killLater(25 * round);
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
