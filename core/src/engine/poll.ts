import { ProviderError } from '../provider/error.ts';
import type { Call } from '../provider/host.ts';
import type { Phase } from '../provider/resource.ts';
import { normaliseError } from './call.ts';
import type { Clock } from './clock.ts';

/** What is asked again and again. */
export interface Polled {
  readonly phase: Phase;
  readonly message?: string;
}

export interface PollOptions<R> {
  readonly clock: Clock;
  /** Its signal ends the wait; the token is the same for each time. */
  readonly call: Call;
  /** For messages and progress. */
  readonly doing: string;
  /** Left out: neither creating nor destroying. */
  readonly isSettled?: (resource: R) => boolean;
  readonly firstSeconds?: number;
  readonly longestSeconds?: number;
}

const GROWTH = 1.5;

/**
 * Calls `ask` until what it gives has settled, first quickly, then ever more slowly. What it waits for is told as progress.
 * @throws ProviderError `timeout` or `cancelled` by the call's signal, with what it waited for; and what `ask` throws.
 */
export async function pollUntilSettled<R extends Polled>(ask: () => Promise<R>, options: PollOptions<R>): Promise<R> {
  const {
    clock,
    call,
    doing,
    isSettled = (resource: R) => !isOnItsWay(resource),
    firstSeconds = 0.03,
    longestSeconds = 2,
  } = options;
  let waitsFor: string | undefined;
  for (let seconds = firstSeconds; ; seconds = Math.min(longestSeconds, seconds * GROWTH)) {
    if (call.signal.aborted) throw cutShort(call.signal, doing, waitsFor);
    const resource = await ask();
    if (isSettled(resource)) return resource;
    if (resource.message !== undefined && resource.message !== waitsFor) call.progress({ message: resource.message });
    waitsFor = resource.message ?? waitsFor;
    await clock.sleep(seconds, call.signal).catch(() => {}); // the abort is told above
  }
}

export function isOnItsWay({ phase }: Polled): boolean {
  return phase === 'creating' || phase === 'destroying';
}

function cutShort(signal: AbortSignal, doing: string, waitsFor: string | undefined): ProviderError {
  const error = normaliseError(signal.reason, { signal, doing });
  if (waitsFor === undefined) return error;
  return new ProviderError(error.code, `${error.message}; it waits for: ${waitsFor}`, {
    ...error.detail,
    effect: 'unknown',
    cause: error,
  });
}
