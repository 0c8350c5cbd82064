import type { Call, Host } from '@clusternator/core/provider';

/** Asks AWS within a limit of `Provider.rateLimits`. An abort ends the wait, and the request. */
export async function paced<T>(
  host: Host,
  limit: string,
  call: Call,
  send: (options: { readonly abortSignal: AbortSignal }) => Promise<T>,
): Promise<T> {
  await host.pace(limit, call);
  return send({ abortSignal: call.signal });
}
