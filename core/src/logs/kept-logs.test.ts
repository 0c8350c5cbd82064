import { afterEach, beforeEach, expect, test } from '@jest/globals';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { appendFileSync, mkdirSync, mkdtempSync, readdirSync, rmSync, statSync, utimesSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { KeptLogs, type Keeping } from './kept-logs.ts';
import { lineOf } from './testing/lines.ts';

const MIB = 2 ** 20;
let root: string;
beforeEach(() => {
  root = mkdtempSync(join(tmpdir(), 'clusternator logs '));
});
afterEach(() => {
  rmSync(root, { recursive: true });
});

const PLENTY = (): number => 2 ** 40;
const keeping = (id: string, endedAt: number, maxBytes = 100 * MIB): Keeping => ({
  id,
  endedAt: new Date(endedAt),
  until: new Date(endedAt + 1000),
  maxBytes,
});
const upTo = (lines: number): string[] => Array.from({ length: lines }, (_, at) => String(at + 1));

function keep(logs: KeptLogs, about: Keeping, from: number, to: number) {
  const writer = logs.open(about);
  for (let number = from; number <= to; number++) writer.append(lineOf(number));
  writer.close();
  return writer;
}
async function cursors(logs: KeptLogs, id: string): Promise<string[]> {
  return (await Array.fromAsync(logs.read({ id }, {}))).map(({ cursor }) => cursor);
}
const bytesIn = (logs: KeptLogs): number =>
  logs
    .list()
    .flatMap(({ segments }) => segments)
    .reduce((sum, { bytes }) => sum + bytes, 0);

test('what is opened again goes on where it was, and keeps its date', async () => {
  const logs = new KeptLogs(root, PLENTY);
  keep(logs, keeping('aaaaaaaaaaaa-1', 0), 1, 3);
  const writer = keep(logs, keeping('aaaaaaaaaaaa-1', 500), 3, 5);
  expect(writer.until).toEqual(new Date(1000));
  expect(await cursors(logs, 'aaaaaaaaaaaa-1')).toEqual(upTo(5));
  const [line] = await Array.fromAsync(logs.read({ id: 'aaaaaaaaaaaa-1' }, {}));
  expect(line).toEqual(lineOf(1));
});

test('a line that was cut short is written anew', async () => {
  const logs = new KeptLogs(root, PLENTY);
  const id = 'aaaaaaaaaaaa-master-ab12-1';
  keep(logs, keeping(id, 0), 1, 100);
  const [segment] = logs.list()[0]?.segments ?? [];
  appendFileSync(segment?.file ?? '', JSON.stringify(lineOf(101)).slice(0, 700));
  expect(logs.open(keeping(id, 0)).cursor).toBe('100');
  keep(logs, keeping(id, 0), 101, 102);
  expect(await cursors(logs, id)).toEqual(upTo(102));
  expect(logs.livesOf('aaaaaaaaaaaa@master.ab12')).toHaveLength(1);
});

test('a process that is killed again and again loses no line and writes none twice', async () => {
  const id = 'aaaaaaaaaaaa-1';
  const program = fileURLToPath(new URL('./testing/keeper-process.ts', import.meta.url));
  const flags = ['--experimental-transform-types', '--disable-warning=ExperimentalWarning'];
  const lines = 6000;
  let kills = 0;
  for (let dots = 3; ; dots += 13) {
    const child = spawn(process.execPath, [...flags, program, root, id, String(lines)], {
      stdio: ['ignore', 'pipe', 'inherit'],
    });
    let seen = 0;
    child.stdout.on('data', (bytes: Buffer) => {
      seen += bytes.length;
      if (seen >= dots) child.kill('SIGKILL');
    });
    const [code] = await once(child, 'exit');
    if (code === 0) break;
    kills++;
  }
  expect(kills).toBeGreaterThan(2);
  expect(await cursors(new KeptLogs(root, PLENTY), id)).toEqual(upTo(lines));
}, 60_000);

test('what is oldest goes when the budget is reached, and never what was just written', async () => {
  const logs = new KeptLogs(root, PLENTY);
  keep(logs, keeping('aaaaaaaaaaaa-1', 1, 4 * MIB), 1, 1000);
  keep(logs, keeping('bbbbbbbbbbbb-1', 2, 4 * MIB), 1, 1000);
  expect((await cursors(logs, 'aaaaaaaaaaaa-1'))[0]).toBe('1');
  keep(logs, keeping('cccccccccccc-1', 3, 4 * MIB), 1, 1500);
  expect(bytesIn(logs)).toBeLessThanOrEqual(4 * MIB);
  expect(logs.list().map(({ environment }) => environment)).not.toContain('aaaaaaaaaaaa');
  expect(await cursors(logs, 'cccccccccccc-1')).toEqual(upTo(1500));
  // One that is larger than all of the budget keeps its end.
  keep(logs, keeping('dddddddddddd-1', 4, 4 * MIB), 1, 10_000);
  expect(logs.list().map(({ environment }) => environment)).toEqual(['dddddddddddd']);
  expect(bytesIn(logs)).toBeLessThanOrEqual(4 * MIB);
  const left = await cursors(logs, 'dddddddddddd-1');
  expect(left).toEqual(upTo(10_000).slice(-left.length));
  expect(left.length).toBeGreaterThan(1500);
});

test('a disk that is nearly full loses older logs, and then lines', async () => {
  let spare = 10 * MIB;
  const logs: KeptLogs = new KeptLogs(root, (): number => spare - bytesIn(logs));
  keep(logs, keeping('aaaaaaaaaaaa-1', 1), 1, 3000);
  keep(logs, keeping('bbbbbbbbbbbb-1', 2), 1, 3000);
  expect(logs.list()).toHaveLength(2);
  spare = 5 * MIB;
  expect(keep(logs, keeping('cccccccccccc-1', 3), 1, 10).lacksLines).toBe(false);
  expect(logs.list().map(({ environment }) => environment)).toEqual(['cccccccccccc']);
  spare = 0;
  expect(keep(logs, keeping('dddddddddddd-1', 4), 1, 10).lacksLines).toBe(true);
  expect(bytesIn(logs)).toBe(0);
});

test('a smaller budget cuts what is oldest', async () => {
  const logs = new KeptLogs(root, PLENTY);
  keep(logs, keeping('aaaaaaaaaaaa-1', 1), 1, 100);
  keep(logs, keeping('bbbbbbbbbbbb-1', 2, 4 * MIB), 1, 2000);
  expect(logs.excess(10 * MIB).size).toBe(0);
  for (const [log, segments] of logs.excess(MIB)) logs.cut(log, segments);
  expect(readdirSync(root)).toEqual(['bbbbbbbbbbbb-1']);
  expect(bytesIn(logs)).toBeLessThanOrEqual(MIB);
  expect((await cursors(logs, 'bbbbbbbbbbbb-1')).at(-1)).toBe('2000');
});

test('only their owner can read them', () => {
  const logs = new KeptLogs(join(root, 'logs'), PLENTY);
  keep(logs, keeping('aaaaaaaaaaaa-1', 1), 1, 1);
  const [log] = logs.list();
  expect(statSync(join(root, 'logs', 'aaaaaaaaaaaa-1')).mode & 0o777).toBe(0o700);
  expect(statSync(log?.segments[0]?.file ?? '').mode & 0o777).toBe(0o600);
});

test('a log that goes while it is read ends early', async () => {
  const logs = new KeptLogs(root, PLENTY);
  keep(logs, keeping('aaaaaaaaaaaa-1', 1), 1, 4000);
  const read: string[] = [];
  for await (const { cursor } of logs.read({ id: 'aaaaaaaaaaaa-1' }, {})) {
    if (cursor === '1') logs.remove({ id: 'aaaaaaaaaaaa-1' });
    read.push(cursor);
  }
  expect(read).toEqual(upTo(read.length));
  expect(read.length).toBeLessThan(4000);
});

test('what was begun and never said what it is counts as half made after an hour', () => {
  const logs = new KeptLogs(root, PLENTY);
  mkdirSync(join(root, 'aaaaaaaaaaaa-1'));
  expect(logs.list()).toEqual([]);
  expect(logs.halfMade(new Date())).toEqual([]);
  utimesSync(join(root, 'aaaaaaaaaaaa-1'), 0, 0);
  expect(logs.halfMade(new Date())).toEqual(['aaaaaaaaaaaa-1']);
});
