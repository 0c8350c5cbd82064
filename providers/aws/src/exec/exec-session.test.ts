import { afterEach, describe, expect, test } from '@jest/globals';
import type { ExecRequest, ExecSession } from '@clusternator/core';
import type { Faults } from '@clusternator/emulators/agent-channel';
import { ECS_EXEC } from './carrier.ts';
import { openExecSession } from './exec-session.ts';
import { commandLine, newMarker } from './script.ts';
import { agentAt, type Agent } from './testing/agent-at.ts';

let agent: Agent;
afterEach(() => agent.end());

const ERRAND = { what: 'run it', carrier: ECS_EXEC };
const EVERY_BYTE = Buffer.from(Array.from({ length: 256 }, (_, byte) => byte));

interface Setting {
  readonly faults?: Faults;
  readonly terminal?: NonNullable<ExecRequest['terminal']>;
  readonly signal?: AbortSignal;
  readonly line?: string;
  readonly around?: (line: string) => string;
  readonly end?: () => Promise<void>;
}

async function start(command: readonly string[], setting: Setting = {}): Promise<ExecSession> {
  const marker = newMarker();
  const { terminal, end, faults = {}, signal = new AbortController().signal } = setting;
  const { around = (line) => line } = setting;
  agent = await agentAt(setting.line ?? around(commandLine(marker, terminal !== undefined)), faults);
  const request = { command, ...(terminal && { terminal }) };
  return openExecSession({ place: agent.place, marker, request, ...ERRAND, ...(end && { end }) }, signal);
}

async function outputOf(session: ExecSession): Promise<Buffer> {
  return Buffer.concat(await Array.fromAsync(session.output));
}

