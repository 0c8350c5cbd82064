import { ProviderError, type LogLine, type LogQuery } from '@clusternator/core';
import { expect, test } from '@jest/globals';
import { followLogs } from './follow-logs.ts';

const line = (cursor: string): LogLine => ({ at: new Date(0), service: 'api', instance: '1', text: cursor, cursor });
const lost = (): ProviderError => new ProviderError('unavailable', 'the daemon went away');

async function collect(lines: AsyncIterable<LogLine>): Promise<string[]> {
  const all: string[] = [];
  for await (const one of lines) all.push(one.cursor);
  return all;
}

test('a lost connection goes on after the last line that came through', async () => {
  const queries: LogQuery[] = [];
  async function* logs(query: LogQuery): AsyncIterable<LogLine> {
    queries.push(query);
    if (queries.length === 1) {
      yield line('1');
      yield line('2');
      throw lost();
    }
    yield line('3');
  }
  const told: string[] = [];
  const signal = new AbortController().signal;
  expect(await collect(followLogs(logs, { follow: true }, signal, (text) => told.push(text)))).toEqual(['1', '2', '3']);
  expect(queries.map((query) => query.after)).toEqual([undefined, '2']);
  expect(told).toHaveLength(1);
});

test('without --follow a lost connection is an error', async () => {
  async function* logs(): AsyncIterable<LogLine> {
    yield line('1');
    throw lost();
  }
  await expect(collect(followLogs(logs, { follow: false }, new AbortController().signal, () => {}))).rejects.toThrow(
    'went away',
  );
});

test('an environment that is gone is not asked again', async () => {
  let asked = 0;
  // eslint-disable-next-line require-yield -- it fails before its first line
  async function* logs(): AsyncIterable<LogLine> {
    asked += 1;
    throw new ProviderError('not-found', 'no such environment');
  }
  await expect(collect(followLogs(logs, { follow: true }, new AbortController().signal, () => {}))).rejects.toThrow(
    'no such',
  );
  expect(asked).toBe(1);
});

test('Ctrl-C ends it without an error', async () => {
  const controller = new AbortController();
  async function* logs(): AsyncIterable<LogLine> {
    yield line('1');
    controller.abort();
    throw new ProviderError('cancelled', 'interrupted');
  }
  expect(await collect(followLogs(logs, { follow: true }, controller.signal, () => {}))).toEqual(['1']);
});
