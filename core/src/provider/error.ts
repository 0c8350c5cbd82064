/** What went wrong, to act on. `damaged`: data that is kept is not what was written. From core alone come `superseded`, `already-exists` (made
 *  from another spec), `refused` (a rule: a pin, a protected environment), `unhealthy` (verification failed, nothing was routed; a
 *  cloud's builder throws it too, for a build that failed), `reverted`
 *  (turned back by itself) and `degraded` (neither finished nor undone, to be resumed), `drifted` (the cloud's routes are not those that we
 *  wrote; nothing was). */
export type ErrorCode =
  | 'not-found'
  | 'already-exists'
  | 'conflict'
  | 'superseded'
  | 'token-reused'
  | 'unauthenticated'
  | 'denied'
  | 'invalid'
  | 'unsupported'
  | 'quota'
  | 'throttled'
  | 'unavailable'
  | 'timeout'
  | 'cancelled'
  | 'owned-by-other'
  | 'refused'
  | 'unhealthy'
  | 'reverted'
  | 'degraded'
  | 'drifted'
  | 'damaged'
  | 'internal';
/** Left out, `retry` and `effect` follow from the code. `path` is at fault, in the config or the arguments; `hint` says what to do. */
export interface ErrorDetail {
  /** `safe`: the same call again. `after-read`: look first. */
  readonly retry?: 'never' | 'safe' | 'after-read';
  readonly retryAfterSeconds?: number;
  /** Whether the request was carried out. `unknown` is the honest word when the answer was lost. */
  readonly effect?: 'none' | 'applied' | 'unknown';
  readonly path?: string;
  readonly hint?: string;
  readonly requestId?: string;
  readonly cause?: unknown;
}
const LOOK_FIRST: ReadonlySet<ErrorCode> = new Set(['conflict', 'unavailable', 'timeout']);
const LOST: ReadonlySet<ErrorCode> = new Set(['unavailable', 'timeout', 'cancelled', 'internal']);
const BRAND: unique symbol = Symbol.for('clusternator.error');
/** Act on `code`, never on `message`. */
export class ProviderError extends Error {
  override readonly name = 'ProviderError';
  readonly [BRAND] = true; // Symbol.for: an installed plugin may bring its own copy of core
  readonly retry: NonNullable<ErrorDetail['retry']>;
  readonly effect: NonNullable<ErrorDetail['effect']>;
  constructor(
    readonly code: ErrorCode,
    message: string,
    readonly detail: ErrorDetail = {},
  ) {
    super(message, { cause: detail.cause });
    this.retry = detail.retry ?? (code === 'throttled' ? 'safe' : LOOK_FIRST.has(code) ? 'after-read' : 'never');
    this.effect = detail.effect ?? (LOST.has(code) ? 'unknown' : 'none');
  }
  /** Also for errors of another copy of core. */
  static is(value: unknown): value is ProviderError {
    return typeof value === 'object' && value !== null && BRAND in value;
  }
}