describe('a command', () => {
  test.each([
    [['printf', '%s|', 'a b', "it's", '"q"', '$x `y`', '*', '', 'é\\0101', 'two\nlines\n']],
    [['printf', '%s', 'x'.repeat(5000)]],
  ])('gets its arguments as they are: %j', async ([program = '', format = '', ...args]) => {
    const session = await start([program, format, ...args]);
    const expected = format === '%s' ? args.join('') : args.map((each) => `${each}|`).join('');
    expect((await outputOf(session)).toString()).toBe(expected);
    expect(await session.exitCode).toBe(0);
  });

  test.each([0, 7, 255])('gives its exit code %d', async (code) => {
    const session = await start(['sh', '-c', `exit ${String(code)}`]);
    expect(await session.exitCode).toBe(code);
  });

  test('that is not there is told in its output, and by 127', async () => {
    const session = await start(['no-such-command']);
    expect((await outputOf(session)).toString()).toContain('not found');
    expect(await session.exitCode).toBe(127);
  });

  test('reads every byte of its input to the end, and no terminal', async () => {
    const session = await start(['sh', '-c', 'test -t 0 || test -t 1 || cat; echo end >&2']);
    const input = Buffer.concat(Array.from({ length: 40 }, () => EVERY_BYTE));
    await session.write(input);
    await session.end();
    expect(await outputOf(session)).toEqual(Buffer.concat([input, Buffer.from('end\n')]));
    expect(await session.exitCode).toBe(0);
  });

  test('answers while its input is open', async () => {
    const session = await start(['sh', '-c', 'while read line; do echo "got $line"; done']);
    const output = session.output[Symbol.asyncIterator]();
    await session.write(Buffer.from('one\n'));
    expect(Buffer.from((await output.next()).value as Uint8Array).toString()).toBe('got one\n');
    await session.end();
    expect(await session.exitCode).toBe(0);
  });

  test('that takes no input ends nevertheless', async () => {
    const session = await start(['true']);
    await session.write(Buffer.alloc(100_000, 'x'));
    await session.end();
    expect(await session.exitCode).toBe(0);
  });

  test('whose output is spoilt on the way is told so', async () => {
    const session = await start(['printf', 'a\u{FFFD}b c d']);
    await expect(outputOf(session)).rejects.toMatchObject({ code: 'damaged' });
    await expect(session.exitCode).rejects.toMatchObject({ code: 'damaged', effect: 'unknown' });
  });

  test('that writes what is almost the sign of its end is no nearer to it', async () => {
    const session = await start([
      'sh',
      '-c',
      'tr "\\0" "\\n" </proc/$PPID/cmdline | tail -n 1 | tr -d "\\n"; printf "12x;"',
    ]);
    expect((await outputOf(session)).toString()).toMatch(/12x;$/);
    expect(await session.exitCode).toBe(0);
  });

  test('ends with the signal', async () => {
    const controller = new AbortController();
    const session = await start(['sh', '-c', 'trap "" HUP TERM; echo $$; sleep 4321'], { signal: controller.signal });
    const output = session.output[Symbol.asyncIterator]();
    const pid = Number(Buffer.from((await output.next()).value as Uint8Array).toString());
    controller.abort();
    await expect(session.exitCode).rejects.toMatchObject({ code: 'cancelled' });
    await expect(output.next()).rejects.toMatchObject({ code: 'cancelled' });
    while (isThere(pid)) await new Promise((resolve) => setTimeout(resolve, 50));
  });

  test('loses nothing where another terminal is between, as sudo may put one', async () => {
    const between = (line: string): string => `script -qec '${line.replaceAll("'", `'\\''`)}' /dev/null`;
    const session = await start(['cat'], { around: between });
    await session.write(EVERY_BYTE);
    await session.end();
    expect(await outputOf(session)).toEqual(EVERY_BYTE);
    expect(await session.exitCode).toBe(0);
  });

  test('in a terminal has one, echoes what is typed, and gives its exit code', async () => {
    const session = await start(['sh', '-c', 'test -t 0 && read line && echo "got $line"; exit 5'], {
      terminal: { columns: 91, rows: 17 },
    });
    await session.resize?.(120, 40);
    await session.write(Buffer.from('hi\r'));
    expect((await outputOf(session)).toString()).toContain('got hi\r\n');
    expect(await session.exitCode).toBe(5);
  });
});

describe('a session that does not end by itself', () => {
  const ended: string[] = [];
  const end = (): Promise<void> => Promise.resolve(void ended.push('ended'));
  afterEach(() => {
    ended.length = 0;
  });

  test('is ended before anybody hears of it', async () => {
    const session = await start(['sh', '-c', 'echo begun; sleep 1000'], { end });
    agent.cut();
    await expect(outputOf(session)).rejects.toMatchObject({ code: 'unavailable', effect: 'unknown' });
    expect(ended).toEqual(['ended']);
    await expect(session.exitCode).rejects.toMatchObject({ code: 'unavailable' });
    expect(ended).toEqual(['ended']);
  });

  test('is ended where it never began', async () => {
    await expect(start(['true'], { end, line: 'echo something is wrong' })).rejects.toMatchObject({ effect: 'none' });
    expect(ended).toEqual(['ended']);
  });

  test('and one that told its exit code is left alone', async () => {
    const session = await start(['sh', '-c', 'exit 4'], { end });
    expect(await session.exitCode).toBe(4);
    expect(ended).toEqual([]);
  });
});

describe('on the way', () => {
  const NUMBERS = Array.from({ length: 5000 }, (_, at) => `${String(at)}\n`).join('');
  const count = ['sh', '-c', 'i=0; while [ $i -lt 5000 ]; do echo $i; i=$((i+1)); done'];

  test.each<[string, Faults]>([
    ['twice', { out: (bytes) => [bytes, bytes] }],
    ['in another order', { out: swapping() }],
    ['broken, at first', { out: breaking() }],
    ['without a handshake', { isWithoutHandshake: true }],
    ['without an acknowledgement, at first', { loses: losing('acknowledge') }],
  ])('messages come %s', async (_, faults) => {
    const session = await start(count, { faults });
    expect((await outputOf(session)).toString()).toBe(NUMBERS);
    expect(await session.exitCode).toBe(0);
  });

  test('input that is lost is sent again', async () => {
    const session = await start(['cat'], { faults: { loses: losing('input_stream_data') } });
    await session.write(EVERY_BYTE);
    await session.end();
    expect(await outputOf(session)).toEqual(EVERY_BYTE);
  });

  test('a connection that is cut leaves what was done unknown', async () => {
    const session = await start(['sh', '-c', 'echo begun; sleep 1000']);
    const output = session.output[Symbol.asyncIterator]();
    expect(Buffer.from((await output.next()).value as Uint8Array).toString()).toBe('begun\n');
    agent.cut();
    await expect(session.exitCode).rejects.toMatchObject({ code: 'unavailable', effect: 'unknown' });
  });

  test('an end without an exit code is none', async () => {
    const session = await start(['sh', '-c', 'kill -9 $PPID 0']);
    await expect(session.exitCode).rejects.toMatchObject({ code: 'unavailable', effect: 'unknown' });
  });
});

describe('there is no session', () => {
  test('where the image lacks a program', async () => {
    const line = `/bin/sh -c 'printf "%s!%s;" "$1" stty' sh `;
    const marker = newMarker();
    agent = await agentAt(line + marker);
    const request = { command: ['true'] };
    const opening = openExecSession({ place: agent.place, marker, request, ...ERRAND }, AbortSignal.timeout(10_000));
    await expect(opening).rejects.toMatchObject({ code: 'unsupported', message: expect.stringContaining('no stty') });
  });

  test('where the agent asks for what we do not have', async () => {
    const actions = [{ ActionType: 'KMSEncryption', ActionParameters: { KMSKeyId: 'key' } }];
    await expect(start(['true'], { faults: { actions } })).rejects.toMatchObject({ code: 'unsupported' });
  });

  test('where nobody listens', async () => {
    agent = await agentAt('true');
    await agent.end();
    const opening = { place: agent.place, marker: newMarker(), request: { command: ['true'] }, ...ERRAND };
    agent = await agentAt('true');
    await expect(openExecSession(opening, AbortSignal.timeout(10_000))).rejects.toMatchObject({
      code: 'unavailable',
      effect: 'none',
    });
  });

  test('where the command ends before it begins', async () => {
    await expect(start(['true'], { line: 'echo something is wrong' })).rejects.toMatchObject({
      code: 'unavailable',
      effect: 'none',
      message: expect.stringContaining('something is wrong'),
    });
  });
});

function isThere(pid: number): boolean {
  try {
    return process.kill(pid, 0);
  } catch {
    return false;
  }
}

/** Each second message before the one before it. */
function swapping(): NonNullable<Faults['out']> {
  let held: Buffer | undefined;
  return (bytes) => {
    const before = held;
    held = before ? undefined : bytes;
    return before ? [bytes, before] : [];
  };
}

/** The first time that it is sent. */
function breaking(): NonNullable<Faults['out']> {
  const seen = new Set<string>();
  return (bytes) => {
    const sequence = bytes.toString('hex', 48, 56);
    if (seen.has(sequence) || seen.size > 4) return [bytes];
    seen.add(sequence);
    // The handshake has to come through, or it is no session.
    if (seen.size < 3) return [bytes];
    const broken = Buffer.from(bytes);
    broken[broken.length - 1]! ^= 1;
    return [broken];
  };
}

function losing(type: string): NonNullable<Faults['loses']> {
  let left = 3;
  return (message) => message.type === type && left-- > 0;
}
