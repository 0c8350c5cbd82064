import { randomUUID } from 'node:crypto';
import { deriveToken, withCall } from '../engine/call.ts';
import type { Clock } from '../engine/clock.ts';
import type { Session } from './session.ts';

const BRIEFLY_SECONDS = 60;
const NEVER = new AbortController().signal;

/**
 * Runs work outside of an operation's steps, with a call of its own. Its token is of this call alone: a cloud that answers the same token with
 * its earlier answer must not take the second flip of a slot for the first. Within one call a request is made again under the same token.
 */
export function brieflyBy(clock: Clock): Session['briefly'] {
  return (doing, work, deadlineSeconds = BRIEFLY_SECONDS) =>
    withCall(
      { clock, signal: NEVER, operation: 'none', doing, deadlineSeconds, token: deriveToken(randomUUID()) },
      work,
    );
}
