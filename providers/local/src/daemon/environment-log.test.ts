import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import { appendFileSync, mkdtempSync, readdirSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { EnvironmentLog, type LogRequest } from './environment-log.ts';
import { LineSplitter } from './log-lines.ts';

let folder: string;
beforeEach(() => {
  folder = mkdtempSync(path.join(tmpdir(), 'log-'));
});
afterEach(() => {
  rmSync(folder, { recursive: true });
});

const all = async (log: EnvironmentLog, request: Partial<LogRequest> = {}): Promise<string[]> =>
  (await Array.fromAsync(log.read({ follow: false, ...request }, new AbortController().signal))).map(
    ({ service, text }) => `${service} ${text}`,
  );

test('lines of several services come in their order, and after a cursor', async () => {
  const log = new EnvironmentLog(folder, ['a', 'b']);
  log.append('a', '0', ['1', '2']);
  log.append('b', '0', ['3']);
  log.append('a', '1', ['4']);
  expect(await all(log)).toEqual(['a 1', 'a 2', 'b 3', 'a 4']);
  expect(await all(log, { services: ['b'] })).toEqual(['b 3']);
  const lines = await Array.fromAsync(log.read({ follow: false }, new AbortController().signal));
  expect(await all(log, { after: lines[1]?.cursor ?? '' })).toEqual(['b 3', 'a 4']);
  expect(new Set(lines.map((line) => line.cursor)).size).toBe(4);
});

test('what is hidden is neither kept nor in the tail', async () => {
  const log = new EnvironmentLog(folder, ['a']);
  log.hide(['s3cr3t', 'two\nlines']);
  log.append('a', '0', ['key=s3cr3t', 'lines']);
  expect(await all(log)).toEqual(['a key=[secret]', 'a [secret]']);
  expect(log.tail('a', 1)).toEqual(['[secret]']);
});

test('cursors go on rising after a restart, also when the last line was cut short', async () => {
  const before = new EnvironmentLog(folder, ['a']);
  before.append('a', '0', ['1']);
  before.close();
  const farAhead = String(Date.now() * 1000 + 1e12);
  appendFileSync(path.join(folder, 'a.log'), `${farAhead} ${new Date().toISOString()} 0 - ahead\n123 20`);
  const after = new EnvironmentLog(folder, ['a']);
  appendFileSync(path.join(folder, 'a.log'), '\n');
  after.append('a', '0', ['2']);
  expect(await all(after)).toEqual(['a 1', 'a ahead', 'a 2']);
  expect(await all(after, { after: farAhead })).toEqual(['a 2']);
  expect(after.tail('a', 2)).toEqual(['ahead', '2']);
});

test('a chatty service stays within its bound, and a follower sees each line of it once', async () => {
  const log = new EnvironmentLog(folder, ['a'], 20_000);
  const abort = new AbortController();
  const seen: string[] = [];
  const following = (async (): Promise<void> => {
    for await (const line of log.read({ follow: true }, abort.signal)) seen.push(line.text);
  })();
  for (let i = 0; i < 3000; i++) {
    log.append('a', '0', [`line ${String(i)}`]);
    if (i % 50 === 0) await new Promise(setImmediate);
  }
  log.append('a', '0', ['the end']);
  while (seen.at(-1) !== 'the end') await new Promise(setImmediate);
  abort.abort();
  await following;
  expect(seen).toEqual([...Array.from({ length: 3000 }, (_, i) => `line ${String(i)}`), 'the end']);
  const sizes = readdirSync(folder).map((name) => statSync(path.join(folder, name)).size);
  expect(sizes).toHaveLength(2);
  expect(Math.max(...sizes)).toBeLessThanOrEqual(20_100);
  expect((await all(log)).at(-1)).toBe('a the end');
});

test('closing ends who follows', async () => {
  const log = new EnvironmentLog(folder, ['a']);
  log.append('a', '0', ['1']);
  const following = all(log, { follow: true });
  log.close();
  expect(await following).toEqual(['a 1']);
});

describe('lines are cut from whatever pieces come', () => {
  test('in the middle of a character, of a line end', () => {
    const splitter = new LineSplitter();
    const bytes = Buffer.from('één\r\ntwee\nno end');
    const lines = [...bytes].flatMap((byte) => splitter.write(Buffer.from([byte])));
    expect([...lines, ...splitter.end()]).toEqual(['één', 'twee', 'no end']);
  });

  test('a line without end is told in pieces, and nothing of it is lost', () => {
    const splitter = new LineSplitter();
    const lines = Array.from({ length: 10 }, () => splitter.write(Buffer.alloc(10_000, 'x'))).flat();
    lines.push(...splitter.end());
    expect(lines.join('')).toBe('x'.repeat(100_000));
    expect(Math.max(...lines.map((line) => line.length))).toBeLessThanOrEqual(16 * 1024);
  });
});
