import {
  existsSync,
  readFileSync,
  readdirSync,
  statSync,
  truncateSync,
  writeFileSync,
  rmSync,
  mkdirSync,
  copyFileSync,
  chownSync,
  chmodSync,
} from 'node:fs';
import { dirname, join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { describe, expect, jest, test } from '@jest/globals';
import { salvage } from './salvage.ts';
import { type EmbeddedStore, openSqliteStore } from './sqlite.ts';
import { testCall } from './testing/call.ts';
import { Child } from './testing/child.ts';
import { scratchFolder } from './testing/scratch.ts';
import { collect, describeStore, expectCode } from './testing/store-suite.ts';

const call = testCall();
const folder = scratchFolder();
let files = 0;
const newFile = () => join(folder, `project-${++files}`, 'state.db');
const writer = join(import.meta.dirname, 'testing/writer.ts');
const asRoot = process.getuid?.() === 0;

describeStore('embedded store', () => openSqliteStore(newFile()));

test('what is written at the same time waits for the disk once, and each has an outcome of its own', async () => {
  const store = openSqliteStore(newFile());
  const first = await store.put('env/a', '1', null, call);
  const commits = commitsOf(async () => {
    const [changed, refused, made] = await Promise.allSettled([
      store.put('env/a', '2', first, call),
      store.put('env/a', '3', null, call),
      store.put('env/b', '4', null, call),
    ]);
    expect([changed.status, refused.status, made.status]).toEqual(['fulfilled', 'rejected', 'fulfilled']);
    expect(await store.get('env/a', call)).toMatchObject({ value: '2' });
    expect(await store.get('env/b', call)).toMatchObject({ value: '4' });
  });
  expect(await commits).toBe(1);
  store.close();
});

/** How often the disk was waited for. */
async function commitsOf(work: () => Promise<void>): Promise<number> {
  const exec = jest.spyOn(DatabaseSync.prototype, 'exec');
  try {
    await work();
    return exec.mock.calls.filter(([sql]) => sql === 'COMMIT').length;
  } finally {
    exec.mockRestore();
  }
}

/** A closed store with some documents. */
async function written(documents = 200): Promise<string> {
  const file = newFile();
  const store = openSqliteStore(file);
  for (let at = 0; at < documents; at++) {
    await store.put(`env/${String(at).padStart(4, '0')}`, JSON.stringify({ at, filler: 'x'.repeat(300) }), null, call);
  }
  store.close();
  return file;
}

async function failure(work: Promise<unknown>): Promise<{ code: string; message: string; detail: { hint?: string } }> {
  return work.then(
    () => {
      throw new Error('it should have failed');
    },
    (error: unknown) => error as { code: string; message: string; detail: { hint?: string } },
  );
}

describe('the file', () => {
  test('is made at the first put, for its owner alone, and leaves nothing else beside it', async () => {
    const file = newFile();
    const store = openSqliteStore(file);
    expect(await store.get('a', call)).toBeUndefined();
    expect(await collect(store, '')).toEqual([]);
    expect(existsSync(dirname(file))).toBe(false);
    await store.put('a', '1', null, call);
    expect(statSync(file).mode & 0o777).toBe(0o600);
    expect(statSync(`${file}-wal`).mode & 0o777).toBe(0o600);
    expect(statSync(dirname(file)).mode & 0o777).toBe(0o700);
    store.close();
    expect(readdirSync(dirname(file))).toEqual(['state.db']);
  });

  test('what was put is there for another process that opens it later', async () => {
    const file = await written(3);
    expect(await collect(openSqliteStore(file, { readOnly: true }), '')).toEqual(['env/0000', 'env/0001', 'env/0002']);
  });

  test('a store that was opened for reading writes nothing', async () => {
    const store = openSqliteStore(await written(1), { readOnly: true });
    await expectCode('denied', store.put('a', '1', null, call));
    store.close();
  });

  test('removed while it is in use, it is told and not written to', async () => {
    const file = newFile();
    const store = openSqliteStore(file);
    await store.put('a', '1', null, call);
    rmSync(dirname(file), { recursive: true });
    await expectCode('unavailable', store.put('b', '1', null, call));
    await expectCode('unavailable', store.get('a', call));
    expect(existsSync(file)).toBe(false);
  });

  test('drafts of processes that were killed while they made one are removed, those of the living are not', async () => {
    const file = newFile();
    mkdirSync(dirname(file));
    const dead = new Child(writer, [file, 'race', 'x']);
    await dead.kill();
    const [left, kept] = [dead.process.pid!, process.ppid].map((pid) => `${file}.${pid}-0a1b2c3d.new`);
    for (const draft of [left!, kept!]) writeFileSync(draft, '');
    const store = openSqliteStore(file);
    await store.put('a', '1', null, call);
    expect([existsSync(left!), existsSync(kept!)]).toEqual([false, true]);
    store.close();
  });

  test('many first puts in one process at once make one store', async () => {
    const store = openSqliteStore(newFile());
    await Promise.all(Array.from({ length: 50 }, (_, at) => store.put(`env/${at}`, '1', null, call)));
    expect(await collect(store, '')).toHaveLength(50);
  });
});

describe('a store that can not be used is told and left as it was', () => {
  const expectRefused = async (file: string, code: string, message: RegExp) => {
    const before = readFileSync(file);
    const store = openSqliteStore(file);
    for (const use of [
      () => store.get('env/0001', call),
      () => store.put('new', '1', null, call),
      () => collect(store, ''),
    ]) {
      const error = await failure(use());
      expect(error.code).toBe(code);
      expect(error.message).toMatch(message);
      expect(error.message).toContain(file);
      expect(error.detail.hint).toBeTruthy();
    }
    store.close();
    expect(readFileSync(file).equals(before)).toBe(true);
  };

  test('written by a newer version', async () => {
    const file = await written(2);
    const db = new DatabaseSync(file);
    db.exec('PRAGMA user_version = 7');
    db.close();
    await expectRefused(file, 'unsupported', /has version 7.*knows version 1/);
  });

  test('made newer by another process while it is open', async () => {
    const file = await written(2);
    const store = openSqliteStore(file);
    await store.put('a', '1', null, call);
    const db = new DatabaseSync(file);
    db.exec('PRAGMA user_version = 7');
    db.close();
    await expectCode('unsupported', store.put('b', '1', null, call));
    store.close();
  });

  test('another program’s database', async () => {
    const file = await written(0).then(() => newFile());
    mkdirSync(dirname(file));
    const db = new DatabaseSync(file);
    db.exec('CREATE TABLE documents (key TEXT)');
    db.close();
    await expectRefused(file, 'owned-by-other', /another program/);
  });

  test.each([
    ['text', (file: string) => writeFileSync(file, 'this is not a database, it is a letter. '.repeat(200))],
    ['an empty file', (file: string) => truncateSync(file, 0)],
    ['a header that was overwritten', (file: string) => overwrite(file, 0, 64)],
    ['the first bytes alone', (file: string) => truncateSync(file, 50)],
  ])('%s', async (_, damage) => {
    const file = await written();
    damage(file);
    await expectRefused(file, 'internal', /damaged/);
    const { detail } = await failure(openSqliteStore(file).get('a', call));
    expect(detail.hint).toContain('clusternator state export');
    expect(detail.hint).toContain('cp -a');
  });

  test('a page in the middle that was overwritten: told when it is met', async () => {
    const file = await written();
    overwrite(file, 4096 * 3, 4096 * 20);
    const store = openSqliteStore(file);
    const all = (async () => {
      for (let at = 0; at < 200; at++) await store.get(`env/${String(at).padStart(4, '0')}`, call);
    })();
    const error = await failure(all);
    expect(error).toMatchObject({ code: 'internal' });
    expect(error.message).toMatch(/damaged/);
    store.close();
  });

  test('a log without its database', async () => {
    const file = await keptLog();
    rmSync(file);
    for (const use of [(s: EmbeddedStore) => s.get('a', call), (s: EmbeddedStore) => s.put('a', '1', null, call)]) {
      expect((await failure(use(openSqliteStore(file)))).message).toMatch(/damaged/);
    }
    expect(existsSync(file)).toBe(false);
  });

  test('a folder in its place, and a file in the place of its folder', async () => {
    const file = newFile();
    mkdirSync(file, { recursive: true });
    await expectCode('denied', openSqliteStore(file).put('a', '1', null, call));
    const below = join(await written(1), 'state.db');
    await expectCode('invalid', openSqliteStore(below).put('a', '1', null, call));
  });

  test('locked by a process that never ends its transaction: told after a while, and an abort ends the wait at once', async () => {
    const file = await written(1);
    const holder = new DatabaseSync(file);
    holder.exec('BEGIN IMMEDIATE');
    const abort = new AbortController();
    const store = openSqliteStore(file);
    const waiting = failure(store.put('a', '1', null, testCall(abort.signal)));
    expect((await store.get('env/0000', call))?.value).toContain('"at":0'); // readers go on
    abort.abort();
    expect((await waiting).code).toBe('cancelled');
    holder.exec('COMMIT');
    await store.put('a', '1', null, call);
    holder.close();
    store.close();
  });
});

describe('a file system that refuses', () => {
  const run = async (file: string, mode: string, options: ConstructorParameters<typeof Child>[2]) => {
    const child = new Child(writer, [file, mode], options);
    await child.exit();
    return child;
  };

  test('a read-only folder: denied, with a way out', async () => {
    const file = await written(1);
    chmodSync(folder, 0o755);
    chmodSync(dirname(file), 0o555);
    chmodSync(file, 0o444);
    const child = await run(file, 'fill', asRoot ? { uid: 65534 } : {});
    chmodSync(dirname(file), 0o700);
    expect([...child.lines, child.errors].join('\n')).toMatch(/denied|ProviderError/);
    expect(child.lines[0] ?? child.errors).toMatch(/denied/);
  });

  test('a folder of somebody else’s: denied, and never taken for an empty store', async () => {
    const file = await written(1);
    const closed = dirname(file);
    if (asRoot) chownSync(closed, 0, 0);
    chmodSync(closed, asRoot ? 0o700 : 0o000);
    const child = await run(file, 'count', asRoot ? { uid: 65534 } : {});
    chmodSync(closed, 0o700);
    expect(child.errors).toMatch(/denied/);
  });

  test('a full disk: quota, and what was written before is there', async () => {
    const room = join(folder, 'small-disk');
    mkdirSync(room);
    const mounted = ['unshare', '--user', '--map-root-user', '--mount', 'sh', '-c'];
    const command = [...mounted, 'mount -t tmpfs -o size=512k tmpfs "$0" && exec "$@"', room];
    const child = await run(join(room, 'state.db'), 'fill', { command });
    expect(child.lines).toEqual(['quota none 20000']);
  });
});

describe('many processes', () => {
  test('of twenty that make the same document in a new store, one wins', async () => {
    const file = newFile();
    const racers = Array.from({ length: 20 }, (_, at) => new Child(writer, [file, 'race', `racer-${at}`]));
    await Promise.all(racers.map((racer) => racer.says('ready', 55)));
    for (const racer of racers) racer.process.stdin!.write('go\n');
    await Promise.all(racers.map((racer) => racer.exit()));
    const said = racers.map((racer) => racer.lines.at(-1));
    expect(said.filter((line) => line === 'won')).toHaveLength(1);
    expect(said.filter((line) => line === 'conflict')).toHaveLength(19);
    const kept = await openSqliteStore(file).get('slot/master', call);
    expect(kept?.value).toBe(`{"name":"racer-${said.indexOf('won')}"}`);
    expect(readdirSync(dirname(file)).filter((name) => name.endsWith('.new'))).toEqual([]);
  });

  test('no update is lost', async () => {
    const file = newFile();
    const counters = Array.from({ length: 4 }, () => new Child(writer, [file, 'count']));
    expect(await Promise.all(counters.map((one) => one.exit()))).toEqual([0, 0, 0, 0]);
    expect((await openSqliteStore(file).get('count', call))?.value).toBe('400');
  });

  test('killed in the middle of writes, the store is whole and has all that was told', async () => {
    const file = newFile();
    for (let life = 0; life < 5; life++) {
      const child = new Child(writer, [file, 'pairs']);
      await child.says(String(20 + life * 13));
      await child.kill();
      const told = Number(child.lines.at(-1));
      const store = openSqliteStore(file);
      const [a, b] = await Promise.all(
        ['a', 'b'].map(async (key) => JSON.parse((await store.get(key, call))!.value) as { at: number }),
      );
      expect(b!.at === a!.at || b!.at === a!.at - 1 || a!.at === 1).toBe(true);
      expect(b!.at).toBeGreaterThanOrEqual(told);
      store.close();
    }
    const db = new DatabaseSync(file);
    expect(db.prepare('PRAGMA integrity_check').get()).toEqual({ integrity_check: 'ok' });
    db.close();
  });
});

describe('salvage', () => {
  const all = async (file: string) => {
    const problems: string[] = [];
    const found = new Map<string, string>();
    for await (const { key, value } of salvage(file, (problem) => problems.push(problem))) {
      expect(found.has(key)).toBe(false);
      found.set(key, value);
    }
    return { found, problems };
  };

  test('of a whole store, all and no problem', async () => {
    const { found, problems } = await all(await written(150));
    expect(found.size).toBe(150);
    expect(problems).toEqual([]);
  });

  test('with what is in the log only', async () => {
    const { found } = await all(await keptLog());
    expect(found.get('in-the-log')).toBe('1');
  });

  test('of a newer version’s store, all', async () => {
    const file = await written(5);
    const db = new DatabaseSync(file);
    db.exec('PRAGMA user_version = 9');
    db.close();
    expect((await all(file)).found.size).toBe(5);
  });

  test('around a damaged page, the others, and the damage is told', async () => {
    const file = await written(400);
    const before = readFileSync(file).length;
    overwrite(file, Math.floor(before / 4096 / 2) * 4096, 4096);
    const bytes = readFileSync(file);
    const { found, problems } = await all(file);
    expect(found.size).toBeGreaterThan(300);
    expect(problems.length).toBeGreaterThan(0);
    expect(readFileSync(file).equals(bytes)).toBe(true);
  });

  test('of what is no database, an error that says so', async () => {
    const file = newFile();
    mkdirSync(dirname(file));
    writeFileSync(file, 'a letter'.repeat(1000));
    expect((await failure(all(file))).message).toMatch(/damaged/);
  });
});

/** A database and its log, as after a process was killed. */
async function keptLog(): Promise<string> {
  const from = newFile();
  const store = openSqliteStore(from);
  await store.put('in-the-log', '1', null, call);
  const file = newFile();
  mkdirSync(dirname(file), { recursive: true });
  for (const part of ['', '-wal']) copyFileSync(from + part, file + part);
  store.close();
  return file;
}

function overwrite(file: string, from: number, bytes: number): void {
  const content = readFileSync(file);
  content.fill(0xa5, from, Math.min(from + bytes, content.length));
  writeFileSync(file, content);
}
