import { readFileSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { ProviderError } from '../provider/error.ts';
import type { Call } from '../provider/host.ts';
import type { RateLimit } from '../provider/provider.ts';
import { SqliteFile, type SqliteKind } from '../state/sqlite-file.ts';
import { throwIfAborted } from './call.ts';
import type { Clock } from './clock.ts';

/** Keeps rate limits across all processes of this machine. */
export interface Pacer {
  /**
   * Waits for its turn. Turns are in the order of asking, and one that is given up is not given to another.
   * @param limit - A key of the limits.
   * @throws `timeout` with effect `none`, at once: its turn would come after the call's deadline. `cancelled`. `invalid`: no such limit.
   */
  pace(limit: string, call: Call): Promise<void>;
  close(): void;
}

const PACE_TABLE: SqliteKind = {
  what: 'table of rate limits',
  applicationId: 0x636c7270, // `clrp`
  version: 1,
  synchronous: 'off', // what is lost with the machine's power was of use only until then
  schema: 'CREATE TABLE turns (name TEXT PRIMARY KEY, boot TEXT NOT NULL, next REAL NOT NULL) STRICT, WITHOUT ROWID',
};

/** No deadline is so far away, so nobody waits for a turn beyond. */
const LONGEST_QUEUE_SECONDS = 24 * 3600;

/**
 * A token bucket for each limit, kept as the moment when it would be full again (GCRA), in the machine's own monotonic time.
 * @param folder - The state folder: `pace.db` in it is shared by all processes.
 * @param scope - Whose limits these are: the provider's id and account or project.
 * @see https://en.wikipedia.org/wiki/Generic_cell_rate_algorithm
 */
export function openPacer(
  folder: string,
  scope: string,
  limits: Readonly<Record<string, RateLimit>>,
  clock: Clock,
): Pacer {
  const file = join(folder, 'pace.db');
  const boot = bootId();
  let table = new SqliteFile(file, PACE_TABLE);

  const reserve = (limit: string, { perSecond, burst }: RateLimit, call: Call) =>
    table.write(`wait for a turn under the limit ${limit}`, call, (sql) => {
      const name = `${scope}/${limit}`;
      const row = sql('SELECT next FROM turns WHERE name = ? AND boot = ?').get(name, boot);
      const now = clock.monotonicSeconds();
      const known = Number(row?.next ?? now);
      const next = known > now + LONGEST_QUEUE_SECONDS ? now : Math.max(now, known);
      const waitSeconds = Math.max(0, next - (burst - 1) / perSecond - now);
      if (clock.now().getTime() + waitSeconds * 1000 > call.deadline.getTime()) throw tooLate(limit, waitSeconds);
      sql('INSERT OR REPLACE INTO turns (name, boot, next) VALUES (?, ?, ?)').run(name, boot, next + 1 / perSecond);
      return waitSeconds;
    });
  /** The table is of use for seconds only: a damaged one is made anew. */
  const reserveSurely = async (limit: string, rate: RateLimit, call: Call) => {
    try {
      return await reserve(limit, rate, call);
    } catch (error) {
      if (!ProviderError.is(error) || (error.code !== 'internal' && error.code !== 'unavailable')) throw error;
      table.close();
      // Unavailable: another process was faster and replaced it.
      if (error.code === 'internal') for (const part of ['', '-wal', '-shm']) rmSync(file + part, { force: true });
      table = new SqliteFile(file, PACE_TABLE);
      return reserve(limit, rate, call);
    }
  };

  return {
    async pace(limit, call) {
      const rate = limits[limit];
      if (!rate)
        throw new ProviderError(
          'invalid',
          `there is no rate limit ${limit}: ${Object.keys(limits).join(', ') || 'none is declared'}`,
        );
      const seconds = await reserveSurely(limit, rate, call);
      if (seconds === 0) return;
      await clock.sleep(seconds, call.signal).catch(() => {}); // the abort is told below
      throwIfAborted(call.signal, `wait for a turn under the limit ${limit}`);
    },
    close: () => table.close(),
  };
}

function tooLate(limit: string, seconds: number): ProviderError {
  return new ProviderError(
    'timeout',
    `its turn under the limit ${limit} comes in ${Math.ceil(seconds)} s, after the deadline`,
    {
      effect: 'none',
      retry: 'safe',
      retryAfterSeconds: seconds,
    },
  );
}

/** The monotonic time begins anew with each start of the machine. */
function bootId(): string {
  try {
    return readFileSync('/proc/sys/kernel/random/boot_id', 'utf8').trim();
  } catch {
    return 'unknown'; // then what lies too far ahead is from before the last start
  }
}
