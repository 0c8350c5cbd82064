import { expect } from '@jest/globals';

import { eventually } from './http.ts';
import { CONNECT, PostgresProject, type Place } from './postgres.ts';
import { watchStops } from './watch-stops.ts';

/** Restored, it passes PostgreSQL's own checks, its sums agree, and it says how much of the ledger it has. */
const CHECK = `${CONNECT}pg_amcheck --all --install-missing --heapallindexed
psql -XAtq -v ON_ERROR_STOP=1 <<'END'
DO $$ BEGIN
  ASSERT (SELECT sum(abalance) FROM pgbench_accounts) = (SELECT sum(delta) FROM pgbench_history), 'accounts';
  ASSERT (SELECT sum(bbalance) FROM pgbench_branches) = (SELECT sum(delta) FROM pgbench_history), 'branches';
END $$;
SELECT 'the ledger has ' || count(*) || ' up to ' || max(n) FROM ledger;
END
`;
/** Two clients move money, one writes a ledger without gaps. Each transaction's time is logged, and whoever waits for a lock that is not theirs. */
const LOAD = `mkdir -p load
echo 'INSERT INTO ledger DEFAULT VALUES;' > load/ledger.sql
pgbench -n -c 1 -T 3600 -l --log-prefix=load/ledger -f load/ledger.sql >/dev/null 2>&1 & ledger=$!
pgbench -n -c 2 -T 3600 -l --log-prefix=load/money >/dev/null 2>&1 & money=$!
psql -Xq >/dev/null <<'END' & watch=$!
INSERT INTO waited SELECT waiting.query, holding.query FROM pg_stat_activity waiting
JOIN pg_stat_activity holding ON holding.pid = ANY (pg_blocking_pids(waiting.pid))
WHERE holding.application_name <> 'pgbench'
\\watch 0.02
END
until [ -e load/end ]; do
  if [ -e load/recycle ]; then psql -Xq -c CHECKPOINT -c 'SELECT pg_switch_wal()' >/dev/null; else sleep 0.1; fi
done
kill $ledger $money $watch
wait
cat load/ledger.[0-9]* load/money.[0-9]*
`;
const BACKUPS = 3;
/** Of a backup's own time: whoever waited for the copy would wait for most of it. */
const WAIT_RATIO = 0.5;

interface Taken {
  readonly id: string;
  /** All of the ledger up to here was committed before. */
  readonly committed: number;
}
/** In milliseconds of the clock. */
interface Span {
  readonly from: number;
  readonly to: number;
}
interface Transaction {
  readonly endedAt: number;
  readonly took: number;
}

export async function backups(place: Place): Promise<void> {
  await using project = await PostgresProject.open(
    place,
    `volumes:
  data: { scope: slot, kind: disk, backup: { every: 1h, keep: 7d, quiesce: postgres, verify: sh check.sh } }
slots: { master: { standbys: 0 } }
`,
    { 'check.sh': CHECK },
  );
  const production = await project.promote();
  await project.script(production, 'pgbench -iq -s 2 2>&1');
  await project.query(production, 'CREATE TABLE ledger (n bigserial PRIMARY KEY, at timestamptz DEFAULT now())');
  await project.query(production, 'CREATE TABLE waited (query text, holder text)');
  const load = project.script(production, LOAD);
  const committed = async (): Promise<number> =>
    Number(await project.query(production, 'SELECT coalesce(max(n), 0) FROM ledger'));
  const taken: Taken[] = [];
  const spans: Span[] = [];
  const stops = await watchStops(project, place, production);
  for (let count = 0; count < BACKUPS; count += 1) {
    const before = await eventually(async () => {
      const now = await committed();
      expect(now).toBeGreaterThan((taken.at(-1)?.committed ?? 0) + 200);
      return now;
    });
    const from = Date.now();
    const id = await project.backUp();
    spans.push({ from, to: Date.now() });
    taken.push({ id, committed: before });
  }
  // Of an online backup nothing ever waits.
  expect(await stops()).toEqual([]);
  // The server throws its log away behind each checkpoint: not what a backup needs of it.
  await project.script(production, 'touch load/recycle');
  taken.push({ committed: await committed(), id: await project.backUp() });
  await project.script(production, 'rm load/recycle');
  const before = await committed();
  await project.run('storage', 'snapshot', 'slot-master-data', '--name', 'plain', '--quiesce', 'none');
  taken.push({ id: 'plain', committed: before });
  expect(await project.query(production, 'SELECT * FROM waited')).toBe('');
  await project.script(production, 'touch load/end');
  expectNobodyWaited(transactionsOf(await load), spans);

  for (const { id, committed: least } of taken) {
    const [, count, last] = /the ledger has (\d+) up to (\d+)/.exec(await project.verify(id)) ?? [];
    expect(Number(count)).toBe(Number(last));
    expect(Number(count)).toBeGreaterThanOrEqual(least);
  }
}

function transactionsOf(log: string): readonly Transaction[] {
  return log.split('\n').map((line) => {
    const [, , took, , seconds, microseconds] = line.split(' ').map(Number);
    return { took: (took ?? 0) / 1000, endedAt: (seconds ?? 0) * 1000 + (microseconds ?? 0) / 1000 };
  });
}

/**
 * The longest wait in each backup, as a part of it. A copy that reads and writes beside them, and a stall of the machine, delay transactions by
 * less; whoever waited for the copy would do so in each backup.
 */
function expectNobodyWaited(all: readonly Transaction[], backups: readonly Span[]): void {
  const waits = backups.map(({ from, to }) => {
    const during = all.filter(({ endedAt }) => from <= endedAt && endedAt <= to);
    return Math.max(...during.map(({ took }) => took)) / (to - from);
  });
  expect(median(waits)).toBeLessThan(WAIT_RATIO);
}

function median(all: readonly number[]): number {
  return all.toSorted((a, b) => a - b)[Math.floor(all.length / 2)] ?? 0;
}
