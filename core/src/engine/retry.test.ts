import { describe, expect, test } from '@jest/globals';
import { type ErrorCode, type ErrorDetail, ProviderError } from '../provider/error.ts';
import { testCall } from '../state/testing/call.ts';
import { retrying, type RetryPolicy } from './retry.ts';
import { VirtualClock } from './testing/virtual-clock.ts';

/** Answers in turn; a ProviderError is thrown. */
function scenario(answers: readonly unknown[], more: Partial<RetryPolicy<unknown>> = {}, seconds = 1000) {
  const clock = new VirtualClock();
  const abort = new AbortController();
  const call = { ...testCall(abort.signal), deadline: new Date(clock.now().getTime() + seconds * 1000) };
  const sentAt: number[] = [];
  const begin = clock.monotonicSeconds();
  const result = retrying(
    async (attempt) => {
      sentAt.push(clock.monotonicSeconds() - begin);
      const answer = answers[attempt - 1];
      if (ProviderError.is(answer)) throw answer;
      return answer;
    },
    { clock, call, doing: 'make a lamp', random: () => 0.5, ...more },
  );
  const settled = result.then(
    (value) => ({ value }),
    (error: unknown) => ({ error: error as ProviderError }),
  );
  return { clock, abort, sentAt, settled };
}
const error = (code: ErrorCode, detail?: ErrorDetail) => new ProviderError(code, code, detail);
const safe = (detail?: ErrorDetail) => error('throttled', detail);

describe('safe errors', () => {
  test('are tried again, with pauses that grow', async () => {
    const { clock, settled, sentAt } = scenario([safe(), safe(), safe(), 'lamp']);
    await clock.advance(100);
    expect(await settled).toEqual({ value: 'lamp' });
    expect(sentAt).toEqual([0, 0.25, 0.75, 1.75]);
  });

  test('are tried as often as allowed', async () => {
    const { clock, settled, sentAt } = scenario(
      Array.from({ length: 9 }, () => safe()),
      { attempts: 3 },
    );
    await clock.advance(100);
    expect(await settled).toMatchObject({ error: { code: 'throttled' } });
    expect(sentAt).toHaveLength(3);
  });

  test('wait no shorter than the cloud asks', async () => {
    const { clock, settled, sentAt } = scenario([safe({ retryAfterSeconds: 30 }), 'lamp'], { random: () => 0 });
    await clock.advance(29.9);
    expect(sentAt).toHaveLength(1);
    await clock.advance(0.2);
    expect(await settled).toEqual({ value: 'lamp' });
  });

  test('that ask to wait past the deadline fail at once', async () => {
    const { settled, sentAt, clock } = scenario([safe({ retryAfterSeconds: 30 }), 'lamp'], {}, 20);
    await clock.advance(0);
    expect(await settled).toMatchObject({ error: { code: 'throttled' } });
    expect(sentAt).toHaveLength(1);
  });

  test('pause for any part of the span, and never beyond its cap', async () => {
    const answers = Array.from({ length: 20 }, () => safe());
    const { clock, sentAt } = scenario(answers, { attempts: 20, random: () => 0.999, longestSeconds: 4 });
    await clock.advance(1000);
    const pauses = sentAt.slice(1).map((at, index) => at - sentAt[index]!);
    expect(Math.max(...pauses)).toBeLessThan(4);
    expect(pauses[0]).toBeLessThan(0.5);
  });

  test('an abort ends the pause at once', async () => {
    const { clock, settled, abort, sentAt } = scenario([safe({ retryAfterSeconds: 100 }), 'lamp']);
    await clock.advance(1);
    abort.abort();
    expect(await settled).toMatchObject({ error: { code: 'cancelled', effect: 'none' } });
    expect(sentAt).toHaveLength(1);
  });
});

describe('errors that are not tried again', () => {
  test.each(['quota', 'denied', 'unauthenticated', 'invalid', 'unsupported'] as const)(
    '%s, also when the driver calls it safe',
    async (code) => {
      const { settled, sentAt, clock } = scenario([error(code, { retry: 'safe' }), 'lamp']);
      await clock.advance(10);
      expect(await settled).toMatchObject({ error: { code } });
      expect(sentAt).toHaveLength(1);
    },
  );

  test('conflict and time-out without somebody who looks', async () => {
    const { settled, clock } = scenario([error('timeout'), 'lamp']);
    await clock.advance(10);
    expect(await settled).toMatchObject({ error: { code: 'timeout', effect: 'unknown' } });
  });
});

describe('errors to look after', () => {
  test('what is there is the answer', async () => {
    const seen: string[] = [];
    const observe = async ({ code }: ProviderError) => {
      seen.push(code);
      return { state: 'done' as const, value: 'found' };
    };
    const { settled, sentAt, clock } = scenario([error('unavailable'), 'lamp'], { observe });
    await clock.advance(10);
    expect(await settled).toEqual({ value: 'found' });
    expect(seen).toEqual(['unavailable']);
    expect(sentAt).toHaveLength(1);
  });

  test('what is not there is asked for again', async () => {
    const { settled, sentAt, clock } = scenario([error('timeout'), 'lamp'], {
      observe: async () => ({ state: 'again' }),
    });
    await clock.advance(10);
    expect(await settled).toEqual({ value: 'lamp' });
    expect(sentAt).toHaveLength(2);
  });

  test('what can not be seen stays unknown', async () => {
    const { settled, clock } = scenario([error('timeout'), 'lamp'], { observe: () => Promise.reject(error('denied')) });
    await clock.advance(10);
    expect(await settled).toMatchObject({ error: { code: 'denied', effect: 'unknown' } });
  });
});

test('a refusal after a lost answer does not say that nothing happened', async () => {
  const lost = error('unavailable', { retry: 'safe', effect: 'unknown' });
  const { settled, clock } = scenario([lost, error('denied')]);
  await clock.advance(10);
  expect(await settled).toMatchObject({ error: { code: 'denied', effect: 'unknown' } });
});
