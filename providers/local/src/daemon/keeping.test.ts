import { afterEach, beforeEach, expect, test } from '@jest/globals';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { tryLock, tryLockOnce } from '../control/lock.ts';
import { openLocalPaths } from '../control/paths.ts';
import { allocateAddress } from './addresses.ts';
import { testNameOf } from './environment-names.ts';
import { keyOf } from './keys.ts';
import { Vault } from './vault.ts';

let folder: string;
beforeEach(() => {
  folder = mkdtempSync(path.join(tmpdir(), 'keeping-'));
});
afterEach(() => {
  rmSync(folder, { recursive: true, force: true });
});

test("the lock is one process's, and is free as soon as that one was killed", async () => {
  const file = path.join(folder, 'lock');
  const script = `const { DatabaseSync } = require('node:sqlite'); const d = new DatabaseSync(${JSON.stringify(file)}); d.exec('BEGIN EXCLUSIVE'); console.log('held'); setInterval(() => d, 1000);`;
  const holder = spawn(process.execPath, ['-e', script], { stdio: ['ignore', 'pipe', 'inherit'] });
  await once(holder.stdout, 'data');
  expect(await tryLock(file)).toBeUndefined();
  holder.kill('SIGKILL');
  await once(holder, 'exit');
  const lock = await tryLock(file);
  expect(lock).toBeDefined();
  expect(tryLockOnce(file)).toBeUndefined();
  lock?.release();
  tryLockOnce(file)?.release();
});

test('a sealed value opens with the same key and context alone', () => {
  const file = path.join(folder, 'key');
  const vault = Vault.open(file);
  const sealed = vault.seal('the value', 'environment a');
  expect(Buffer.from(sealed).toString('latin1')).not.toContain('the value');
  expect(Vault.open(file).open(sealed, 'environment a')).toBe('the value');
  expect(() => vault.open(sealed, 'environment b')).toThrow(/can't be opened/);
  expect(statSync(file).mode & 0o777).toBe(0o600);
  expect(readFileSync(file)).toHaveLength(32);
  writeFileSync(file, 'short');
  expect(() => Vault.open(file)).toThrow(/damaged/);
});

test('addresses are given once, and not where a program has the port', async () => {
  const home = '0000000a0000';
  const first = await allocateAddress(home, new Set(), []);
  expect(first).toBe('127.64.0.10');
  expect(await allocateAddress(home, new Set([first]), [])).toBe('127.64.0.11');
  const server = createServer().listen(0, first);
  await once(server, 'listening');
  const address = server.address();
  const port = typeof address === 'object' ? (address?.port ?? 0) : 0;
  expect(await allocateAddress(home, new Set(), [port])).toBe('127.64.0.11');
  server.close();
  expect(await allocateAddress('000000ff0000', new Set(), [])).toBe('127.64.1.1');
});

test('equal ids of two projects have keys of their own', () => {
  const one = keyOf({ project: 'a', stage: 'b' }, 'id');
  expect(one).toMatch(/^id-[0-9a-f]{8}$/);
  expect(keyOf({ project: 'a-b', stage: '' }, 'id')).not.toBe(one);
  expect(keyOf({ project: 'a', stage: 'c' }, 'id')).not.toBe(one);
});

test("a host of this machine has a name in its project's zone", () => {
  expect(testNameOf('1a2b3c4d--shop.localhost')).toEqual({ name: '1a2b3c4d.shop.test', zone: 'shop.test' });
  expect(testNameOf('master-1--my-shop.localhost')).toEqual({ name: 'master-1.my-shop.test', zone: 'my-shop.test' });
  expect(testNameOf('www.example.com')).toBeUndefined();
});

test('a state folder that can not be used is told', () => {
  writeFileSync(path.join(folder, 'file'), '');
  expect(() => openLocalPaths(path.join(folder, 'file'))).toThrow(/can't use the state folder/);
});
