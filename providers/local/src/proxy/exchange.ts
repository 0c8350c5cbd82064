import type { IncomingMessage, ServerResponse } from 'node:http';
import type { Readable } from 'node:stream';
import type { Dispatcher } from 'undici';
import { badGateway, send, unavailable } from './answers.ts';
import type { BackendPart, Endpoint, LiveBackend } from './backend.ts';
import { clientHeaders, endToEndTrailers } from './headers.ts';
import type { Upstream, Upstreams } from './upstreams.ts';

/** One request on its way. */
export interface ExchangeInput {
  readonly request: IncomingMessage;
  readonly response: ServerResponse;
  /** In origin form. */
  readonly path: string;
  /** Flat: name, value, name, value. */
  readonly headers: string[];
  readonly expectsContinue: boolean;
  readonly backend: LiveBackend;
  readonly part: BackendPart;
  readonly endpoints: readonly Endpoint[];
}

const REPEATABLE: ReadonlySet<string> = new Set(['GET', 'HEAD', 'OPTIONS', 'TRACE', 'PUT', 'DELETE']);
const UNREACHED: ReadonlySet<string> = new Set([
  'ECONNREFUSED',
  'EHOSTUNREACH',
  'ENETUNREACH',
  'EADDRNOTAVAIL',
  'ENOTFOUND',
  'ETIMEDOUT',
  'UND_ERR_CONNECT_TIMEOUT',
  'UND_ERR_CLOSED',
  'UND_ERR_DESTROYED',
]);

/** Takes one request to an upstream and its answer back. One object a request: this is the hot path. */
export class Exchange implements Dispatcher.DispatchHandler {
  private readonly tried = new Set<Upstream>();
  private readonly hasBody: boolean;
  private upstream: Upstream | undefined;
  private controller: Dispatcher.DispatchController | undefined;
  private bodyBegun = false;
  private repeated = false;
  private gone = false;
  private answered = false;
  private bytesBegun = false;
  private declaredLength: number | undefined;

  constructor(
    private readonly input: ExchangeInput,
    private readonly upstreams: Upstreams,
  ) {
    const { headers } = input.request;
    const length = headers['content-length'];
    this.hasBody = headers['transfer-encoding'] !== undefined || (length !== undefined && length !== '0');
  }

  start(): void {
    const { backend, endpoints } = this.input;
    const upstream = this.upstreams.pick(backend.id, endpoints, this.tried);
    if (upstream === undefined) {
      this.fail(
        unavailable(this.about(), endpoints.length === 0 ? 'none of it is running' : 'it refuses connections', 1),
      );
      return;
    }
    this.tried.add(upstream);
    this.dispatchTo(upstream);
  }

  /** The client went away: the upstream must not go on for nobody. */
  clientGone(): void {
    this.gone = true;
    if (!this.answered) this.controller?.abort(new Error('the client went away'));
  }

  onRequestStart(controller: Dispatcher.DispatchController): void {
    this.controller = controller;
    if (this.gone) controller.abort(new Error('the client went away'));
  }

  onResponseStart(
    controller: Dispatcher.DispatchController,
    status: number,
    headers: Record<string, string | string[] | undefined>,
    message?: string,
  ): void {
    const { request, response } = this.input;
    if (status < 200) {
      this.passInformation(status, headers);
      return;
    }
    const encoding = headers['transfer-encoding'];
    if (encoding !== undefined && String(encoding).toLowerCase() !== 'chunked') {
      this.fail(badGateway(this.about(), 'its answer has an encoding that is not known here'));
      controller.abort(new Error('unknown transfer encoding'));
      return;
    }
    const length = headers['content-length'];
    this.declaredLength = typeof length === 'string' ? Number(length) : undefined;
    const trailersFollow =
      this.declaredLength === undefined && request.method !== 'HEAD' && request.httpVersion !== '1.0';
    const reason = message === undefined || NOT_IN_REASON.test(message) ? '' : message;
    response.writeHead(status, reason, clientHeaders(textsOf(controller.rawHeaders), { status, trailersFollow }));
    // Headers travel with the first bytes where these are here already, and alone where they aren't.
    process.nextTick(flushIfIdle, this);
  }

  onResponseData(controller: Dispatcher.DispatchController, chunk: Buffer): void {
    const { response } = this.input;
    this.bytesBegun = true;
    if (chunk.length === this.declaredLength) {
      this.answered = true;
      // As one string with the headers, a small answer is one write instead of a gathered one.
      if (chunk.length <= ONE_WRITE_BYTES) response.end(chunk.toString('latin1'), 'latin1');
      else response.end(chunk);
      return;
    }
    if (response.write(chunk)) return;
    controller.pause();
    response.once('drain', () => {
      controller.resume();
    });
  }

