import type { EngineEvent } from '@clusternator/core';
import { afterEach, beforeEach, describe, expect, jest, test } from '@jest/globals';
import { stripVTControlCharacters } from 'node:util';
import { FakeStream } from '../testing/stream.ts';
import { progressFor, type Progress } from './progress.ts';

const operation = '01JQ';
const step = (id: string, state: 'started' | 'done' | 'known' | 'failed'): EngineEvent => ({
  type: 'step',
  operation,
  step: id,
  title: `Doing ${id}`,
  state,
});

function scenario(
  terminal: boolean,
  more: { verbose?: boolean; env?: Record<string, string> } = {},
): { stream: FakeStream; progress: Progress } {
  const stream = new FakeStream(terminal);
  const progress = progressFor({
    stream: stream.asOutput(),
    verbose: more.verbose ?? false,
    env: more.env ?? { NO_COLOR: '1' },
    now: () => performance.now(),
  });
  return { stream, progress };
}

beforeEach(() => {
  jest.useFakeTimers();
});
afterEach(() => {
  jest.useRealTimers();
});

describe('without a terminal', () => {
  test('a step is one line when it ends, and one more only when it takes long', () => {
    const { stream, progress } = scenario(false);
    progress.show(step('checkout', 'started'));
    jest.advanceTimersByTime(500);
    progress.show(step('checkout', 'done'));
    progress.show(step('build', 'started'));
    jest.advanceTimersByTime(2500);
    progress.show(step('build', 'failed'));
    progress.show(step('other', 'known'));
    expect(stream.text).toBe(
      '✓ Doing checkout (0.5 s)\n… Doing build\n✗ Doing build (2.5 s)\n✓ Doing other (done before)\n',
    );
    expect(stream.text).not.toContain('\u001b');
  });

  test('a step that was under way when all ended says nothing later', () => {
    const { stream, progress } = scenario(false);
    progress.show(step('build', 'started'));
    progress.stop();
    jest.advanceTimersByTime(5000);
    expect(stream.text).toBe('');
  });

  test('CI is no terminal, whatever it claims', () => {
    const { stream, progress } = scenario(true, { env: { CI: 'true' } });
    progress.show(step('build', 'started'));
    jest.advanceTimersByTime(1500);
    progress.show(step('build', 'done'));
    expect(stripVTControlCharacters(stream.text)).toBe('… Doing build\n✓ Doing build (1.5 s)\n');
  });
});

describe('in a terminal', () => {
  test('a quick step never flickers', () => {
    const { stream, progress } = scenario(true);
    progress.show(step('checkout', 'started'));
    jest.advanceTimersByTime(900);
    progress.show(step('checkout', 'done'));
    progress.stop();
    expect(stream.text).not.toContain('⠙');
    expect(stream.text).toContain('Doing checkout');
  });

  test('slow ones have a line each that is gone in the end, with the cursor back', () => {
    const { stream, progress } = scenario(true);
    progress.show(step('api', 'started'));
    progress.show(step('web', 'started'));
    jest.advanceTimersByTime(1500);
    expect(stream.text).toContain('\u001b[2A\u001b[0J');
    progress.stop();
    expect(stream.text.endsWith('\u001b[2A\u001b[0J\u001b[?25h')).toBe(true);
    const written = stream.text;
    jest.advanceTimersByTime(5000);
    expect(stream.text).toBe(written);
  });

  test('a live line is never wider than the terminal, or redrawing would leave rests', () => {
    const { stream, progress } = scenario(true);
    progress.show({
      type: 'step',
      operation,
      step: 'x',
      title: 'a title that is a good deal wider than forty columns',
      state: 'started',
    });
    progress.show({ type: 'output', operation, source: 'build', text: 'and what the build says comes on top' });
    jest.advanceTimersByTime(1200);
    const lines = stripVTControlCharacters(stream.text)
      .split('\n')
      .map((line) => Array.from(line).length);
    expect(Math.max(...lines)).toBeLessThanOrEqual(39);
  });
});

describe('events beside steps', () => {
  test('warnings are always told, builds and debug lines with --verbose alone', () => {
    const events: EngineEvent[] = [
      { type: 'warning', message: 'submodules are not checked out', hint: 'see the guide' },
      { type: 'output', operation, source: 'api', text: 'npm \u001b[31mnotice' },
      { type: 'log', level: 'debug', message: 'asked', fields: { attempt: 1 } },
      { type: 'operation', operation, kind: 'create', subject: '1a2b', state: 'resumed' },
    ];
    const quiet = scenario(false);
    for (const event of events) quiet.progress.show(event);
    expect(quiet.stream.text).toBe(
      'warning: submodules are not checked out\n  see the guide\nResuming create of 1a2b (operation 01JQ)\n',
    );
    const loud = scenario(false, { verbose: true });
    for (const event of events) loud.progress.show(event);
    expect(loud.stream.text).toContain('api | npm notice\ndebug: asked {"attempt":1}\n');
  });
});
