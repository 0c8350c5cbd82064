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
/** Two clients move money, one writes a ledger without gaps. Each transaction's time is logged. */
const LOAD = `mkdir -p load
echo 'INSERT INTO ledger DEFAULT VALUES;' > load/ledger.sql
pgbench -n -c 1 -T 3600 -l --log-prefix=load/ledger -f load/ledger.sql >/dev/null 2>&1 & ledger=$!
pgbench -n -c 2 -T 3600 -l --log-prefix=load/money >/dev/null 2>&1 & money=$!
until [ -e load/end ]; do
  if [ -e load/recycle ]; then psql -Xq -c CHECKPOINT -c 'SELECT pg_switch_wal()' >/dev/null; else sleep 0.1; fi
done
kill $ledger $money
wait
cat load/ledger.[0-9]* load/money.[0-9]*
`;
const BACKUPS = 3;
/** Generous: a copy reads and writes beside them. */
const WAIT_RATIO = 5;

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
  const load = project.script(production, LOAD);
  const committed = async (): Promise<number> =>
    Number(await project.query(production, 'SELECT coalesce(max(n), 0) FROM ledger'));
  const taken: Taken[] = [];
  const [spans, gaps]: [Span[], Span[]] = [[], []];
  const stops = await watchStops(project, place, production);
  for (let count = 0; count < BACKUPS; count += 1) {
    const before = await eventually(async () => {
      const now = await committed();
      expect(now).toBeGreaterThan((taken.at(-1)?.committed ?? 0) + 200);
      return now;
    });
    const from = Date.now();
    gaps.push({ from: spans.at(-1)?.to ?? 0, to: from });
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
  await project.script(production, 'touch load/end');
  expectNobodyWaited(transactionsOf(await load), spans, gaps);

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
 * The longest wait in a backup against that in as many times without one. A stall of the machine hits one of them; whoever waited for the copy
 * would do so in each.
 */
function expectNobodyWaited(all: readonly Transaction[], withBackup: readonly Span[], without: readonly Span[]): void {
  const longest = ({ from, to }: Span): number =>
    Math.max(...all.filter(({ endedAt }) => from <= endedAt && endedAt <= to).map(({ took }) => took));
  const [withMedian, withoutMedian] = [withBackup, without].map((spans) => median(spans.map(longest)));
  expect(withMedian).toBeLessThan(WAIT_RATIO * (withoutMedian ?? 0));
}

function median(all: readonly number[]): number {
  return all.toSorted((a, b) => a - b)[Math.floor(all.length / 2)] ?? 0;
}