  onResponseEnd(controller: Dispatcher.DispatchController): void {
    const { response } = this.input;
    this.answered = true;
    if (response.writableEnded) return;
    const trailers = endToEndTrailers(textsOf(controller.rawTrailers));
    if (trailers.length > 0) response.addTrailers(pairs(trailers));
    response.end();
  }

  onResponseError(_controller: Dispatcher.DispatchController | undefined, error: Error): void {
    const { response } = this.input;
    if (this.gone || this.answered || response.destroyed) return;
    const code = 'code' in error && typeof error.code === 'string' ? error.code : '';
    if (this.controller === undefined && UNREACHED.has(code)) {
      this.passOver(code);
      return;
    }
    if (this.mayRepeat(error)) {
      this.repeated = true;
      this.controller = undefined;
      if (this.upstream !== undefined) this.dispatchTo(this.upstream);
      return;
    }
    if (code === 'UND_ERR_HEADERS_TIMEOUT') {
      this.fail({ status: 504, text: `${this.about()} took too long to answer.` });
      return;
    }
    this.fail(badGateway(this.about(), reasonOf(code)));
  }

  flushHeaders(): void {
    const { response } = this.input;
    if (!this.bytesBegun && !response.writableEnded && !response.destroyed) response.flushHeaders();
  }

  private dispatchTo(upstream: Upstream): void {
    this.upstream = upstream;
    const { request, path, headers } = this.input;
    // undici's documentation and code take an async iterable as a body; its types leave that out.
    const body = this.hasBody ? (this.body() as unknown as Readable) : null;
    upstream.pool.dispatch({ path, method: request.method ?? 'GET', headers, body }, this);
  }

  /** It never got there, so any request may go elsewhere. */
  private passOver(code: string): void {
    const closing = code === 'UND_ERR_CLOSED' || code === 'UND_ERR_DESTROYED';
    if (this.upstream !== undefined && !closing) this.upstreams.markDead(this.upstream);
    this.start();
  }

  /** The upstream closed an idle connection in the moment in which we used it: nothing was done there. */
  private mayRepeat(error: Error): boolean {
    const { request, response } = this.input;
    return (
      !this.repeated &&
      !this.hasBody &&
      !response.headersSent &&
      REPEATABLE.has(request.method ?? '') &&
      this.upstreams.brokeReusedConnection(error)
    );
  }

  private fail(answer: Parameters<typeof send>[1]): void {
    const { response, expectsContinue } = this.input;
    // Who was never told to go on may leave the body out, so the next request's start would be a guess.
    const headers = expectsContinue && !this.bodyBegun ? { ...answer.headers, connection: 'close' } : answer.headers;
    this.answered = true;
    send(response, headers === undefined ? answer : { ...answer, headers });
  }

  /** Begins when the upstream's connection takes it, not before. A part that nobody wanted is read and dropped, so that the client's connection lives on. */
  private async *body(): AsyncGenerator<Buffer, void> {
    const { request, response, expectsContinue } = this.input;
    this.bodyBegun = true;
    if (expectsContinue) response.writeContinue();
    try {
      yield* request.iterator({ destroyOnReturn: false });
    } finally {
      if (!request.complete) request.resume();
    }
  }

  private passInformation(status: number, headers: Record<string, string | string[] | undefined>): void {
    const { request, response } = this.input;
    if (status !== 103 || headers.link === undefined || request.httpVersion === '1.0') return;
    try {
      response.writeEarlyHints({ link: headers.link });
    } catch {
      // A hint that Node won't repeat is only a hint.
    }
  }

  private about(): string {
    return `service ${this.input.part.name} of ${this.input.backend.title}`;
  }
}

// RFC 9112 §4: Node refuses to write anything else.
const NOT_IN_REASON = /[^\t\x20-\x7e\x80-\xff]/;
const ONE_WRITE_BYTES = 16_384;

function flushIfIdle(exchange: Exchange): void {
  exchange.flushHeaders();
}

/** undici's types leave open what it gives: flat, name, value, name, value. */
function textsOf(flat: unknown): string[] {
  if (!Array.isArray(flat)) return [];
  return flat.map((it: unknown) => (Buffer.isBuffer(it) ? it.toString('latin1') : String(it)));
}

function pairs(flat: readonly string[]): [string, string][] {
  const out: [string, string][] = [];
  for (let i = 0; i + 1 < flat.length; i += 2) out.push([flat[i] ?? '', flat[i + 1] ?? '']);
  return out;
}

function reasonOf(code: string): string {
  if (code === 'UND_ERR_HEADERS_OVERFLOW') return 'the headers of its answer are too large';
  if (code.startsWith('HPE_')) return 'its answer is not HTTP';
  if (code === 'UND_ERR_INVALID_ARG' || code === 'UND_ERR_NOT_SUPPORTED') return 'the request can not be passed on';
  return 'it closed the connection';
}
