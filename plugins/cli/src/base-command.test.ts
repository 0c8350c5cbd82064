import { ProviderError } from '@clusternator/core';
import { afterEach, beforeEach, describe, expect, jest, test } from '@jest/globals';
import { Config, Flags } from '@oclif/core';
import { join } from 'node:path';
import { BaseCommand, type JsonDocument } from './base-command.ts';

let act: (command: Probe) => unknown;

class Probe extends BaseCommand<typeof Probe> {
  static override id = 'probe';
  static override takesRest = true;
  static override flags = { count: Flags.integer({ min: 1 }) };

  async run(): Promise<object> {
    return { got: (await act(this)) ?? null, rest: this.rest };
  }
  tell(...lines: string[]): void {
    this.say(...lines);
    this.note('beside it');
  }
  fail(operation: string): never {
    this.follow({ type: 'warning', message: 'mind the gap' });
    this.follow({ type: 'operation', operation, kind: 'create', subject: '1a', state: 'failed' });
    throw new ProviderError('timeout', 'service web did not answer', {
      hint: 'look at its logs',
      path: 'services.web',
    });
  }
  finish(code: number): void {
    this.endWith(code);
  }
  protected override async aftermath(): Promise<string[]> {
    return ['To go on: clusternator op resume 01JQ'];
  }
}

const output = { stdout: '', stderr: '' };
beforeEach(() => {
  Object.assign(output, { stdout: '', stderr: '' });
  for (const name of ['stdout', 'stderr'] as const) {
    jest.spyOn(process[name], 'write').mockImplementation((text) => {
      // Node's own warnings about jest's modules come whenever they like.
      if (!/^\((?:node:|Use)/.test(String(text))) output[name] += String(text);
      return true;
    });
  }
  process.exitCode = undefined;
});
afterEach(() => {
  jest.restoreAllMocks();
  process.exitCode = undefined;
});

async function run(argv: string[], what: (command: Probe) => unknown): Promise<typeof process.exitCode> {
  act = what;
  const pjson = { name: 'clusternator', version: '0.0.0', oclif: { bin: 'clusternator' } };
  const config = await Config.load({
    root: join(import.meta.dirname, 'testing'),
    pjson,
    userPlugins: false,
    devPlugins: false,
  });
  await Probe.run(argv, config);
  return process.exitCode;
}
// The test's own reading of what was printed: one document, and nothing beside it.
const document = (): JsonDocument => JSON.parse(output.stdout) as JsonDocument;

describe('an answer', () => {
  test('for people goes to standard output, and what is beside it to the error stream', async () => {
    expect(await run([], (command) => command.tell('a', 'b'))).toBe(0);
    expect(output.stdout).toBe('a\nb\n');
    expect(output.stderr).toBe('beside it\n');
  });

  test('for programs is one document and nothing else', async () => {
    expect(await run(['--json'], (command) => command.tell('a'))).toBe(0);
    expect(document()).toEqual({ ok: true, data: { got: null, rest: [] }, warnings: [] });
    expect(output.stderr).toBe('');
  });

  test('that is bad news although nothing failed is not ok, but differences are', async () => {
    expect(await run(['--json'], (command) => command.finish(2))).toBe(2);
    expect(document().ok).toBe(false);
    output.stdout = '';
    expect(await run(['--json'], (command) => command.finish(10))).toBe(10);
    expect(document().ok).toBe(true);
  });
});

describe('a failure', () => {
  test('tells people what happened, the way out, and what goes on', async () => {
    expect(await run([], (command) => command.fail('01JQ'))).toBe(5);
    expect(output.stdout).toBe('');
    expect(output.stderr).toContain('warning: mind the gap\n');
    expect(output.stderr).toContain('Error: service web did not answer (at services.web)\n');
    expect(output.stderr).toContain('Try: look at its logs\n');
    expect(output.stderr).toContain('To go on: clusternator op resume 01JQ\n');
  });

  test('is a document for programs, with the same exit code', async () => {
    expect(await run(['--json'], (command) => command.fail('01JQ'))).toBe(5);
    expect(document()).toEqual({
      ok: false,
      data: null,
      operation: '01JQ',
      warnings: ['mind the gap'],
      error: { code: 'timeout', message: 'service web did not answer', hint: 'look at its logs', path: 'services.web' },
    });
  });

  test('of a flag is wrong usage, also as a document', async () => {
    expect(await run(['--json', '--cuont', '1'], () => 1)).toBe(2);
    expect(document()).toMatchObject({ ok: false, error: { code: 'invalid', message: 'Nonexistent flag: --cuont' } });
  });
});

test('what follows -- is not ours, whatever it looks like', async () => {
  expect(await run(['--json', '--', 'ls', '--json', '--verbose', '-C'], () => 1)).toBe(0);
  expect(document().data).toEqual({ got: 1, rest: ['ls', '--json', '--verbose', '-C'] });
  output.stdout = '';
  await run(['--', 'ls', '--json'], () => 1);
  expect(output.stdout).toBe('');
});

test('signals are listened to while a command runs, and no longer', async () => {
  const before = process.listenerCount('SIGINT');
  await run([], () => {
    expect(process.listenerCount('SIGINT')).toBe(before + 1);
  });
  expect(process.listenerCount('SIGINT')).toBe(before);
});
