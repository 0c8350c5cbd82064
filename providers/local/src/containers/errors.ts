import { ProviderError, type ErrorCode, type ErrorDetail } from '@clusternator/core/provider';

/** What the caller was doing, and how long it waited. */
export interface Attempt {
  /** For example `start the container of api`. */
  readonly doing: string;
  readonly timeoutSeconds: number;
  /** The caller's own: tells a cancellation from an engine that does not answer. */
  readonly signal: AbortSignal;
}

/** The reason of the abort when the engine did not answer in time. */
export class EngineTimeout extends Error {
  override readonly name = 'EngineTimeout';
}

interface Explanation extends ErrorDetail {
  readonly code: ErrorCode;
  readonly what: string;
}

/**
 * The engine's error as ours: by its HTTP status, the socket's error code or the abort's reason.
 * @see https://docs.docker.com/reference/api/engine/ (errors are `{ message }` with a 4xx or 5xx)
 */
export function errorOf(cause: unknown, attempt: Attempt): ProviderError {
  if (ProviderError.is(cause)) return cause;
  const { code, what, ...detail } = abortOf(cause, attempt) ?? connectionOf(cause) ?? answerOf(cause);
  return new ProviderError(code, `could not ${attempt.doing}: ${what}`, { cause, ...detail });
}

/** The engine's answer as our error, where the caller knows more of it. */
export function refusalOf(cause: unknown, doing: string, more: ErrorDetail): ProviderError {
  const { code, what, ...detail } = answerOf(cause);
  return new ProviderError(code, `could not ${doing}: ${what}`, { cause, ...detail, ...more });
}

/** Whether the engine could not be reached, as opposed to having refused. */
export function isUnreachable(error: unknown): boolean {
  return (
    ProviderError.is(error) && (error.code === 'unavailable' || error.code === 'timeout' || error.code === 'denied')
  );
}

/** The HTTP status of the engine's answer, where there was one. */
export function statusOf(cause: unknown): number | undefined {
  const status = field(cause, 'statusCode');
  return typeof status === 'number' ? status : undefined;
}

function abortOf(cause: unknown, { signal, timeoutSeconds }: Attempt): Explanation | undefined {
  if (signal.aborted) {
    const timedOut = field(signal.reason, 'name') === 'TimeoutError';
    return timedOut
      ? { code: 'timeout', what: 'the time for it is over' }
      : { code: 'cancelled', what: 'it was cancelled' };
  }
  if (cause instanceof EngineTimeout) {
    return {
      code: 'timeout',
      what: `the Docker Engine did not answer within ${timeoutSeconds} s`,
      hint: 'see whether `docker ps` answers; if not, restart the Docker Engine',
    };
  }
  return undefined;
}

const NOT_RUNNING: ReadonlySet<unknown> = new Set(['ECONNREFUSED', 'ENOENT', 'ENOTFOUND', 'EHOSTUNREACH', 'ETIMEDOUT']);
const BROKEN_OFF: ReadonlySet<unknown> = new Set(['ECONNRESET', 'EPIPE', 'ERR_STREAM_PREMATURE_CLOSE']);
const START_IT = 'start the Docker Engine (for example with `sudo systemctl start docker`), then run the command again';

function connectionOf(cause: unknown): Explanation | undefined {
  const code = field(cause, 'code');
  if (NOT_RUNNING.has(code)) {
    const where = field(cause, 'address');
    const at = typeof where === 'string' ? ` at ${where}` : '';
    return { code: 'unavailable', effect: 'none', what: `no Docker Engine answers${at}`, hint: START_IT };
  }
  if (BROKEN_OFF.has(code)) {
    return { code: 'unavailable', what: 'the Docker Engine broke off the connection', hint: START_IT };
  }
  if (code === 'EACCES' || code === 'EPERM') {
    return {
      code: 'denied',
      what: 'this user may not use the Docker Engine',
      hint: 'add yourself to the group that owns its socket (`sudo usermod -aG docker $USER`), then log in again',
    };
  }
  return undefined;
}

/** Texts of engine failures that mean the same whatever the status; the engine has no codes for them. */
const BY_TEXT: readonly (readonly [RegExp, ErrorCode, string])[] = [
  [
    /no space left on device|disk quota exceeded/i,
    'quota',
    'free some disk space (`docker system df` shows what is used), then try again',
  ],
  [
    /address pools? .*(subnetted|exhausted)|non-overlapping IPv4 address pool/i,
    'quota',
    'destroy environments that are not needed, run `docker network prune`, or give the engine larger `default-address-pools`',
  ],
  [
    /port is already allocated|address already in use|ports are not available/i,
    'conflict',
    'end what listens on that port, or choose another one',
  ],
  [/cannot assign requested address/i, 'invalid', 'choose an address that this machine has'],
  [
    /executable file not found|no such file or directory.*unknown|exec: .*(not found|no such file)/i,
    'invalid',
    'the command has to exist in the image; correct `command`, or the Dockerfile',
  ],
  [
    /permission denied.*unknown|exec: .*permission denied/i,
    'invalid',
    'make the file of the command executable in the image',
  ],
  [
    /exec format error|does not match the (detected|specified) .*platform/i,
    'invalid',
    'build the image for the processor of this machine',
  ],
  [/bind source path does not exist/i, 'not-found', 'the folder has to exist before the container starts'],
];

const BY_STATUS: Readonly<Record<number, ErrorCode>> = {
  400: 'invalid',
  401: 'unauthenticated',
  403: 'denied',
  404: 'not-found',
  409: 'conflict',
  429: 'throttled',
  503: 'unavailable',
};

function answerOf(cause: unknown): Explanation {
  const what = textOf(cause);
  const known = BY_TEXT.find(([pattern]) => pattern.test(what));
  if (known) return { code: known[1], what, hint: known[2] };
  const status = statusOf(cause);
  return { code: (status === undefined ? undefined : BY_STATUS[status]) ?? 'internal', what };
}

/** What the engine said, without dockerode's `(HTTP code 409) unexpected - ` around it. */
function textOf(cause: unknown): string {
  const said = field(field(cause, 'json'), 'message');
  if (typeof said === 'string' && said !== '') return said.trim();
  const message = cause instanceof Error ? cause.message : String(cause);
  return message.replace(/^\(HTTP code \d+\) [^-]* - /, '').trim();
}

function field(value: unknown, name: string): unknown {
  return typeof value === 'object' && value !== null && name in value ? Reflect.get(value, name) : undefined;
}
