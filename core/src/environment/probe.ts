import type { ProxyEnv, RequestOptions } from 'node:http';
import { connect } from 'node:net';

/** One answer to a GET. */
export interface ProbeResult {
  readonly ok: boolean;
  /** The status, or why there was none. */
  readonly message: string;
}

/** `localhost` and all below it is this machine, whatever the system's resolver says. @see https://www.rfc-editor.org/rfc/rfc6761#section-6.3 */
const isOnThisMachine = (hostname: string): boolean => /(?:^|\.)localhost$/.test(hostname);
const addressOf = (hostname: string): string =>
  isOnThisMachine(hostname) ? '127.0.0.1' : hostname.replace(/^\[(.*)\]$/, '$1');

/** How long is waited, and the variables that tell of a proxy. */
export interface ProbeOptions {
  readonly timeoutSeconds: number;
  readonly signal: AbortSignal;
  /** `HTTP_PROXY`, `HTTPS_PROXY` and `NO_PROXY`, also in lower case. */
  readonly env: Readonly<Record<string, string | undefined>>;
}

/**
 * Core's own request to a public part: GET, the body is not read, redirects are answers. Never rejects but on abort. It goes through the proxy
 * that the environment names, as all else that asks for the address does; what is on this machine by its name never does.
 */
export async function probe(
  url: string,
  accept: { readonly statusFrom: number; readonly statusTo: number },
  options: ProbeOptions,
): Promise<ProbeResult> {
  const target = new URL(url);
  const address = addressOf(target.hostname);
  const secure = target.protocol === 'https:';
  // Environments on this machine are asked without TLS, whose modules take long to load. An `import()` would make Node read every property
  // of the module, of which one loads a WebSocket client.
  const { request, Agent } = process.getBuiltinModule(secure ? 'node:https' : 'node:http');
  const proxyEnv = isOnThisMachine(target.hostname) ? undefined : proxyFor(secure, options.env);
  const agent = proxyEnv && new Agent({ proxyEnv });
  const signal = AbortSignal.any([options.signal, AbortSignal.timeout(options.timeoutSeconds * 1000)]);
  const { promise, resolve } = Promise.withResolvers<ProbeResult>();
  const sent = request(target, {
    hostname: address,
    signal,
    headers: { host: target.host, 'user-agent': 'clusternator-health' },
    ...(agent ? { agent } : directly(secure, Number(target.port || 80), address)),
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
  agent?.destroy();
  options.signal.throwIfAborted();
  return result;
}

/** Without TLS, an agent would work out what the host is called for it. */
function directly(secure: boolean, port: number, address: string): RequestOptions {
  return secure ? { agent: false } : { createConnection: () => connect(port, address) };
}

const PROXY_VARIABLES = ['HTTP_PROXY', 'HTTPS_PROXY', 'NO_PROXY'] as const;

/** The variables of a proxy, as Node's agents read them, which know what `NO_PROXY` leaves out. Undefined: there is no proxy.
 *  @see https://nodejs.org/api/http.html#built-in-proxy-support */
function proxyFor(secure: boolean, env: ProbeOptions['env']): ProxyEnv | undefined {
  const told = (name: string): string | undefined => env[name.toLowerCase()] ?? env[name];
  if (!told(secure ? 'HTTPS_PROXY' : 'HTTP_PROXY')) return undefined;
  return Object.fromEntries(PROXY_VARIABLES.flatMap((name) => (told(name) ? [[name, told(name)]] : [])));
}
