import { afterEach, beforeEach, expect, test } from '@jest/globals';
import type { Environment, Snapshot, Volume } from '@clusternator/core/provider';
import { processesMarked, withDescendants } from './daemon/process-table.ts';
import { Postgres, postgresService } from './testing/postgres.ts';
import { until } from './testing/environments.ts';
import { testCall } from './testing/specs.ts';
import { StorageScene } from './testing/storage.ts';

let scene: StorageScene;
beforeEach(() => {
  scene = new StorageScene();
});
afterEach(() => scene[Symbol.asyncDispose]());

async function serve(id: string, volume: Volume): Promise<Environment> {
  const environment = await scene.ensure(scene.specs.environment(id, { db: postgresService(scene.specs, volume) }));
  if (environment.phase !== 'active') throw new Error(environment.message);
  // It takes connections before it has replayed its log.
  const answer = (): Promise<string | undefined> => new Postgres(environment).query('SELECT 1').catch(() => undefined);
  await until(answer, (it) => it === '1', 60);
  return environment;
}

/** Commits one line after the other. */
class Ledger {
  /** All up to this one are committed: the server said so. */
  last = 0;
  readonly #isOver = new AbortController();
  readonly #writing: Promise<void>;

  constructor(postgres: Postgres) {
    this.#writing = this.#write(postgres);
  }

  async end(): Promise<void> {
    this.#isOver.abort();
    await this.#writing;
  }

  async #write(postgres: Postgres): Promise<void> {
    const session = postgres.session();
    while (!this.#isOver.signal.aborted) {
      this.last = Number(await session.ask('INSERT INTO ledger DEFAULT VALUES RETURNING n'));
    }
    session.end();
  }
}

interface Taken {
  readonly snapshot: Snapshot;
  readonly committed: number;
}

/** As the application's own online backup has it. */
async function takeHeld(id: string, volume: Volume, postgres: Postgres): Promise<Snapshot> {
  const { snapshots } = scene.storage;
  const session = postgres.session();
  await session.ask(`SELECT pg_backup_start('${id}', true)`);
  const spec = { id, fingerprint: id, tags: {}, volume, hold: true } as const;
  const held = await snapshots.ensure(spec, testCall());
  expect(held).toMatchObject({ phase: 'creating', isCopied: true });
  const label = await session.ask('SELECT labelfile FROM pg_backup_stop(false)');
  session.end();
  return snapshots.complete(held, { again: ['pg/pg_wal'], files: { 'pg/backup_label': `${label}\n` } }, testCall());
}

/** Restored, it passes PostgreSQL's own checks and has all that was committed before. */
async function expectGood({ snapshot, committed }: Taken): Promise<void> {
  const volume = await scene.volume(`of-${snapshot.id}`, { from: { snapshot } });
  const environment = await serve('bbbbbbbb0000-1', volume);
  const postgres = new Postgres(environment);
  await postgres.run('pg_amcheck', '--all', '--install-missing', '--heapallindexed');
  expect(Number(await postgres.query(`SELECT count(*) FROM ledger WHERE n <= ${String(committed)}`))).toBe(committed);
  const sums = await postgres.query(
    'SELECT (SELECT sum(abalance) FROM pgbench_accounts) = (SELECT sum(bbalance) FROM pgbench_branches)',
  );
  expect(sums).toBe('t');
  await scene.destroy(environment);
  await scene.storage.volumes.destroy(volume, testCall());
}

test('snapshots of a PostgreSQL under load pass its own checks and have every transaction that was committed before', async () => {
  const volume = await scene.volume('data');
  const environment = await serve('aaaaaaaa0000-1', volume);
  const postgres = new Postgres(environment);
  await postgres.run('pgbench', '-iq', '-s', '2', 'postgres');
  await postgres.query('CREATE TABLE ledger (n bigserial PRIMARY KEY, at timestamptz DEFAULT clock_timestamp())');
  const load = postgres.load();
  const ledger = new Ledger(postgres);
  const taken: Taken[] = [];
  try {
    for (const id of ['first', 'second']) {
      await until(
        () => ledger.last,
        (last) => last > (taken.at(-1)?.committed ?? 0) + 20,
      );
      const committed = ledger.last;
      taken.push({ snapshot: await scene.snapshot(id, volume), committed });
    }
    const committed = ledger.last;
    const stopped = new Set<number>();
    const look = setInterval(() => {
      const all = withDescendants(processesMarked(`${scene.daemon.client.paths.home}:`));
      for (const { pid, isStopped } of all) if (isStopped) stopped.add(pid);
    }, 5);
    taken.push({ snapshot: await takeHeld('held', volume, postgres), committed });
    clearInterval(look);
    // Of an online backup nothing ever waits.
    expect([...stopped]).toEqual([]);
    const after = ledger.last;
    await until(
      () => ledger.last,
      (last) => last > after + 20,
    );
    expect(load.exitCode).toBeNull();
  } finally {
    load.kill('SIGKILL');
    await ledger.end();
  }
  for (const one of taken) {
    expect(one.snapshot.phase).toBe('active');
    await expectGood(one);
  }
}, 300_000);
