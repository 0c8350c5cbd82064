import { ProviderError } from '../provider/error.ts';
import type { Call } from '../provider/host.ts';
import { normaliseError, throwIfAborted } from './call.ts';
import type { Clock } from './clock.ts';

/** How a request is made again. */
export interface RetryPolicy<T> {
  readonly clock: Clock;
  readonly call: Call;
  /** For messages: `make the load balancer`. */
  readonly doing: string;
  /** All together, the first one too. */
  readonly attempts?: number;
  /** The longest pause before the second attempt; it doubles with each, up to `longestSeconds`. */
  readonly firstSeconds?: number;
  readonly longestSeconds?: number;
  /**
   * Looks what an `after-read` error left. Done: its value is the answer. Again: nothing is there, so the request is made again.
   * Without it such an error is thrown, for the caller to look.
   */
  readonly observe?: (error: ProviderError) => Promise<Observation<T>>;
  readonly errorOf?: (cause: unknown) => ProviderError | undefined;
  /** From 0 to below 1. */
  readonly random?: () => number;
}
export type Observation<T> = { readonly state: 'done'; readonly value: T } | { readonly state: 'again' | 'unknown' };

/** Asking again gives the same answer. */
const FINAL: ReadonlySet<ProviderError['code']> = new Set([
  'quota',
  'denied',
  'unauthenticated',
  'invalid',
  'unsupported',
  'cancelled',
  'superseded',
]);

/**
 * Makes a request, and again while its errors say that this is safe: with full jitter, no sooner than the cloud's Retry-After, and never past
 * the call's deadline.
 * @see https://aws.amazon.com/blogs/architecture/exponential-backoff-and-jitter/ (full jitter)
 * @throws ProviderError the last one. Its `effect` is `unknown` when any attempt's was.
 */
export async function retrying<T>(request: (attempt: number) => Promise<T>, policy: RetryPolicy<T>): Promise<T> {
  const { call, doing, attempts = 5 } = policy;
  let uncertain = false;
  for (let attempt = 1; ; attempt++) {
    throwIfAborted(call.signal, doing, uncertain ? 'unknown' : 'none');
    let error: ProviderError;
    try {
      return await request(attempt);
    } catch (thrown) {
      error = normaliseError(thrown, {
        signal: call.signal,
        doing,
        ...(policy.errorOf && { errorOf: policy.errorOf }),
      });
    }
    if (call.signal.aborted || FINAL.has(error.code)) throw truthful(error, uncertain);
    const seen = await look(error, policy);
    if (seen?.state === 'done') return seen.value;
    uncertain = seen?.state !== 'again' && (uncertain || error.effect !== 'none');
    const isSafe = error.retry === 'safe' || seen?.state === 'again';
    const seconds = pauseSeconds(error, attempt, policy);
    const inTime = policy.clock.now().getTime() + seconds * 1000 < call.deadline.getTime();
    if (!isSafe || attempt >= attempts || !inTime) throw truthful(error, uncertain);
    await policy.clock.sleep(seconds, call.signal).catch(() => {}); // the abort is told above
  }
}

async function look<T>(
  error: ProviderError,
  { observe, call, doing }: RetryPolicy<T>,
): Promise<Observation<T> | undefined> {
  if (error.retry !== 'after-read' || !observe) return undefined;
  try {
    return await observe(error);
  } catch (thrown) {
    throw truthful(normaliseError(thrown, { signal: call.signal, doing }), true);
  }
}

function pauseSeconds<T>(error: ProviderError, attempt: number, policy: RetryPolicy<T>): number {
  const { firstSeconds = 0.5, longestSeconds = 20, random = Math.random } = policy;
  const jitter = random() * Math.min(longestSeconds, firstSeconds * 2 ** (attempt - 1));
  return (error.detail.retryAfterSeconds ?? 0) + jitter;
}

/** A later refusal does not undo what an earlier attempt may have done. */
function truthful(error: ProviderError, uncertain: boolean): ProviderError {
  if (!uncertain || error.effect !== 'none') return error;
  return new ProviderError(error.code, error.message, { ...error.detail, effect: 'unknown', cause: error });
}
