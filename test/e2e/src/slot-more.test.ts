import { existsSync } from 'node:fs';
import { readFile, rm, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { afterEach, expect, test } from '@jest/globals';

import type { EnvironmentAnswer } from './cli.ts';
import { eventually, get } from './http.ts';
import { processesOf } from './leftovers.ts';
import { SlotApp } from './slot-app.ts';
import { DaemonByHand } from './slot-daemon.ts';

let app: SlotApp;
afterEach(async () => app[Symbol.asyncDispose]());

/** Appends what it does to a file; waits there, or fails, while the file named so is there. */
const HOOK = `
const fs = require('node:fs');
const folder = process.env.SWITCHES;
const version = fs.readFileSync('version.txt', 'utf8').trim();
fs.appendFileSync(folder + '/migrations', process.argv[1] + ' ' + version + '\\n');
if (fs.existsSync(folder + '/fail')) process.exit(3);
const wait = () => fs.existsSync(folder + '/wait') ? setTimeout(wait, 20) : 0;
wait();
`;
const hook = (what: string): string => JSON.stringify(['node', '-e', HOOK, what]);

async function migrations(): Promise<readonly string[]> {
  const file = path.join(app.switches, 'migrations');
  return existsSync(file) ? (await readFile(file, 'utf8')).trim().split('\n') : [];
}
async function set(name: 'fail' | 'wait', on: boolean): Promise<void> {
  const file = path.join(app.switches, name);
  await (on ? writeFile(file, '') : rm(file, { force: true }));
}
async function resumeAll(): Promise<void> {
  const { data } = await app.sandbox.json<{ operations: readonly { id: string }[] }>(['op', 'list', '--unfinished']);
  for (const { id } of data.operations) await app.sandbox.run(['op', 'resume', id]);
}

test('a promotion migrates before traffic moves; a hook that fails leaves the slot, one that was killed is run again', async () => {
  const migrate = `{ service: web, expand: ${hook('expand')}, contract: ${hook('contract')} }`;
  app = await SlotApp.open({ slot: `standbys: 1, drain: { requests: 0s, ws: 0s }, migrate: ${migrate}` });
  const [a, b] = [await app.create('a'), await app.create('b')];
  const { slot } = await app.move('promote', a.id, 'master');
  expect(await migrations()).toEqual(['expand a', 'contract a']);

  await set('fail', true);
  const failed = await app.try('promote', b.id, 'master');
  expect({ exit: failed.outcome.code, code: failed.error?.code }).toEqual({ exit: 5, code: 'unhealthy' });
  expect(failed.error?.message).toContain('expand');
  expect(await app.show()).toMatchObject({ state: 'idle', generation: 1, head: { environment: a.id }, standbys: [] });
  await set('fail', false);

  await set('wait', true);
  let pid = 0;
  const killed = app.sandbox.run(['promote', b.id, 'master'], { onStart: (child) => (pid = child.pid ?? 0) });
  await eventually(async () => expect(await migrations()).toHaveLength(4));
  process.kill(pid, 'SIGKILL');
  await killed;
  expect(await app.version(slot.url)).toBe('a');
  await set('wait', false);
  await resumeAll();
  expect(await app.show()).toMatchObject({ state: 'idle', generation: 2, head: { environment: b.id } });
  expect(await app.version(slot.url)).toBe('b');
  expect((await migrations()).slice(2)).toEqual(['expand b', 'expand b', 'expand b', 'contract a']);
}, 240_000);

test("a slot's own environment that was made ahead is what the promotion takes", async () => {
  app = await SlotApp.open({ slot: 'standbys: 1, env: { MODE: live }' });
  const commit = await app.commit('a');
  const { data } = await app.sandbox.json<{ environment: EnvironmentAnswer }>([
    ...['env', 'create', '--sha', commit, '--slot', 'master'],
  ]);
  expect(data.environment.id).toMatch(new RegExp(`^${commit.slice(0, 12)}@master\\.[0-9a-f]{4,}$`));
  const { pid, mode } = JSON.parse((await get(data.environment.url)).body) as { pid: number; mode: string };
  expect(mode).toBe('live');
  const { slot, to } = await app.move('promote', commit, 'master');
  expect(to.environment).toBe(data.environment.id);
  expect(JSON.parse((await get(slot.url)).body)).toMatchObject({ version: 'a', mode: 'live', pid });
  expect(await app.builds()).toEqual(['a']);
  const wrong = await app.try('env', 'create', '--sha', commit, '--slot', 'mastr');
  expect({ exit: wrong.outcome.code, hint: wrong.error?.hint }).toMatchObject({
    exit: 3,
    hint: expect.stringContaining('master'),
  });
}, 120_000);

test('a promotion that slept for longer than its heartbeat’s term, and was taken over, writes nothing more', async () => {
  app = await SlotApp.open();
  const [a, b, c] = [await app.create('a'), await app.create('b'), await app.create('c')];
  const { url } = (await app.move('promote', a.id, 'master')).slot;
  let pid = 0;
  const sleeper = app.sandbox.json(['promote', b.id, 'master', '--bake', '8s'], {
    onStart: (child) => (pid = child.pid ?? 0),
  });
  await eventually(async () => expect((await app.show()).state).toBe('baking'));
  process.kill(pid, 'SIGSTOP');
  // It lives, as far as anybody can tell: whoever comes waits for a whole term before it is taken over, and finished.
  await eventually(async () => app.move('promote', c.id, 'master'));
  const daemon = new DaemonByHand(app.sandbox);
  const [before, shown] = [await daemon.slot('master'), await app.show()];
  expect(shown).toMatchObject({ generation: 3, head: { environment: c.id } });
  process.kill(pid, 'SIGCONT');
  const { outcome } = await sleeper;
  expect(outcome.code).toBe(4);
  expect(await daemon.slot('master')).toEqual(before);
  const after = await app.show();
  expect([after.generation, after.standbys, after.rejected]).toEqual([3, shown.standbys, shown.rejected]);
  expect(await app.version(url)).toBe('c');
}, 240_000);

test('a way back while the router does not answer is degraded: both stay, and resuming it turns it back', async () => {
  app = await SlotApp.open();
  const [a, b] = [await app.create('a'), await app.create('b')];
  const { url } = (await app.move('promote', a.id, 'master')).slot;
  const promotion = app.sandbox.json(['promote', b.id, 'master', '--bake', '10m'], { timeoutSeconds: 400 });
  await eventually(async () => expect((await app.show()).state).toBe('baking'));
  await app.turn('b', 'bad');
  const daemon = (await processesOf(app.sandbox.stateHome)).find(({ command }) => command.includes('daemon'));
  process.kill(daemon?.pid ?? 0, 'SIGSTOP');
  let ended;
  try {
    ended = await promotion;
  } finally {
    process.kill(daemon?.pid ?? 0, 'SIGCONT');
  }
  expect({ exit: ended.outcome.code, error: ended.error }).toMatchObject({ exit: 8, error: { code: 'degraded' } });
  expect(ended.error?.hint).toContain(`op resume ${ended.operation ?? '?'}`);
  for (const { id } of [a, b]) expect((await app.try('env', 'destroy', id, '--yes')).outcome.code).toBe(7);
  expect(await app.version(url)).toBe('b');
  const resumed = await app.sandbox.run(['op', 'resume', ended.operation ?? '']);
  expect(resumed.code).toBe(6);
  expect(await app.version(url)).toBe('a');
  expect(await app.show()).toMatchObject({
    state: 'idle',
    head: { environment: a.id },
    rejected: [{ environment: b.id }],
  });
}, 500_000);
