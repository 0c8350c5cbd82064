import { lookup as systemLookup } from 'node:dns';
import type { LookupFunction } from 'node:net';

/** One answer to a GET. */
export interface ProbeResult {
  readonly ok: boolean;
  /** The status, or why there was none. */
  readonly message: string;
}

/** `localhost` and all below it is this machine, whatever the system's resolver says. @see https://www.rfc-editor.org/rfc/rfc6761#section-6.3 */
const lookup: LookupFunction = (hostname, options, callback) => {
  if (hostname === 'localhost' || hostname.endsWith('.localhost')) {
    if (options.all) callback(null, [{ address: '127.0.0.1', family: 4 }]);
    else callback(null, '127.0.0.1', 4);
    return;
  }
  systemLookup(hostname, options, callback);
};

/** Core's own request to a public part: GET, the body is not read, redirects are answers. Never rejects but on abort. */
export async function probe(
  url: string,
  accept: { readonly statusFrom: number; readonly statusTo: number },
  options: { readonly timeoutSeconds: number; readonly signal: AbortSignal },
): Promise<ProbeResult> {
  const target = new URL(url);
  // Environments on this machine are asked without TLS, whose modules take long to load.
  const { request } = target.protocol === 'https:' ? await import('node:https') : await import('node:http');
  const signal = AbortSignal.any([options.signal, AbortSignal.timeout(options.timeoutSeconds * 1000)]);
  const { promise, resolve } = Promise.withResolvers<ProbeResult>();
  const sent = request(target, { lookup, signal, agent: false, headers: { 'user-agent': 'clusternator-health' } });
  sent.on('response', (response) => {
    const status = response.statusCode ?? 0;
    response.destroy();
    resolve({ ok: status >= accept.statusFrom && status <= accept.statusTo, message: `answered ${String(status)}` });
  });
  sent.on('error', (error) => {
    const late = signal.aborted && !options.signal.aborted;
    resolve({ ok: false, message: late ? `no answer in ${String(options.timeoutSeconds)} s` : error.message });
  });
  sent.end();
  const result = await promise;
  options.signal.throwIfAborted();
  return result;
}
