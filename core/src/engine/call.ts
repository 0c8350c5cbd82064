import { createHash } from 'node:crypto';
import { ProviderError } from '../provider/error.ts';
import type { Call } from '../provider/host.ts';
import type { Clock } from './clock.ts';
import { abortOf, messageOf } from './thrown.ts';

/** What a call is made from. */
export interface CallParts {
  readonly clock: Clock;
  readonly signal: AbortSignal;
  readonly operation: string;
  /** What is being done, for messages: `start the environment`. */
  readonly doing: string;
  readonly deadlineSeconds: number;
  /** Without one: made from the operation and `doing`. */
  readonly token?: string;
  readonly progress?: Call['progress'];
  readonly errorOf?: (cause: unknown) => ProviderError | undefined;
}

/** After an abort or the deadline, what listens to the signal has this long to end before it is left to itself. */
const GRACE_SECONDS = 2;

/**
 * Runs `work` with a call of its own, which ends with it.
 * @throws ProviderError whatever was thrown: an abort as the signal's reason says, the deadline as `timeout`.
 */
export async function withCall<T>(parts: CallParts, work: (call: Call) => Promise<T>): Promise<T> {
  const { clock, doing, deadlineSeconds } = parts;
  const deadline = new AbortController();
  const ended = new AbortController();
  const signal = AbortSignal.any([parts.signal, deadline.signal]);
  const call: Call = {
    signal,
    deadline: new Date(clock.now().getTime() + deadlineSeconds * 1000),
    operation: parts.operation,
    token: tokens(parts.token ?? deriveToken(parts.operation, doing)),
    progress: parts.progress ?? (() => {}),
  };
  const outOfTime = async () => {
    await clock.sleep(deadlineSeconds, ended.signal);
    deadline.abort(new ProviderError('timeout', `${doing}: not done within ${deadlineSeconds} s`));
  };
  outOfTime().catch(() => {}); // it ended before
  try {
    throwIfAborted(signal, doing);
    return await Promise.race([work(call), abandoned(signal, clock, ended.signal, doing)]);
  } catch (error) {
    throw normaliseError(error, { signal, doing, ...(parts.errorOf && { errorOf: parts.errorOf }) });
  } finally {
    ended.abort();
  }
}

/** Of [a-z0-9], 32 characters: the same for the same words. */
export function deriveToken(...words: readonly string[]): string {
  return createHash('sha256').update(JSON.stringify(words)).digest('hex').slice(0, 32);
}

/** Throws what an abort is to be told as, when there was one. */
export function throwIfAborted(signal: AbortSignal, doing: string, effect: ProviderError['effect'] = 'none'): void {
  if (signal.aborted) throw abortError(signal, doing, effect);
}

/**
 * Whatever was thrown, as a ProviderError.
 * An abort is told as `cancelled` (a person), `timeout` (the deadline) or `superseded`, and its `effect` stays the truth as far as it is known.
 */
export function normaliseError(
  error: unknown,
  context: {
    readonly signal: AbortSignal;
    readonly doing: string;
    readonly errorOf?: (cause: unknown) => ProviderError | undefined;
  },
): ProviderError {
  const { signal, doing } = context;
  if (ProviderError.is(error)) {
    if (!signal.aborted || (error !== signal.reason && error.code !== 'cancelled' && error.code !== 'timeout'))
      return error;
    const told = abortError(signal, doing, error === signal.reason ? 'unknown' : error.effect);
    return told.code === error.code && error !== signal.reason ? error : told; // its own words say more
  }
  const abort = abortOf(error);
  if (signal.aborted && (error === signal.reason || abort)) return abortError(signal, doing, 'unknown');
  if (abort) return new ProviderError(abort, `${doing}: ${messageOf(error)}`, { cause: error });
  return (
    translated(error, context.errorOf) ??
    new ProviderError('internal', `${doing}: ${messageOf(error)}`, { cause: error })
  );
}

function abortError(signal: AbortSignal, doing: string, effect: ProviderError['effect']): ProviderError {
  const reason: unknown = signal.reason;
  if (ProviderError.is(reason)) return new ProviderError(reason.code, reason.message, { ...reason.detail, effect });
  const code = abortOf(reason) ?? 'cancelled';
  return new ProviderError(code, `${doing}: ${code === 'timeout' ? 'out of time' : 'interrupted'}`, {
    effect,
    cause: reason,
  });
}

/** Settles only when the work did not listen to its signal. What it may still do is under the same token. */
async function abandoned(signal: AbortSignal, clock: Clock, ended: AbortSignal, doing: string): Promise<never> {
  await new Promise<void>((resolve) => {
    if (signal.aborted) resolve();
    signal.addEventListener('abort', () => resolve(), { once: true });
    ended.addEventListener('abort', () => resolve(), { once: true });
  });
  if (!ended.aborted) await clock.sleep(GRACE_SECONDS, ended).catch(() => {}); // it ended in time
  throw abortError(signal, doing, 'unknown');
}

function tokens(own: string): Call['token'] {
  return (use) => (use === undefined ? own : deriveToken(own, use));
}

function translated(error: unknown, errorOf: CallParts['errorOf']): ProviderError | undefined {
  try {
    return errorOf?.(error);
  } catch {
    return undefined; // a mistake in the translation is not to hide what went wrong
  }
}
