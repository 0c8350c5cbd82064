import type { ErrorCode } from '@clusternator/core';

/** What the process ends with. The reference is generated from `EXIT_CODES`. */
export const Exit = {
  fine: 0,
  unexpected: 1,
  usage: 2,
  notFound: 3,
  owned: 4,
  unverified: 5,
  reverted: 6,
  refused: 7,
  degraded: 8,
  timedOut: 9,
  differences: 10,
  quota: 11,
  credentials: 12,
  interrupted: 130,
} as const;
export type ExitCode = (typeof Exit)[keyof typeof Exit];

/** Every exit code, in words. */
export const EXIT_CODES: Readonly<Record<ExitCode, string>> = {
  0: 'Fine.',
  1: 'Unexpected: a bug, or a machine or cloud that did not answer.',
  2: 'Wrong usage or config. Nothing was changed.',
  3: 'Not found.',
  4: 'Owned by another operation, or superseded by one.',
  5: 'Verification failed: what was made is not healthy, or could not be built, or a snapshot is damaged. No slot was changed.',
  6: 'Reverted automatically.',
  7: 'Refused by a rule: a pin, a pinned environment, a missing capability, something that is not ours.',
  8: 'Degraded: a revert failed, and goes on being tried.',
  9: 'Timed out, while the operation goes on in the background.',
  10: 'Differences found (`--dry-run --exit-code`, drift).',
  11: 'A quota is used up.',
  12: 'The provider refused its credentials.',
  130: 'Interrupted by Ctrl-C or a signal. Unfinished operations can be resumed.',
};

/** What else decides an exit code, beside the error's own code. */
export interface FailureContext {
  /** The operation of this command ended as failed: nothing goes on, and what it made did not prove itself. */
  readonly operationFailed?: boolean;
  /** The operation of this command goes on without it. */
  readonly goesOn?: boolean;
  readonly interrupted?: boolean;
}

/** By error code. A function where the context decides. */
export const EXIT_OF_ERROR: Readonly<Record<ErrorCode, ExitCode | ((context: FailureContext) => ExitCode)>> = {
  'not-found': Exit.notFound,
  'already-exists': Exit.refused,
  conflict: Exit.owned,
  superseded: Exit.owned,
  'token-reused': Exit.unexpected,
  unauthenticated: Exit.credentials,
  denied: Exit.credentials,
  invalid: Exit.usage,
  unsupported: Exit.refused,
  quota: Exit.quota,
  throttled: Exit.unexpected,
  unavailable: (context) => (context.operationFailed ? Exit.unverified : Exit.unexpected),
  timeout: (context) => (context.goesOn ? Exit.timedOut : context.operationFailed ? Exit.unverified : Exit.unexpected),
  cancelled: Exit.interrupted,
  'owned-by-other': Exit.refused,
  refused: Exit.refused,
  unhealthy: Exit.unverified,
  reverted: Exit.reverted,
  degraded: Exit.degraded,
  drifted: Exit.differences,
  damaged: Exit.unverified,
  internal: Exit.unexpected,
};

/** What each error code means to whoever reads `error.code` in `--json`. */
export const ERROR_CODES: Readonly<Record<ErrorCode, string>> = {
  'not-found': 'The thing that was named is not there.',
  'already-exists': 'It was made before, from another spec.',
  conflict: 'Somebody else owns it or changed it meanwhile, or it is in use.',
  superseded: 'A newer operation took over.',
  'token-reused': 'The cloud saw the idempotency token with other arguments. A bug.',
  unauthenticated: 'No credentials, or ones that the provider does not know.',
  denied: 'The credentials, or the permissions of a file, do not allow it.',
  invalid: 'Arguments or config that can not work. `path` says which.',
  unsupported: 'The provider lacks a capability that this needs.',
  quota: 'A limit of the provider or of this machine is reached.',
  throttled: 'The provider asks for fewer requests.',
  unavailable: 'What it needs does not answer.',
  timeout: 'It took longer than its deadline.',
  cancelled: 'A person or a signal ended it.',
  'owned-by-other': 'Something of that name exists, and is not ours. It was left alone.',
  refused: 'A rule forbids it: a pin, a protected environment.',
  unhealthy: 'Verification failed: it did not build, start or answer. Nothing was routed to it.',
  reverted: 'It was turned back automatically.',
  degraded: 'It could neither be finished nor undone. It is to be resumed.',
  damaged: 'Data that is kept, such as a snapshot, is not what was written.',
  drifted: 'The routes in the cloud are not those that were written. Nothing was overwritten.',
  internal: 'A failure that nothing else describes.',
};

/** The exit code of a coded error. An interruption counts as such, however its error is coded. */
export function exitCodeOf(code: ErrorCode, context: FailureContext = {}): ExitCode {
  const exit = EXIT_OF_ERROR[code];
  if (context.interrupted) return Exit.interrupted;
  return typeof exit === 'function' ? exit(context) : exit;
}
