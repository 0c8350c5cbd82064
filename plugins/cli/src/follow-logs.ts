import { ProviderError, type LogLine, type LogQuery } from '@clusternator/core';
import { setTimeout as sleep } from 'node:timers/promises';

const FIRST_WAIT_MS = 500;
const LONGEST_WAIT_MS = 10_000;
const LOST: ReadonlySet<string> = new Set(['unavailable', 'timeout', 'throttled']);

/**
 * Lines of logs. While it follows, a lost connection is made again and goes on after the last line that came through, so that none is
 * missed and none is printed twice.
 */
export async function* followLogs(
  logs: (query: LogQuery) => AsyncIterable<LogLine>,
  query: LogQuery,
  signal: AbortSignal,
  tell: (note: string) => void,
): AsyncIterable<LogLine> {
  let after = query.after;
  let wait = FIRST_WAIT_MS;
  const isOver = (): boolean => signal.aborted;
  for (;;) {
    try {
      for await (const line of logs({ ...query, ...(after === undefined ? {} : { after }) })) {
        after = line.cursor;
        wait = FIRST_WAIT_MS;
        yield line;
      }
      return;
    } catch (error) {
      // Ctrl-C is how following ends.
      if (isOver()) return;
      if (!query.follow || !ProviderError.is(error) || !LOST.has(error.code)) throw error;
      tell(`The connection to the logs was lost (${error.message}); trying again.`);
      await sleep(wait, undefined, { signal }).catch(() => {});
      if (isOver()) return;
      wait = Math.min(wait * 2, LONGEST_WAIT_MS);
    }
  }
}
