import { afterEach, beforeEach, expect, jest, test } from '@jest/globals';
import { decodeMessage } from './agent-message.ts';
import { Outbox } from './outbox.ts';

const SECOND = 1000;
let sent: { readonly sequence: number; readonly text: string }[];
let isLost: boolean;
let outbox: Outbox;

beforeEach(() => {
  jest.useFakeTimers();
  sent = [];
  isLost = false;
  outbox = new Outbox(
    (bytes) => {
      const { sequence, payload } = decodeMessage(bytes);
      sent.push({ sequence, text: payload.toString() });
    },
    () => (isLost = true),
  );
});
afterEach(() => {
  outbox.close();
  jest.useRealTimers();
});

test('nothing is sent during a pause, nor again', async () => {
  await outbox.send(1, Buffer.from('a'));
  outbox.pause(true);
  const later = outbox.send(1, Buffer.from('b'));
  await jest.advanceTimersByTimeAsync(100 * SECOND);
  expect(sent).toEqual([{ sequence: 0, text: 'a' }]);
  expect(isLost).toBe(false);
  outbox.pause(false);
  await later;
  expect(sent.at(-1)).toEqual({ sequence: 1, text: 'b' });
});

test('the oldest is sent again until it is acknowledged', async () => {
  void outbox.send(1, Buffer.from('a'));
  void outbox.send(1, Buffer.from('b'));
  await jest.advanceTimersByTimeAsync(1.5 * SECOND);
  expect(sent.map(({ text }) => text)).toEqual(['a', 'b', 'a']);
  outbox.acknowledge(0);
  outbox.acknowledge(1);
  await jest.advanceTimersByTimeAsync(100 * SECOND);
  expect(sent).toHaveLength(3);
  expect(isLost).toBe(false);
});

test('what nobody acknowledges for a minute is lost', async () => {
  await outbox.send(1, Buffer.from('a'));
  await jest.advanceTimersByTimeAsync(59 * SECOND);
  expect(isLost).toBe(false);
  await jest.advanceTimersByTimeAsync(3 * SECOND);
  expect(isLost).toBe(true);
});

test('no more than 64 are on their way, in order', async () => {
  const all = Array.from({ length: 70 }, (_, at) => outbox.send(1, Buffer.from(String(at))));
  await jest.advanceTimersByTimeAsync(0.5 * SECOND);
  expect(sent).toHaveLength(64);
  for (let at = 0; at < 10; at += 1) outbox.acknowledge(at);
  await jest.advanceTimersByTimeAsync(0.1 * SECOND);
  await Promise.all(all);
  expect(sent.map(({ text }) => text)).toEqual(all.map((_, at) => String(at)));
});
