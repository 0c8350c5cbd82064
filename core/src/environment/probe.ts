import { connect } from 'node:net';

/** One answer to a GET. */
export interface ProbeResult {
  readonly ok: boolean;
  /** The status, or why there was none. */
  readonly message: string;
}

/** `localhost` and all below it is this machine, whatever the system's resolver says. @see https://www.rfc-editor.org/rfc/rfc6761#section-6.3 */
const addressOf = (hostname: string): string =>
  /(?:^|\.)localhost$/.test(hostname) ? '127.0.0.1' : hostname.replace(/^\[(.*)\]$/, '$1');

/** Core's own request to a public part: GET, the body is not read, redirects are answers. Never rejects but on abort. */
export async function probe(
  url: string,
  accept: { readonly statusFrom: number; readonly statusTo: number },
  options: { readonly timeoutSeconds: number; readonly signal: AbortSignal },
): Promise<ProbeResult> {
  const target = new URL(url);
  const address = addressOf(target.hostname);
  const secure = target.protocol === 'https:';
  // Environments on this machine are asked without TLS, whose modules take long to load. An `import()` would make Node read every property
  // of the module, of which one loads a WebSocket client.
  const { request } = process.getBuiltinModule(secure ? 'node:https' : 'node:http');
  const signal = AbortSignal.any([options.signal, AbortSignal.timeout(options.timeoutSeconds * 1000)]);
  const { promise, resolve } = Promise.withResolvers<ProbeResult>();
  const sent = request(target, {
    hostname: address,
    signal,
    headers: { host: target.host, 'user-agent': 'clusternator-health' },
    // An agent would work out what the host is called for TLS.
    ...(secure ? { agent: false } : { createConnection: () => connect(Number(target.port || 80), address) }),
  });
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
