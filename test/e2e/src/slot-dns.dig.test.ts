import { afterEach, expect, test } from '@jest/globals';

import { runProgram, type EnvironmentAnswer } from './cli.ts';
import { SlotApp } from './slot-app.ts';
import { DaemonByHand } from './slot-daemon.ts';

let app: SlotApp;
afterEach(async () => app[Symbol.asyncDispose]());

async function dig(name: string, type: string, ...more: string[]): Promise<string> {
  const { data } = await app.sandbox.json<{ dnsPort: number }>(['daemon', 'status']);
  const args = ['@127.0.0.1', '-p', String(data.dnsPort), '+tries=1', ...more, name, type];
  return (await runProgram('dig', args, { cwd: app.sandbox.folder, env: process.env })).stdout.trim();
}

async function addressOf({ commit }: EnvironmentAnswer): Promise<string> {
  return dig(`${commit.slice(0, 8)}.${app.sandbox.project}.test`, 'A', '+short');
}

/** As a resolver's user would ask, who knows only the address. */
async function versionAt(address: string, port: string): Promise<string> {
  const response = await fetch(`http://${address}:${port}/`);
  return ((await response.json()) as { version: string }).version;
}

test('a slot of the proxy has a name in the project’s zone, and so has each standby', async () => {
  app = await SlotApp.open({ slot: 'standbys: 1' });
  const a = await app.create('a');
  await app.move('promote', a.id, 'master');
  const { project } = app.sandbox;
  expect(await dig(`master.${project}.test`, 'A', '+short')).toBe('127.0.0.1');
  expect(await dig(`master-1.${project}.test`, 'A', '+short', '+tcp')).toBe('127.0.0.1');
  expect(await addressOf(a)).toMatch(/^127\.(6[4-9]|[7-9]\d|1[01]\d|12[0-7])\./);
}, 120_000);

test('a slot by DNS: dig sees each move when its command returns, stragglers are served, and a change of the zone is drift', async () => {
  app = await SlotApp.open({ slot: 'standbys: 1, mechanism: dns, host: www.PROJECT.test' });
  const name = `www.${app.sandbox.project}.test`;
  const [a, b] = [await app.create('a'), await app.create('b')];
  const [addressA, addressB] = [await addressOf(a), await addressOf(b)];
  const port = new URL(a.url).port;

  const { slot } = await app.move('promote', a.id, 'master');
  expect(slot).toMatchObject({ mechanism: 'dns', generation: 1 });
  expect(await dig(name, 'A', '+short')).toBe(addressA);
  const [ttl] = /\s(\d+)\sIN\sA\s/.exec(await dig(name, 'A', '+noall', '+answer'))?.slice(1) ?? [];
  expect(Number(ttl)).toBeLessThanOrEqual(60);

  await app.move('promote', b.id, 'master');
  expect(await dig(name, 'A', '+short')).toBe(addressB);
  expect(await dig(name, 'A', '+short', '+tcp')).toBe(addressB);
  // Who still has the old answer is served by the old head.
  expect(await versionAt(addressA, port)).toBe('a');
  const destroyed = await app.try('env', 'destroy', a.id, '--yes');
  expect(destroyed.outcome.code).toBe(7);

  await app.move('rollback', 'master');
  expect(await dig(name, 'A', '+short')).toBe(addressA);

  await new DaemonByHand(app.sandbox).moveName(name, addressB);
  const { outcome, error } = await app.try('promote', b.id, 'master');
  expect({ exit: outcome.code, code: error?.code }).toEqual({ exit: 10, code: 'drifted' });
  expect(await dig(name, 'A', '+short')).toBe(addressB);
  await app.sandbox.run(['slot', 'repair', 'master']);
  expect(await dig(name, 'A', '+short')).toBe(addressA);
  await app.move('promote', b.id, 'master');
  expect(await dig(name, 'A', '+short')).toBe(addressB);
}, 180_000);
