import { existsSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { afterEach, beforeEach, expect, test } from '@jest/globals';

import { killAtWrite, type Answer, type Outcome } from './cli.ts';
import { eventually, get } from './http.ts';
import type { TestRepository } from './repository.ts';
import { Sandbox } from './sandbox.ts';
import type { ChangeAnswer, SlotAnswer } from './slot-app.ts';

/** A database that locks its file for as long as it lives, takes its time to end, and tells a witness when another has the lock. */
const DB = `
import { appendFileSync } from 'node:fs';
import http from 'node:http';
import { DatabaseSync } from 'node:sqlite';
const database = new DatabaseSync('data/orders.db');
try {
  database.exec('PRAGMA locking_mode = EXCLUSIVE; BEGIN EXCLUSIVE; CREATE TABLE IF NOT EXISTS orders (name TEXT); COMMIT');
} catch (error) {
  appendFileSync(process.env.WITNESS, process.env.CLUSTERNATOR_ENVIRONMENT + ': ' + error.message + '\\n');
  throw error;
}
http.createServer((request, response) => {
  if (request.method === 'POST') database.prepare('INSERT INTO orders VALUES (?)').run(request.url.slice(1));
  response.end(database.prepare('SELECT name FROM orders').all().map(({ name }) => name).join(' '));
}).listen(Number(process.env.PORT), process.env.HOST);
process.on('SIGTERM', () => setTimeout(() => process.exit(), 300));
`;
/** Speaks for the database. */
const WEB = `
import { readFileSync } from 'node:fs';
import http from 'node:http';
const version = readFileSync('version.txt', 'utf8').trim();
http.createServer(async (request, response) => {
  try {
    const answer = await fetch('http://' + process.env.DB_HOST + ':5433' + request.url, { method: request.method });
    response.statusCode = process.env.MODE === 'live' ? 500 : 200;
    response.end(version + ': ' + (await answer.text()));
  } catch (error) {
    response.statusCode = 502;
    response.end(String(error.cause ?? error));
  }
}).listen(Number(process.env.PORT), process.env.HOST);
`;

type Plan = NonNullable<Awaited<ReturnType<typeof plan>>>;

let sandbox: Sandbox;
let repository: TestRepository;
let witness: string;
beforeEach(async () => {
  sandbox = await Sandbox.open();
  witness = path.join(sandbox.folder, 'witness');
});
afterEach(async () => sandbox.dispose());

async function project(scope: 'slot' | 'project'): Promise<void> {
  repository = await sandbox.repositoryOf({
    'clusternator.config.yaml': `project: PROJECT
provider: local
services:
  db:
    command: node db.mjs
    port: 5433
    env: { WITNESS: ${JSON.stringify(witness)} }
    volumes: { data: data }
  web:
    command: node web.mjs
    port: 8080
    route: /
    health: { path: /, every: 500ms, within: 10s }
    needs: { db: DB_HOST }
volumes: { data: { kind: disk, scope: ${scope} } }
slots: { master: { standbys: 2 } }
`,
    'db.mjs': DB,
    'web.mjs': WEB,
    'version.txt': 'a',
  });
}

async function commit(version: string): Promise<string> {
  await repository.write('version.txt', version);
  return repository.commit(`Version ${version}`);
}

/** An environment beside the slot has a disk of its own. */
async function create(version: string): Promise<string> {
  return (await sandbox.create('--sha', await commit(version))).id;
}

function run(
  ...words: string[]
): Promise<Answer<ChangeAnswer & { interruptedSeconds?: number }> & { outcome: Outcome }> {
  return sandbox.json(words);
}

function move(...words: string[]): Promise<ChangeAnswer & { interruptedSeconds?: number }> {
  return sandbox.answer(...words);
}

async function plan(...words: string[]) {
  const { data } = await sandbox.json<{
    plan: { interruptsSeconds: number; interruption?: { volumes: readonly string[]; from: string; to: string } };
  }>([...words, '--dry-run']);
  return data.plan;
}

async function show(): Promise<SlotAnswer> {
  return (await sandbox.json<{ slot: SlotAnswer }>(['slot', 'show', 'master'])).data.slot;
}

function violations(): string {
  return existsSync(witness) ? readFileSync(witness, 'utf8') : '';
}

test('a disk that one instance locks goes from head to head and back, told before, and nothing written is lost', async () => {
  await project('slot');
  const a = await create('a');
  const b = await create('b');
  const { slot } = await move('promote', a, 'master');
  expect((await get(`${slot.url}/first`, { method: 'POST' })).body).toBe('a: first');

  const told: Plan = await plan('promote', b, 'master');
  expect(told).toMatchObject({ interruption: { volumes: ['slot-master-data'], from: slot.head?.environment } });
  expect(told.interruptsSeconds).toBeGreaterThan(0);
  const { stdout } = await sandbox.run(['promote', b, 'master', '--dry-run']);
  expect(stdout).toMatch(/zero-downtime: no, about .* slot-master-data goes from/);
  expect((await get(slot.url)).body).toBe('a: first');

  const promoted = await run('promote', b, 'master');
  expect(promoted.outcome.stderr + String(promoted.warnings)).toMatch(/zero-downtime: no/);
  expect(promoted.data.interruptedSeconds).toBeGreaterThan(0);
  expect((await get(`${slot.url}/second`, { method: 'POST' })).body).toBe('b: first second');

  expect((await plan('rollback', 'master')).interruptsSeconds).toBeGreaterThan(0);
  const { slot: back } = await move('rollback', 'master');
  expect(back.head?.environment).toBe(slot.head?.environment);
  expect((await get(`${slot.url}/third`, { method: 'POST' })).body).toBe('a: first second third');

  expect(violations()).toBe('');
}, 300_000);

test('a promotion to what is not healthy gives the head its disk back', async () => {
  await project('slot');
  const a = await create('a');
  const { slot } = await move('promote', a, 'master');
  await get(`${slot.url}/first`, { method: 'POST' });
  // Well beside the slot, and ill with its settings.
  await repository.edit('clusternator.config.yaml', (text) =>
    text.replace('standbys: 2', 'standbys: 2, env: { MODE: live }'),
  );
  const bad = await create('b');
  const { outcome, error } = await run('promote', bad, 'master');
  expect({ exit: outcome.code, code: error?.code }).toEqual({ exit: 5, code: 'unhealthy' });
  expect((await get(`${slot.url}/second`, { method: 'POST' })).body).toBe('a: first second');
  expect(await show()).toMatchObject({ generation: 1, head: { environment: slot.head?.environment, healthy: true } });
  expect(violations()).toBe('');
}, 300_000);

test('killed at its writes, a promotion goes on or back, and one environment has the disk', async () => {
  await project('slot');
  const ids = [await create('a'), await create('b')];
  const { slot } = await move('promote', ids[0] ?? '', 'master');
  const state = path.join(sandbox.stateHome, 'projects', `${sandbox.project}--default`);
  const orders: string[] = [];
  let kills = 0;
  for (let n = 2, to = 1; n < 80; n += 4) {
    const killer = killAtWrite(n, state);
    const { signal } = await sandbox.run(['promote', ids[to] ?? '', 'master'], {
      onStart: (child) => killer.onStart(child),
    });
    killer.stop();
    const { data } = await sandbox.json<{ operations: readonly { id: string }[] }>(['op', 'list', '--unfinished']);
    const how = kills % 2 === 0 ? ['resume'] : ['abort', '--yes'];
    for (const { id } of data.operations) await sandbox.run(['op', ...how, id]);
    // The claim may be there, and its operation not.
    if ((await show()).state !== 'idle') await sandbox.run(['slot', 'repair', 'master']);
    const { head, state: rests } = await show();
    expect({ rests, healthy: head?.healthy }).toEqual({ rests: 'idle', healthy: true });
    const version = head?.commit === slot.head?.commit ? 'a' : 'b';
    orders.push(`order${String(n)}`);
    expect((await get(`${slot.url}/order${String(n)}`, { method: 'POST' })).body).toBe(
      `${version}: ${orders.join(' ')}`,
    );
    if (signal === null) break;
    kills += 1;
    to = version === 'a' ? 1 : 0;
  }
  expect(kills).toBeGreaterThan(3);
  expect(violations()).toBe('');
}, 600_000);

test('of two environments that want one disk the second is refused, with the name of the first, until that one is gone', async () => {
  await project('project');
  const first = await create('a');
  const second = await sandbox.json(['env', 'create', '--sha', await commit('b')]);
  expect({ exit: second.outcome.code, code: second.error?.code }).toEqual({ exit: 4, code: 'conflict' });
  expect(second.error?.message).toContain(`${first} holds it`);
  expect(second.error?.hint).toContain(`env destroy ${first}`);
  const [{ url } = { url: '' }] = await sandbox.environments();
  expect((await get(`${url}/first`, { method: 'POST' })).body).toBe('a: first');

  await sandbox.destroy(first);
  const { url: next } = await sandbox.create();
  await eventually(async () => expect((await get(next)).body).toBe('b: first'));
  expect(violations()).toBe('');
}, 180_000);
