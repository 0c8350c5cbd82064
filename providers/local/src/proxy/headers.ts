import type { IncomingMessage } from 'node:http';

/** Who asked, as upstreams are told. */
export interface Client {
  readonly address: string;
  readonly host: string;
}

// RFC 9110 §7.6.1, and the ones that it obsoletes. Content-Length and Transfer-Encoding are the codec's own business.
const HOP_BY_HOP: ReadonlySet<string> = new Set([
  'connection',
  'keep-alive',
  'proxy-connection',
  'proxy-authenticate',
  'proxy-authorization',
  'te',
  'transfer-encoding',
  'upgrade',
]);
const SET_BY_US: ReadonlySet<string> = new Set([
  'host',
  'forwarded',
  'x-forwarded-for',
  'x-forwarded-host',
  'x-forwarded-proto',
]);

/** Never as a trailer, where a server that merges trailers into headers would be fooled (RFC 9110 §6.5.1). */
const NO_TRAILER: ReadonlySet<string> = new Set([
  ...HOP_BY_HOP,
  ...SET_BY_US,
  'authorization',
  'cache-control',
  'content-encoding',
  'content-length',
  'content-range',
  'content-type',
  'cookie',
  'expect',
  'max-forwards',
  'range',
  'set-cookie',
  'trailer',
  'www-authenticate',
]);

/** What is wrong with a request that would be read in two ways by two servers, or nothing. */
export function ambiguity(request: IncomingMessage): { readonly reason: string; readonly status: number } | undefined {
  const { rawHeaders, headers } = request;
  let hosts = 0;
  let lengths = 0;
  for (let i = 0; i < rawHeaders.length; i += 2) {
    const name = rawHeaders[i] ?? '';
    if (name.length === 4 && name.toLowerCase() === 'host') hosts += 1;
    else if (name.length === 14 && name.toLowerCase() === 'content-length') lengths += 1;
  }
  if (hosts > 1) return { reason: 'The request has more than one Host', status: 400 };
  if (lengths > 1) return { reason: 'The request has more than one Content-Length', status: 400 };
  const encoding = headers['transfer-encoding'];
  if (encoding === undefined) return undefined;
  if (lengths > 0) return { reason: 'The request has both a Content-Length and a Transfer-Encoding', status: 400 };
  if (request.httpVersion === '1.0') return { reason: 'HTTP/1.0 knows no Transfer-Encoding', status: 400 };
  if (encoding.toLowerCase() !== 'chunked')
    return { reason: 'The only Transfer-Encoding known here is chunked', status: 501 };
  return undefined;
}

/** The request's headers for the upstream, flat, with the Forwarded family set. Whatever the client claimed there counts only when `trusted`. */
export function upstreamHeaders(request: IncomingMessage, client: Client, trusted: boolean): string[] {
  const { rawHeaders, headers } = request;
  const named = connectionOptions(headers.connection);
  const out: string[] = ['host', client.host];
  for (let i = 0; i < rawHeaders.length; i += 2) {
    const name = rawHeaders[i] ?? '';
    const lower = name.toLowerCase();
    if (HOP_BY_HOP.has(lower) || SET_BY_US.has(lower) || lower === 'expect') continue;
    if (named?.has(lower) === true) continue;
    out.push(name, rawHeaders[i + 1] ?? '');
  }
  // Trailers are passed on, so an upstream that asks may send them.
  if (headers.te !== undefined && TRAILERS.test(String(headers.te))) out.push('te', 'trailers');
  const before = trusted ? claimed(request) : undefined;
  const proto = before?.proto ?? 'http';
  out.push(
    'x-forwarded-for',
    before?.for === undefined ? client.address : `${before.for}, ${client.address}`,
    'x-forwarded-proto',
    proto,
    'x-forwarded-host',
    before?.host ?? client.host,
    'forwarded',
    forwarded(before?.forwarded, client, proto),
  );
  return out;
}

/**
 * The response's headers for the client, flat.
 * @param trailersFollow - Whether the response can carry the trailers that it announces.
 */
export function clientHeaders(
  raw: readonly string[],
  { status, trailersFollow }: { readonly status: number; readonly trailersFollow: boolean },
): string[] {
  const out: string[] = [];
  let named: ReadonlySet<string> | undefined;
  for (let i = 0; i < raw.length; i += 2) {
    const name = raw[i] ?? '';
    const lower = name.toLowerCase();
    if (lower === 'connection') named = connectionOptions(raw[i + 1] ?? '');
    if (HOP_BY_HOP.has(lower) || (lower === 'trailer' && !trailersFollow)) continue;
    // RFC 9110 §8.6: a 204 has no length, and who reads one might wait for it.
    if (status === 204 && lower === 'content-length') continue;
    out.push(name, raw[i + 1] ?? '');
  }
  return named === undefined ? out : without(out, named);
}

/** Trailers that may be passed on, flat. */
export function endToEndTrailers(flat: readonly string[]): readonly string[] {
  return flat.length === 0 ? flat : without(flat, NO_TRAILER);
}

function without(flat: readonly string[], names: ReadonlySet<string>): string[] {
  const out: string[] = [];
  for (let i = 0; i < flat.length; i += 2) {
    const name = flat[i] ?? '';
    if (!names.has(name.toLowerCase())) out.push(name, flat[i + 1] ?? '');
  }
  return out;
}

/** The headers that a Connection header calls hop by hop. Framing is never theirs to take away (RFC 9110 §7.6.1). */
function connectionOptions(connection: string | undefined): ReadonlySet<string> | undefined {
  if (connection === undefined || connection === 'keep-alive' || connection === 'close') return undefined;
  const names = connection.split(',').map((name) => name.trim().toLowerCase());
  return new Set(names.filter((name) => !END_TO_END.has(name)));
}
const TRAILERS = /(?:^|,)\s*trailers\s*(?:,|;|$)/i;
const END_TO_END: ReadonlySet<string> = new Set(['host', 'content-length', 'content-type', 'cache-control', 'trailer']);

function claimed(request: IncomingMessage): { for?: string; host?: string; proto?: string; forwarded?: string } {
  const { headers } = request;
  const proto = first(headers['x-forwarded-proto']);
  const host = first(headers['x-forwarded-host']);
  const through = headers['x-forwarded-for'];
  return {
    ...(through === undefined ? {} : { for: String(through) }),
    ...(proto === 'http' || proto === 'https' ? { proto } : {}),
    ...(host === undefined ? {} : { host }),
    ...(headers.forwarded === undefined ? {} : { forwarded: headers.forwarded }),
  };
}

function first(value: string | string[] | undefined): string | undefined {
  return (Array.isArray(value) ? value[0] : value)?.split(',')[0]?.trim();
}

const UNQUOTABLE = /["\\]/;
/** RFC 7239: an IPv6 address and a host with a port are quoted. */
function forwarded(before: string | undefined, client: Client, proto: string): string {
  const address = client.address.includes(':') ? `"[${client.address}]"` : client.address;
  const host = UNQUOTABLE.test(client.host) ? client.host.replaceAll(/["\\]/g, '') : client.host;
  const own = `for=${address};host="${host}";proto=${proto}`;
  return before === undefined ? own : `${before}, ${own}`;
}
