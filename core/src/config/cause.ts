/** The code of a system's error, such as ENOENT. By its shape, not by its class: it may come from another realm. */
export function codeOf(cause: unknown): string | undefined {
  const hasCode = typeof cause === 'object' && cause !== null && 'code' in cause;
  return hasCode && typeof cause.code === 'string' ? cause.code : undefined;
}

/** What was thrown, in its own words. */
export function messageOf(cause: unknown): string {
  const hasMessage = typeof cause === 'object' && cause !== null && 'message' in cause;
  return hasMessage && typeof cause.message === 'string' ? cause.message : String(cause);
}
