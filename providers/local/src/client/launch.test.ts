import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import { spawn } from 'node:child_process';
import { chmodSync, existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:http';
import { once } from 'node:events';
import { connect } from 'node:net';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { openLocalPaths } from '../control/paths.ts';
import { PROTOCOL, statusSchema, type DaemonStatus } from '../control/views.ts';
import { listProcesses } from '../daemon/process-table.ts';
import { TestDaemon } from '../testing/daemon.ts';
import { until } from '../testing/environments.ts';
import { ensureDaemon, socketOf } from './launch.ts';
import type { DaemonClient } from './daemon-client.ts';

let daemon: TestDaemon;
beforeEach(() => {
  daemon = new TestDaemon();
});
afterEach(() => daemon[Symbol.asyncDispose]());

const soon = (): AbortSignal => AbortSignal.timeout(30_000);
const status = (client: DaemonClient = daemon.client): Promise<DaemonStatus> =>
  client.call(statusSchema, { method: 'GET', path: '/v1/status', signal: soon() });

/** Daemons of this state folder, by the folder that is in their environment. */
function daemons(): readonly number[] {
  return listProcesses()
    .map(({ pid }) => pid)
    .filter((pid) => {
      try {
        const variables = readFileSync(`/proc/${String(pid)}/environ`, 'utf8').split('\0');
        const isMain = readFileSync(`/proc/${String(pid)}/comm`, 'utf8').startsWith('clusternator');
        return isMain && variables.includes(`CLUSTERNATOR_STATE_HOME=${daemon.stateFolder}`);
      } catch {
        return false;
      }
    });
}

test('twenty first commands at once start exactly one daemon', async () => {
  const all = await Promise.all(Array.from({ length: 20 }, () => status(daemon.newClient())));
  expect(new Set(all.map(({ pid }) => pid)).size).toBe(1);
  expect(await until(daemons, (pids) => pids.length === 1)).toEqual([all[0]?.pid]);
});

test('the daemon keeps no secret of whoever starts it', async () => {
  await using other = new TestDaemon({ SHOP_KEY: 's3cr3t', DOCKER_PASSWORD: 's3cr3t', CLUSTERNATOR_INSTANCE: 'outer' });
  const { pid } = await status(other.client);
  const variables = readFileSync(`/proc/${String(pid)}/environ`, 'utf8');
  expect(variables).toContain(`CLUSTERNATOR_STATE_HOME=${other.stateFolder}`);
  expect(variables).not.toMatch(/s3cr3t|CLUSTERNATOR_INSTANCE/);
});

test('a call goes on when the daemon is killed in between, and its port stays the same', async () => {
  const before = await status();
  await daemon.kill();
  const after = await status();
  expect(after.pid).not.toBe(before.pid);
  expect(after).toMatchObject({ proxyPort: before.proxyPort, dnsPort: before.dnsPort });
});

test('a daemon of an older protocol is replaced, one of a newer is told', async () => {
  const stopped: string[] = [];
  const old = createServer((request, response) => {
    if (request.url === '/v1/stop') {
      stopped.push(request.method ?? '');
      old.close();
      old.closeAllConnections();
    }
    response.end(JSON.stringify({ ...example, protocol: 0 }));
  }).listen(daemon.client.paths.socket);
  await once(old, 'listening');
  expect((await status()).protocol).toBe(PROTOCOL);
  expect(stopped).toEqual(['POST']);
  await daemon.stop();

  const newer = createServer((_, response) => response.end(JSON.stringify({ ...example, protocol: 99 })));
  await once(newer.listen(daemon.client.paths.socket), 'listening');
  await expect(status(daemon.newClient())).rejects.toMatchObject({ code: 'unsupported' });
  newer.close();
});

describe('a daemon that can not start says why', () => {
  test('its port is taken', async () => {
    const taken = createServer().listen(0, '127.0.0.1');
    await once(taken, 'listening');
    const address = taken.address();
    const port = String(typeof address === 'object' ? address?.port : '');
    await using other = new TestDaemon({ CLUSTERNATOR_LOCAL_PORT: port });
    await expect(status(other.client)).rejects.toMatchObject({
      code: 'unavailable',
      message: expect.stringContaining(port),
    });
    taken.close();
  });

  test('its database is damaged, and stays as it is', async () => {
    writeFileSync(daemon.client.paths.database, 'this is no database'.repeat(100));
    await expect(status()).rejects.toThrow(/can't open the local provider's database/);
    expect(readFileSync(daemon.client.paths.database, 'utf8')).toContain('this is no database');
  });

  test('its database is of a newer version', async () => {
    const database = new DatabaseSync(daemon.client.paths.database);
    database.exec('PRAGMA user_version = 99');
    database.close();
    await expect(status()).rejects.toThrow(/newer version/);
  });

  test('its program is not there', async () => {
    const options = {
      paths: daemon.client.paths,
      stateFolder: daemon.stateFolder,
      env: process.env,
      program: ['/nowhere.js'],
    };
    await expect(ensureDaemon(options, soon())).rejects.toThrow(/ended with code 1[^]*MODULE_NOT_FOUND/);
  });
});

test('a call ends at once when it is aborted', async () => {
  const abort = new AbortController();
  const pending = daemon.client.call(statusSchema, { method: 'GET', path: '/v1/status', signal: abort.signal });
  abort.abort(new Error('a person pressed Ctrl-C'));
  await expect(pending).rejects.toThrow('a person pressed Ctrl-C');
});

describe('the control socket', () => {
  test("is its owner's alone", async () => {
    await status();
    const socket = socketOf(daemon.client.paths);
    expect(statSync(socket).mode & 0o777).toBe(0o600);
    expect(statSync(path.dirname(socket)).mode & 0o777).toBe(0o700);
  });

  const asRoot = process.getuid?.() === 0 ? test : test.skip;
  asRoot('refuses another user, whatever the folders above allow', async () => {
    await status();
    const socket = socketOf(daemon.client.paths);
    chmodSync(daemon.stateFolder, 0o755);
    chmodSync(path.dirname(socket), 0o755);
    const script = `require('net').connect(${JSON.stringify(socket)}).on('error', (e) => { console.log(e.code); }).on('connect', () => { console.log('let in'); process.exit(); });`;
    const child = spawn('/usr/bin/env', ['node', '-e', script], { uid: 65534, gid: 65534, cwd: '/' });
    let said = '';
    child.stdout.on('data', (bytes: Buffer) => (said += bytes.toString()));
    await once(child, 'close');
    expect(said.trim()).toBe('EACCES');
  });

  test("has a short path of its own where the state folder's is too long", async () => {
    const deep = path.join(daemon.stateFolder, 'a'.repeat(90));
    mkdirSync(deep);
    const runtime = mkdtempSync(path.join(tmpdir(), 'run-'));
    const { socket } = openLocalPaths(deep, { XDG_RUNTIME_DIR: runtime });
    expect(Buffer.byteLength(socket)).toBeLessThanOrEqual(100);
    expect(socket.startsWith(runtime)).toBe(true);
    expect(statSync(path.dirname(socket)).mode & 0o777).toBe(0o700);
    rmSync(runtime, { recursive: true });
  });

  test.each([
    ['nothing but noise', '\0\x01\x02 hello\r\n\r\n', /^HTTP\/1\.1 400/],
    [
      'a path that leads out',
      'GET /../../etc/passwd HTTP/1.1\r\nhost: d\r\nconnection: close\r\n\r\n',
      /404 Not Found/,
    ],
    [
      'a broken escape',
      'GET /v1/projects/%zz/stages/a/environments HTTP/1.1\r\nhost: d\r\nconnection: close\r\n\r\n',
      /"code":"invalid"/,
    ],
    [
      'an id with slashes',
      'DELETE /v1/projects/a/stages/b/environments/..%2f..%2fx HTTP/1.1\r\nhost: d\r\nconnection: close\r\n\r\n',
      /"code":"invalid"/,
    ],
    [
      'a body that is not JSON',
      'PUT /v1/projects/a/stages/b/environments/c HTTP/1.1\r\nhost: d\r\ncontent-length: 3\r\nconnection: close\r\n\r\n{{{',
      /not JSON/,
    ],
    [
      'a body of another shape',
      'PUT /v1/projects/a/stages/b/environments/c HTTP/1.1\r\nhost: d\r\ncontent-length: 16\r\nconnection: close\r\n\r\n{"__proto__":{}}',
      /"code":"invalid"/,
    ],
    [
      'a body without end',
      `PUT /v1/projects/a/stages/b/environments/c HTTP/1.1\r\nhost: d\r\ncontent-length: 99999999\r\n\r\n${'x'.repeat(9_000_000)}`,
      /larger than/,
    ],
    ['another method', 'PATCH /v1/status HTTP/1.1\r\nhost: d\r\nconnection: close\r\n\r\n', /404 Not Found/],
  ])('survives %s', async (_, bytes, expected) => {
    const { pid } = await status();
    const client = connect(socketOf(daemon.client.paths));
    client.write(bytes);
    let answer = '';
    client.on('data', (piece: Buffer) => {
      answer += piece.toString();
      if (answer.includes('larger than')) client.destroy();
    });
    client.on('error', () => undefined);
    await once(client, 'close');
    expect(answer).toMatch(expected);
    expect((await status()).pid).toBe(pid);
  });
});

test('a daemon that is stopped leaves no socket behind', async () => {
  await status();
  const socket = socketOf(daemon.client.paths);
  await daemon.stop();
  expect(existsSync(socket)).toBe(false);
  expect(await until(daemons, (pids) => pids.length === 0)).toEqual([]);
});

test('a daemon whose state folder was removed ends by itself', async () => {
  await status();
  rmSync(daemon.stateFolder, { recursive: true });
  expect(await until(daemons, (pids) => pids.length === 0)).toEqual([]);
});

const example: DaemonStatus = {
  protocol: PROTOCOL,
  version: '0',
  pid: 1,
  startedAt: '',
  stateFolder: '',
  proxyPort: 1,
  dnsPort: 1,
  environments: 0,
  processes: 0,
  residentMiB: 0,
};
