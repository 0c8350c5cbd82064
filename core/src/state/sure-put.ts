import { throwIfAborted } from '../engine/call.ts';
import type { Clock } from '../engine/clock.ts';
import { ProviderError } from '../provider/error.ts';
import type { Call } from '../provider/host.ts';
import type { StateStore } from './store.ts';

/** One put: `value` carries `writeId`, which no other put does. */
export interface Put {
  readonly key: string;
  readonly value: string;
  readonly writeId: string;
  readonly expected: string | null;
}

const TRIES = 6;
const FIRST_PAUSE_SECONDS = 0.05;

/**
 * Puts, and finds out what a lost answer meant: it reads again; our write id is there: applied; the revision did not move: the same put again.
 * @returns The new revision.
 * @throws ProviderError `conflict` with effect `none`: somebody else was first and nothing was written. With effect `unknown`: what is there
 *   is not ours, but ours may have been there before, since an answer was lost. Otherwise what the store said; its effect is the truth.
 */
export async function putSurely(
  store: StateStore,
  put: Put,
  readWriteId: (value: string) => unknown,
  clock: Clock,
  call: Call,
): Promise<string> {
  let answerWasLost = false;
  for (let tries = 1; ; tries++) {
    try {
      return await store.put(put.key, put.value, put.expected, call);
    } catch (error) {
      if (!ProviderError.is(error)) throw error;
      if (error.effect === 'none' && !answerWasLost) throw error;
      answerWasLost = true;
      const current = await store.get(put.key, call).catch((unreadable: unknown) => {
        throwIfAborted(call.signal, `write the state document ${put.key}`, 'unknown');
        throw stillUnknown(put, error, unreadable);
      });
      if (current && readWriteId(current.value) === put.writeId) return current.revision;
      if ((current?.revision ?? null) !== put.expected) throw overtaken(put, error);
      if (tries === TRIES || !mayPassAway(error)) throw stillUnknown(put, error);
      const pause = clock.sleep(FIRST_PAUSE_SECONDS * 2 ** (tries - 1) * Math.random(), call.signal);
      await pause.catch(() => throwIfAborted(call.signal, `write the state document ${put.key}`, 'unknown'));
    }
  }
}

/** A refusal of a put whose sibling's answer was lost is no reason to send it again. */
function mayPassAway(error: ProviderError): boolean {
  return (
    error.effect !== 'none' || error.code === 'conflict' || error.code === 'throttled' || error.code === 'unavailable'
  );
}

function overtaken(put: Put, cause: ProviderError): ProviderError {
  return new ProviderError(
    'conflict',
    `state document ${put.key} was changed by somebody else; whether our change was made before is not known`,
    {
      effect: 'unknown',
      cause,
    },
  );
}

function stillUnknown(put: Put, error: ProviderError, unreadable?: unknown): ProviderError {
  return new ProviderError(
    error.code === 'conflict' ? 'unavailable' : error.code,
    `write the state document ${put.key}: ${error.message}`,
    {
      ...error.detail,
      effect: 'unknown',
      retry: 'after-read',
      cause: unreadable ?? error,
    },
  );
}
