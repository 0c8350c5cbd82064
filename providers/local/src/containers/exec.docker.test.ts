import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import type { InstanceSpec } from './instance.ts';
import type { ContainerExecSession } from './exec.ts';
import { eventually, harness, type Harness } from './testing/harness.ts';

let h: Harness;
let spec: InstanceSpec;
beforeAll(async () => {
  h = await harness();
  spec = h.spec();
  await h.runtime.ensure(spec, h.signal);
});
afterAll(() => h.close());

const start = (command: readonly string[], terminal?: { columns: number; rows: number }, signal = h.signal) =>
  h.runtime.exec(h.nameOf(spec), terminal ? { command, terminal } : { command }, signal);

async function outputOf(session: ContainerExecSession): Promise<string> {
  const parts: Uint8Array[] = [];
  for await (const part of session.output) parts.push(part);
  return Buffer.concat(parts).toString();
}
/** The processes in the container whose command line holds this. */
async function processes(text: string): Promise<string[]> {
  const { Processes } = (await h.docker.getContainer(h.nameOf(spec)).top()) as { Processes: string[][] };
  return Processes.map((row) => row.at(-1) ?? '').filter((line) => line.includes(text));
}

describe('a command in a container', () => {
  test('gives its output and exit code', async () => {
    const session = await start(['sh', '-c', 'echo out; echo err >&2; exit 7']);
    expect((await outputOf(session)).split('\n').sort()).toEqual(['', 'err', 'out']);
    expect(await session.exitCode).toBe(7);
  });

  test('reads its input to the end', async () => {
    const session = await start(['wc', '-c']);
    await session.write(Buffer.alloc(300_000, 'x'));
    await session.end();
    expect((await outputOf(session)).trim()).toBe('300000');
    expect(await session.exitCode).toBe(0);
  });

  test('gives its exit code also when nobody reads what it writes', async () => {
    expect(await (await start(['false'])).exitCode).toBe(1);
  });

  test('has a terminal of the size that was asked for, and takes another', async () => {
    const session = await start(['sh', '-c', 'stty size; read line; stty size; tty'], { columns: 91, rows: 17 });
    await session.resize(120, 40);
    await session.write(Buffer.from('\n'));
    const output = await outputOf(session);
    expect(output).toContain('40 120');
    expect(output).toContain('/dev/pts/');
    expect(await session.exitCode).toBe(0);
  });

  test('moves much, as it is', async () => {
    const session = await start(['sh', '-c', 'head -c 20000000 /dev/urandom | tee /tmp/x; sha256sum /tmp/x >&2']);
    const output = await outputOf(session);
    expect(output.length).toBeGreaterThan(1_000_000);
    expect(await session.exitCode).toBe(0);
  });

  test('that is not there is told in its output', async () => {
    const session = await start(['no-such-command']);
    expect(await outputOf(session)).toContain('not found');
    expect([126, 127]).toContain(await session.exitCode);
  });

  test.each([
    ['', ['sleep', '4321'], undefined],
    [' with a terminal', ['sh', '-c', 'sleep 4321; true'], { columns: 80, rows: 24 }],
    [' that takes no polite signal', ['sh', '-c', "trap '' HUP TERM; sleep 4321; true"], undefined],
  ])('ends with the signal%s', async (_, command, terminal) => {
    const controller = new AbortController();
    const session = await start(command, terminal, controller.signal);
    await eventually(
      () => processes('4321'),
      (found) => found.length > 0,
    );
    controller.abort();
    await expect(session.exitCode).rejects.toMatchObject({ code: 'cancelled' });
    await expect(outputOf(session)).rejects.toMatchObject({ code: 'cancelled' });
    await eventually(
      () => processes('4321'),
      (found) => found.length === 0,
    );
  });

  test('ends with the container', async () => {
    const mortal = h.spec({ service: 'mortal' });
    await h.runtime.ensure(mortal, h.signal);
    const session = await h.runtime.exec(h.nameOf(mortal), { command: ['sleep', '1000'] }, h.signal);
    await h.runtime.stop(h.nameOf(mortal), 0, h.signal);
    expect([126, 137]).toContain(await session.exitCode); // before it had begun, or killed
  });

  test('needs a container that runs', async () => {
    const stopped = h.spec({ service: 'stopped' });
    await h.runtime.ensure(stopped, h.signal);
    await h.runtime.stop(h.nameOf(stopped), 0, h.signal);
    await expect(h.runtime.exec(h.nameOf(stopped), { command: ['true'] }, h.signal)).rejects.toMatchObject({
      code: 'conflict',
    });
    const none = h.nameOf(h.spec({ service: 'none' }));
    await expect(h.runtime.exec(none, { command: ['true'] }, h.signal)).rejects.toMatchObject({ code: 'not-found' });
  });
});
