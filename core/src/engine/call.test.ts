import { describe, expect, test } from '@jest/globals';
import { ProviderError } from '../provider/error.ts';
import type { Call } from '../provider/host.ts';
import { type CallParts, normaliseError, withCall } from './call.ts';
import { systemClock } from './clock.ts';
import { VirtualClock } from './testing/virtual-clock.ts';

const parts = (more: Partial<CallParts> = {}): CallParts => ({
  clock: systemClock,
  signal: new AbortController().signal,
  operation: '01j',
  doing: 'make a lamp',
  deadlineSeconds: 60,
  ...more,
});
const failure = (work: Promise<unknown>) =>
  work.then(
    () => undefined,
    (error: unknown) => error as ProviderError,
  );
/** Never ends by itself. */
const untilAborted = (call: Call) =>
  new Promise<never>((_, reject) => {
    call.signal.addEventListener('abort', () => reject(call.signal.reason as Error));
  });

describe('tokens', () => {
  test('are of [a-z0-9-], at most 36, the same for the same step and use, and others for others', async () => {
    const of = (more: Partial<CallParts>) =>
      withCall(parts(more), async (call) => [call.token(), call.token('a'), call.token('b')]);
    const tokens = await of({});
    expect(new Set(tokens).size).toBe(3);
    for (const token of tokens) expect(token).toMatch(/^[a-z0-9-]{1,36}$/);
    expect(await of({})).toEqual(tokens);
    expect(await of({ operation: 'another' })).not.toEqual(tokens);
    const kept = await of({ token: 'kept-token' });
    expect(kept[0]).toBe('kept-token');
    expect(new Set([...tokens, ...kept]).size).toBe(6);
  });
});

describe('the end of a call', () => {
  test('at its deadline: timeout, effect unknown', async () => {
    const clock = new VirtualClock();
    const failed = failure(withCall(parts({ clock, deadlineSeconds: 5 }), untilAborted));
    await clock.advance(5);
    expect(await failed).toMatchObject({
      code: 'timeout',
      effect: 'unknown',
      message: 'make a lamp: not done within 5 s',
    });
  });

  test('by a person: cancelled at once, effect unknown', async () => {
    const abort = new AbortController();
    const failed = failure(withCall(parts({ signal: abort.signal }), untilAborted));
    abort.abort();
    expect(await failed).toMatchObject({ code: 'cancelled', effect: 'unknown' });
  });

  test('before it began: cancelled, effect none, and nothing was called', async () => {
    let called = false;
    const failed = await failure(
      withCall(parts({ signal: AbortSignal.abort() }), async () => {
        called = true;
      }),
    );
    expect(failed).toMatchObject({ code: 'cancelled', effect: 'none' });
    expect(called).toBe(false);
  });

  test('of work that does not listen: it is left to itself after a moment', async () => {
    const clock = new VirtualClock();
    const abort = new AbortController();
    const failed = failure(withCall(parts({ clock, signal: abort.signal }), () => new Promise(() => {})));
    abort.abort();
    await clock.advance(2);
    expect(await failed).toMatchObject({ code: 'cancelled', effect: 'unknown' });
  });

  test('of work that says itself what an abort left: that is believed', async () => {
    const abort = new AbortController();
    const failed = failure(
      withCall(parts({ signal: abort.signal }), async () => {
        abort.abort();
        throw new ProviderError('cancelled', 'not sent', { effect: 'none' });
      }),
    );
    expect(await failed).toMatchObject({ code: 'cancelled', effect: 'none' });
  });

  test('leaves no timer behind', async () => {
    const clock = new VirtualClock();
    expect(await withCall(parts({ clock }), async () => 'done')).toBe('done');
    await clock.advance(0);
    expect(clock.sleeping).toBe(0);
  });

  test('superseded is told as that', async () => {
    const abort = new AbortController();
    const failed = failure(withCall(parts({ signal: abort.signal }), untilAborted));
    abort.abort(new ProviderError('superseded', 'taken over'));
    expect(await failed).toMatchObject({ code: 'superseded', message: 'taken over' });
  });
});

describe('errors', () => {
  const signal = new AbortController().signal;
  const normal = (error: unknown, errorOf?: CallParts['errorOf']) =>
    normaliseError(error, { signal, doing: 'make a lamp', ...(errorOf && { errorOf }) });

  test('of ours stay as they are', () => {
    const ours = new ProviderError('quota', 'too many');
    expect(normal(ours)).toBe(ours);
  });

  test('of a cloud go through its translation, and become internal without one', () => {
    const cause = new Error('TooManyLamps');
    expect(normal(cause, () => new ProviderError('quota', 'too many'))).toMatchObject({ code: 'quota' });
    expect(normal(cause, () => undefined)).toMatchObject({
      code: 'internal',
      message: 'make a lamp: TooManyLamps',
      effect: 'unknown',
    });
    expect(normal(cause).cause).toBe(cause);
    expect(normal('just text')).toMatchObject({ code: 'internal', message: 'make a lamp: just text' });
    expect(
      normal(cause, () => {
        throw new Error('a mistake in the translation');
      }),
    ).toMatchObject({ code: 'internal', message: 'make a lamp: TooManyLamps' });
  });

  test('of a request’s own time-out are not the cloud’s to translate', async () => {
    const timeout: unknown = await new Promise((resolve) => {
      const short = AbortSignal.timeout(1);
      short.addEventListener('abort', () => resolve(short.reason));
    });
    expect(normal(timeout, () => new ProviderError('quota', 'no'))).toMatchObject({
      code: 'timeout',
      effect: 'unknown',
    });
  });

  test('that came just as somebody aborted stay what they are', () => {
    const denied = new ProviderError('denied', 'no');
    expect(normaliseError(denied, { signal: AbortSignal.abort(), doing: 'make a lamp' })).toBe(denied);
  });
});
