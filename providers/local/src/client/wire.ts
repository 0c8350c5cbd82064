import { request, type IncomingMessage } from 'node:http';
import { connect } from 'node:net';
import { createInterface } from 'node:readline';
import { ProviderError, type ErrorCode } from '@clusternator/core/provider';
import { errorBodySchema } from '../control/views.ts';
import { codeOf } from '../control/failure.ts';

export interface WireRequest {
  readonly method: 'GET' | 'PUT' | 'POST' | 'DELETE';
  readonly path: string;
  readonly body?: unknown;
  readonly signal: AbortSignal;
}

/** The daemon does not answer, or its answer was lost: it is down, or was just stopped. */
export class ConnectionLost extends Error {
  override readonly name = 'ConnectionLost';
}

const CODES: ReadonlySet<string> = new Set<ErrorCode>([
  'not-found',
  'already-exists',
  'conflict',
  'unauthenticated',
  'denied',
  'invalid',
  'unsupported',
  'quota',
  'throttled',
  'unavailable',
  'timeout',
  'cancelled',
  'owned-by-other',
  'damaged',
  'internal',
]);

/** One request and its answer. @throws ConnectionLost, the signal's reason, and whatever ProviderError the daemon answers. */
export async function ask(socket: string, wanted: WireRequest): Promise<unknown> {
  const response = await send(socket, wanted);
  return parse(await textOf(response, wanted.signal));
}

/** One request that is answered with a line for each document. @throws as `ask`. */
export async function* askLines(socket: string, wanted: WireRequest): AsyncGenerator {
  const response = await send(socket, wanted);
  const lines = createInterface({ input: response, crlfDelay: Infinity });
  try {
    for await (const line of lines) yield parse(line);
  } catch (cause) {
    throw lost(cause, wanted.signal);
  } finally {
    response.destroy();
  }
  wanted.signal.throwIfAborted();
  if (!response.complete) throw new ConnectionLost('the daemon ended in the middle of its answer');
}

async function send(socket: string, { method, path, body, signal }: WireRequest): Promise<IncomingMessage> {
  signal.throwIfAborted();
  const text = body === undefined ? undefined : JSON.stringify(body);
  const sent = request({
    // Without an agent, which would work out what the host is called for TLS.
    createConnection: () => connect(socket),
    method,
    path,
    signal,
    headers: { host: 'daemon', ...(text !== undefined && { 'content-type': 'application/json' }) },
  });
  const first = Promise.withResolvers<IncomingMessage>();
  sent.once('response', first.resolve);
  sent.on('error', first.reject);
  sent.end(text);
  const response = await first.promise.catch((cause: unknown) => {
    throw lost(cause, signal);
  });
  response.on('error', () => undefined); // told by whoever reads it
  if (response.statusCode === 200) return response;
  throw errorOf(await textOf(response, signal), response.statusCode ?? 0);
}

async function textOf(response: IncomingMessage, signal: AbortSignal): Promise<string> {
  const pieces: Buffer[] = [];
  try {
    for await (const piece of response) if (Buffer.isBuffer(piece)) pieces.push(piece);
  } catch (cause) {
    throw lost(cause, signal);
  }
  return Buffer.concat(pieces).toString('utf8');
}

function parse(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch (cause) {
    throw new ProviderError('internal', 'the daemon answered something that is not JSON', { cause });
  }
}

function errorOf(text: string, status: number): ProviderError {
  const result = errorBodySchema.safeParse(parse(text));
  if (!result.success) return new ProviderError('internal', `the daemon answered with HTTP status ${String(status)}`);
  const { code, message, hint, path, retry, effect } = result.data.error;
  const detail = {
    ...(hint !== undefined && { hint }),
    ...(path !== undefined && { path }),
    ...(retry !== undefined && { retry }),
    ...(effect !== undefined && { effect }),
  };
  return new ProviderError(isCode(code) ? code : 'internal', message, detail);
}

function isCode(code: string): code is ErrorCode {
  return CODES.has(code);
}

function lost(cause: unknown, signal: AbortSignal): Error {
  if (signal.aborted) return signal.reason instanceof Error ? signal.reason : new Error('aborted', { cause });
  const code = codeOf(cause);
  if (code === 'EACCES' || code === 'EPERM') {
    return new ProviderError('denied', 'the daemon belongs to another user', {
      cause,
      hint: 'name a state folder of your own in CLUSTERNATOR_STATE_HOME',
    });
  }
  return new ConnectionLost('the daemon does not answer', { cause });
}
