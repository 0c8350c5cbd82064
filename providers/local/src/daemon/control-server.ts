import { chmodSync, rmSync } from 'node:fs';
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import { once } from 'node:events';
import { ProviderError } from '@clusternator/core/provider';
import { z } from 'zod';
import { codeOf, messageOf, stackOf } from '../control/failure.ts';

/** What a route is given. Its parameters and body are not checked yet. */
export interface ControlRequest {
  readonly parameters: Readonly<Record<string, string>>;
  readonly query: URLSearchParams;
  readonly body: unknown;
  /** The client has gone, or the daemon stops. */
  readonly signal: AbortSignal;
}
/** One document, or many: one JSON object a line, as they come. */
export type ControlAnswer = { readonly value: unknown } | { readonly lines: AsyncIterable<unknown> };
export interface ControlRoute {
  readonly method: 'GET' | 'PUT' | 'POST' | 'DELETE';
  /** Segments that begin with `:` are parameters. */
  readonly path: string;
  handle(request: ControlRequest): ControlAnswer | Promise<ControlAnswer>;
}

const MAX_BODY_BYTES = 8 * 1024 * 1024;
const STATUS_OF: Readonly<Record<string, number>> = {
  'not-found': 404,
  invalid: 400,
  conflict: 409,
  'already-exists': 409,
  denied: 403,
  unsupported: 422,
  quota: 507,
  unavailable: 503,
};

/** HTTP with JSON on a Unix socket that only its owner can open. */
export class ControlServer {
  readonly #routes: readonly ControlRoute[];
  readonly #log: (message: string) => void;
  readonly #server: Server;
  readonly #closing = new AbortController();
  #socket: string | undefined;

  constructor(routes: readonly ControlRoute[], log: (message: string) => void) {
    this.#routes = routes;
    this.#log = log;
    this.#server = createServer((request, response) => {
      void this.#answer(request, response);
    });
  }

  /** The caller holds the lock, so a socket that is there belongs to nobody any more. */
  async listen(socket: string): Promise<void> {
    rmSync(socket, { force: true });
    const before = process.umask(0o177);
    try {
      this.#server.listen(socket);
      await once(this.#server, 'listening');
    } finally {
      process.umask(before);
    }
    chmodSync(socket, 0o600);
    this.#socket = socket;
  }

  /** Requests that wait end; the socket goes. */
  async close(): Promise<void> {
    this.#closing.abort();
    if (!this.#server.listening) return;
    const closed = once(this.#server, 'close');
    this.#server.close();
    this.#server.closeIdleConnections();
    const force = setTimeout(() => {
      this.#server.closeAllConnections();
    }, 1000);
    await closed;
    clearTimeout(force);
    if (this.#socket !== undefined) rmSync(this.#socket, { force: true });
  }

  async #answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const gone = new AbortController();
    response.once('close', () => {
      gone.abort();
    });
    const signal = AbortSignal.any([gone.signal, this.#closing.signal]);
    try {
      const answer = await this.#handle(request, signal);
      if ('lines' in answer) await sendLines(response, answer.lines);
      else send(response, 200, answer.value);
    } catch (error) {
      this.#refuse(response, error, gone.signal);
    }
  }

  async #handle(request: IncomingMessage, signal: AbortSignal): Promise<ControlAnswer> {
    const url = new URL(request.url ?? '/', 'http://daemon');
    for (const route of this.#routes) {
      if (route.method !== request.method) continue;
      const parameters = matchPath(route.path, url.pathname);
      if (!parameters) continue;
      const body = route.method === 'PUT' || route.method === 'POST' ? await readBody(request) : undefined;
      return await route.handle({ parameters, query: url.searchParams, body, signal });
    }
    throw new ProviderError('not-found', `the daemon knows no ${request.method ?? ''} ${url.pathname}`, {
      hint: 'client and daemon may be of different versions: `clusternator daemon stop` ends the daemon, the next command starts its own',
    });
  }

  #refuse(response: ServerResponse, cause: unknown, gone: AbortSignal): void {
    if (gone.aborted) return;
    const error = errorOf(cause, this.#closing.signal.aborted);
    if (error.code === 'internal') this.#log(`internal error: ${stackOf(cause)}`);
    if (response.headersSent) {
      response.destroy();
      return;
    }
    const { code, message, retry, effect } = error;
    const { hint, path } = error.detail;
    send(response, STATUS_OF[code] ?? 500, {
      error: { code, message, retry, effect, ...(hint !== undefined && { hint }), ...(path !== undefined && { path }) },
    });
  }
}

function errorOf(cause: unknown, isClosing: boolean): ProviderError {
  if (ProviderError.is(cause)) return cause;
  if (isClosing) return new ProviderError('unavailable', 'the daemon is stopping', { retry: 'safe' });
  if (cause instanceof z.ZodError) {
    const [issue] = cause.issues;
    const path = issue?.path.map(String).join('.') ?? '';
    return new ProviderError('invalid', `${path === '' ? 'the request' : path}: ${issue?.message ?? 'is not valid'}`, {
      path,
      cause,
    });
  }
  const code = codeOf(cause);
  const isFull = code === 'ENOSPC' || code === 'EDQUOT' || messageOf(cause).includes('database or disk is full');
  if (isFull)
    return new ProviderError('quota', `the disk of the state folder is full: ${messageOf(cause)}`, {
      cause,
      effect: 'none',
    });
  return new ProviderError('internal', messageOf(cause), { cause });
}

/** @returns Undefined when it is another path. */
function matchPath(pattern: string, path: string): Record<string, string> | undefined {
  const wanted = pattern.split('/');
  const given = path.split('/');
  if (wanted.length !== given.length) return undefined;
  const parameters: Record<string, string> = {};
  for (const [i, segment] of wanted.entries()) {
    const actual = decode(given[i] ?? '');
    if (segment.startsWith(':')) parameters[segment.slice(1)] = actual;
    else if (segment !== actual) return undefined;
  }
  return parameters;
}

function decode(segment: string): string {
  try {
    return decodeURIComponent(segment);
  } catch {
    throw new ProviderError('invalid', `the path segment ${segment} is not encoded as it should be`);
  }
}

async function readBody(request: IncomingMessage): Promise<unknown> {
  const pieces: Buffer[] = [];
  let bytes = 0;
  for await (const piece of request) {
    if (!Buffer.isBuffer(piece)) continue;
    bytes += piece.length;
    if (bytes > MAX_BODY_BYTES)
      throw new ProviderError('invalid', `the request is larger than ${String(MAX_BODY_BYTES)} bytes`);
    pieces.push(piece);
  }
  if (bytes === 0) return {};
  try {
    return JSON.parse(Buffer.concat(pieces).toString('utf8'));
  } catch (cause) {
    throw new ProviderError('invalid', 'the request is not JSON', { cause });
  }
}

function send(response: ServerResponse, status: number, value: unknown): void {
  const body = Buffer.from(JSON.stringify(value) + '\n');
  response.writeHead(status, { 'content-type': 'application/json', 'content-length': body.length });
  response.end(body);
}

async function sendLines(response: ServerResponse, lines: AsyncIterable<unknown>): Promise<void> {
  response.writeHead(200, { 'content-type': 'application/x-ndjson' });
  response.flushHeaders();
  for await (const line of lines) {
    if (response.destroyed) return;
    if (!response.write(JSON.stringify(line) + '\n')) await drained(response);
  }
  response.end();
}

async function drained(response: ServerResponse): Promise<void> {
  if (!response.destroyed) await Promise.race([once(response, 'drain'), once(response, 'close')]);
}
