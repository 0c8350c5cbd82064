import { expect, test } from '@jest/globals';
import { ProviderError } from '../provider/error.ts';
import { testCall } from '../state/testing/call.ts';
import { withCall } from './call.ts';
import { pollUntilSettled, type Polled } from './poll.ts';
import { VirtualClock } from './testing/virtual-clock.ts';

test('asks quickly at first, then ever more slowly, until it has settled', async () => {
  const clock = new VirtualClock();
  const askedAt: number[] = [];
  const ask = async (): Promise<Polled> => {
    askedAt.push(clock.now().getTime());
    return { phase: askedAt.length < 30 ? 'creating' : 'active' };
  };
  const polling = pollUntilSettled(ask, { clock, call: testCall(), doing: 'start' });
  await clock.advance(120);
  expect(await polling).toEqual({ phase: 'active' });
  const pauses = askedAt.slice(1).map((at, index) => at - askedAt[index]!);
  expect(pauses[0]).toBeLessThanOrEqual(50);
  expect(Math.max(...pauses)).toBe(2000);
  expect(pauses).toEqual([...pauses].sort((a, b) => a - b));
});

test('uses one token throughout, and tells what it waits for once', async () => {
  const clock = new VirtualClock();
  const [told, tokens]: [string[], Set<string>] = [[], new Set()];
  const messages = ['pulling', 'pulling', 'starting', undefined, 'starting'];
  const progress = ({ message }: { message: string }) => void told.push(message);
  const parts = {
    clock,
    signal: new AbortController().signal,
    operation: 'o',
    doing: 'start',
    deadlineSeconds: 60,
    progress,
  };
  const polling = withCall(parts, (call) => {
    const ask = async (): Promise<Polled> => {
      tokens.add(call.token());
      const message = messages.shift();
      return { phase: messages.length > 0 ? 'creating' : 'failed', ...(message && { message }) };
    };
    return pollUntilSettled(ask, { clock, call, doing: 'start' });
  });
  await clock.advance(30);
  expect((await polling).phase).toBe('failed');
  expect(tokens.size).toBe(1);
  expect(told).toEqual(['pulling', 'starting']);
});

test('at the deadline it says what it waited for', async () => {
  const clock = new VirtualClock();
  const parts = { clock, signal: new AbortController().signal, operation: 'o', doing: 'start', deadlineSeconds: 10 };
  const polling = withCall(parts, (call) =>
    pollUntilSettled(async (): Promise<Polled> => ({ phase: 'creating', message: 'api is not healthy' }), {
      clock,
      call,
      doing: 'start',
    }),
  );
  const failed = polling.catch((error: unknown) => error);
  await clock.advance(10);
  expect(await failed).toMatchObject({ code: 'timeout', effect: 'unknown' });
  expect((await failed) as Error).toHaveProperty('message', expect.stringContaining('api is not healthy'));
});

test('an error of what is asked ends it', async () => {
  const ask = () => Promise.reject(new ProviderError('denied', 'no'));
  const polling = pollUntilSettled(ask, { clock: new VirtualClock(), call: testCall(), doing: 'start' });
  await expect(polling).rejects.toMatchObject({ code: 'denied' });
});
