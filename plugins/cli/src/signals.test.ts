import { expect, test } from '@jest/globals';
import { EventEmitter } from 'node:events';
import { listenForSignals } from './signals.ts';

class FakeProcess extends EventEmitter {
  exited: number[] = [];
  exit(code?: number | string | null): never {
    this.exited.push(Number(code));
    throw new Error('the process ended');
  }
}
const scenario = () => {
  const process = new FakeProcess();
  const heard: string[] = [];
  // EventEmitter's `on` is typed for any event; the signals are among them.
  const interruption = listenForSignals(process as unknown as Parameters<typeof listenForSignals>[0], (signal) =>
    heard.push(signal),
  );
  return { process, heard, interruption };
};

test('the first Ctrl-C aborts and lets the engine finish, the second one ends at once with 130', () => {
  const { process, heard, interruption } = scenario();
  process.emit('SIGINT', 'SIGINT');
  expect(interruption.signal.aborted).toBe(true);
  expect(process.exited).toEqual([]);
  expect(() => process.emit('SIGINT', 'SIGINT')).toThrow('the process ended');
  expect(process.exited).toEqual([130]);
  expect(heard).toEqual(['SIGINT']);
});

test('SIGTERM and a closed terminal are like the first Ctrl-C', () => {
  for (const signal of ['SIGTERM', 'SIGHUP']) {
    const { process, interruption } = scenario();
    process.emit(signal, signal);
    expect(interruption.received()).toBe(true);
  }
});

test('afterwards signals are the process’s own again', () => {
  const { process, interruption } = scenario();
  interruption.dispose();
  expect(process.listenerCount('SIGINT')).toBe(0);
  expect(interruption.received()).toBe(false);
});
