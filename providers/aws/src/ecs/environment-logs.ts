import {
  paginateFilterLogEvents,
  type CloudWatchLogsClient,
  type FilteredLogEvent,
} from '@aws-sdk/client-cloudwatch-logs';
import { ProviderError, type Call, type Host, type LogLine, type LogQuery } from '@clusternator/core/provider';
import type { AwsFoundation } from '../foundation/outputs.ts';
import { isNamed } from '../storage/aws-error.ts';
import { parseStream, streamPrefix } from './log-streams.ts';

const PAUSE_SECONDS = 2;
/** What one task logs may come this much later than what another logged after it. */
const LATE_MILLISECONDS = 10_000;

/** The log of an environment, of all its tasks, in the order of their times. CloudWatch keeps it longer than the environment. */
export class EnvironmentLogs {
  constructor(
    private readonly client: CloudWatchLogsClient,
    private readonly host: Host,
    private readonly foundation: AwsFoundation,
  ) {}

  /**
   * @param runs - Whether the environment is still there: what follows it ends with it.
   * @throws ProviderError `not-found`: it is not there, and never said anything.
   */
  async *read(key: string, query: LogQuery, runs: () => Promise<boolean>, call: Call): AsyncGenerator<LogLine> {
    const { services, since, after, follow } = query;
    const [only] = services?.length === 1 ? services : [];
    const prefix = streamPrefix(key, only);
    let from = after === undefined ? since?.getTime() : parseCursor(after).at;
    /** Told already, of those that the next look finds again: by id, when they were logged. */
    let told: ReadonlyMap<string, number> | undefined;
    let isKnown = since !== undefined || after !== undefined;
    for (;;) {
      const isLast = !follow || !(await runs());
      const events = this.events(prefix, from, call);
      const fresh = told === undefined && after !== undefined ? eventsAfter(events, after) : events;
      const now = new Map(told);
      for await (const event of fresh) {
        isKnown = true;
        const { eventId = '', timestamp = 0 } = event;
        if (now.has(eventId)) continue;
        if (follow) now.set(eventId, timestamp);
        const line = lineOf(event);
        if (services === undefined || services.includes(line.service)) yield line;
      }
      if (isLast && !isKnown && !(await runs())) throw new ProviderError('not-found', `there is no log of ${key}`);
      if (isLast) return;
      const newest = Math.max(from ?? 0, ...now.values());
      const keepFrom = Math.max(from ?? 0, newest - LATE_MILLISECONDS);
      from = keepFrom;
      told = new Map([...now].filter(([, at]) => at >= keepFrom));
      await this.host.sleep(PAUSE_SECONDS, call);
    }
  }

  /** By pages, so that a long log is never held whole. */
  private async *events(
    logStreamNamePrefix: string,
    startTime: number | undefined,
    call: Call,
  ): AsyncGenerator<FilteredLogEvent> {
    const { logGroup: logGroupName } = this.foundation;
    const input = { logGroupName, logStreamNamePrefix, ...(startTime !== undefined && { startTime }) };
    try {
      for await (const { events = [] } of paginateFilterLogEvents({ client: this.client }, input, {
        abortSignal: call.signal,
      })) {
        // Some implementations leave the prefix and the order out of account.
        yield* events
          .filter(({ logStreamName = '' }) => logStreamName.startsWith(logStreamNamePrefix))
          .sort((a, b) => (a.timestamp ?? 0) - (b.timestamp ?? 0));
      }
    } catch (error) {
      if (!isNamed(error, ['ResourceNotFound'])) throw error; // before its first line there is no stream
    }
  }
}

/** Those after the one that a cursor names. Where that is not found any more, all of its time and later. */
async function* eventsAfter(events: AsyncIterable<FilteredLogEvent>, cursor: string): AsyncGenerator<FilteredLogEvent> {
  const { at, id } = parseCursor(cursor);
  let held: FilteredLogEvent[] | undefined = [];
  for await (const event of events) {
    if (held && event.timestamp === at) {
      if (event.eventId === id) held = undefined;
      else held.push(event);
      continue;
    }
    yield* held ?? [];
    held = undefined;
    yield event;
  }
  yield* held ?? [];
}

function lineOf({ timestamp = 0, logStreamName = '', message = '', eventId = '' }: FilteredLogEvent): LogLine {
  return {
    at: new Date(timestamp),
    ...parseStream(logStreamName),
    text: message.replace(/\r?\n$/, ''),
    cursor: `${String(timestamp)}/${eventId}`,
  };
}

function parseCursor(cursor: string): { readonly at: number; readonly id: string } {
  const [at = '0', id = ''] = cursor.split('/');
  return { at: Number(at), id };
}
