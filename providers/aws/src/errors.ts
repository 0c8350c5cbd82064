import { ProviderError, type ErrorCode, type ErrorDetail } from '@clusternator/core/provider';

/** As the SDK throws it. @see https://docs.aws.amazon.com/sdk-for-javascript/v3/developer-guide/error-handling.html */
interface AwsError {
  readonly name: string;
  readonly message: string;
  readonly code?: string;
  readonly $metadata?: { readonly httpStatusCode?: number; readonly requestId?: string };
  readonly $response?: { readonly headers?: Readonly<Record<string, string>> };
}

const CREDENTIALS =
  'set AWS_PROFILE, or AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, or run: aws sso login; aws sts get-caller-identity shows who you are';

/** By the names that the services give. @see https://docs.aws.amazon.com/IAM/latest/UserGuide/reference-standard-errors.html */
const BY_NAME: Readonly<Record<string, readonly [ErrorCode, ErrorDetail?]>> = {
  AccessDenied: ['denied'],
  AccessDeniedException: ['denied'],
  AuthFailure: ['unauthenticated', { hint: CREDENTIALS }],
  ConditionalRequestConflict: ['conflict', { effect: 'none' }],
  CredentialsProviderError: ['unauthenticated', { effect: 'none', hint: CREDENTIALS }],
  ExpiredToken: ['unauthenticated', { hint: CREDENTIALS }],
  ExpiredTokenException: ['unauthenticated', { hint: CREDENTIALS }],
  IncompleteSignature: ['unauthenticated', { hint: CREDENTIALS }],
  InvalidAccessKeyId: ['unauthenticated', { hint: CREDENTIALS }],
  InvalidClientTokenId: ['unauthenticated', { hint: CREDENTIALS }],
  InvalidInput: ['invalid'],
  LimitExceeded: ['quota'],
  LimitsExceeded: ['quota'],
  NoSuchHostedZone: ['not-found'],
  PreconditionFailed: ['conflict', { effect: 'none' }],
  // Another change of the same zone is being taken in. Nothing of this one was.
  PriorRequestNotComplete: ['throttled', { effect: 'none' }],
  RequestExpired: ['unauthenticated', { hint: 'the clock of this machine is wrong, or the credentials have expired' }],
  RequestLimitExceeded: ['throttled', { effect: 'none' }],
  RequestTimeTooSkewed: ['unauthenticated', { hint: 'the clock of this machine is wrong' }],
  SignatureDoesNotMatch: ['unauthenticated', { hint: CREDENTIALS }],
  SlowDown: ['throttled', { effect: 'none' }],
  Throttling: ['throttled', { effect: 'none' }],
  ThrottlingException: ['throttled', { effect: 'none' }],
  TooManyRequestsException: ['throttled', { effect: 'none' }],
  UnrecognizedClientException: ['unauthenticated', { hint: CREDENTIALS }],
};
/** Of Node, where no answer came: the request may have. */
const UNANSWERED = /^(?:ECONN|EPIPE|ETIMEDOUT|EHOSTUNREACH|ENETUNREACH|EAI_AGAIN|ERR_STREAM_PREMATURE_CLOSE|ENOTFOUND)/;
/** Those of them for which nothing was sent. */
const UNSENT = /^(?:ECONNREFUSED|EHOSTUNREACH|ENETUNREACH|EAI_AGAIN|ENOTFOUND)$/;

/** What AWS, its SDK or the network said. Undefined: it is none of theirs. */
export function errorOf(cause: unknown): ProviderError | undefined {
  if (!isAwsError(cause)) return undefined;
  const { name, message, $metadata } = cause;
  const status = $metadata?.httpStatusCode;
  const requestId = $metadata?.requestId;
  const detail = { cause, ...(requestId !== undefined && { requestId }), ...retryAfter(cause) };
  const [code, more] = BY_NAME[name] ?? [];
  if (code) return new ProviderError(code, `AWS says ${name}: ${message}`, { ...more, ...detail });
  if (status === undefined) return unanswered(cause, detail);
  if (status === 429)
    return new ProviderError('throttled', `AWS says ${name}: ${message}`, { effect: 'none', ...detail });
  if (status >= 500) return new ProviderError('unavailable', `AWS says ${name}: ${message}`, detail);
  if (status === 401)
    return new ProviderError('unauthenticated', `AWS says ${name}: ${message}`, { hint: CREDENTIALS, ...detail });
  if (status === 403) return new ProviderError('denied', `AWS says ${name}: ${message}`, detail);
  if (status === 400) return new ProviderError('invalid', `AWS says ${name}: ${message}`, detail);
  return new ProviderError('internal', `AWS answered ${String(status)}, ${name}: ${message}`, detail);
}

function unanswered(cause: AwsError, detail: ErrorDetail): ProviderError | undefined {
  const { code = '', name, message } = cause;
  const isLate = name === 'TimeoutError';
  if (!isLate && !UNANSWERED.test(code)) return undefined;
  return new ProviderError('unavailable', `AWS does not answer: ${message || code}`, {
    ...detail,
    effect: UNSENT.test(code) ? 'none' : 'unknown',
  });
}

function retryAfter({ $response }: AwsError): Pick<ErrorDetail, 'retryAfterSeconds'> {
  const seconds = Number($response?.headers?.['retry-after'] ?? Number.NaN);
  return Number.isFinite(seconds) ? { retryAfterSeconds: seconds } : {};
}

function isAwsError(value: unknown): value is AwsError {
  return typeof value === 'object' && value !== null && 'name' in value && 'message' in value;
}
