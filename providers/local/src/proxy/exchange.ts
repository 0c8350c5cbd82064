import type { IncomingMessage, ServerResponse } from 'node:http';
import type { AnswerHead } from './answer-head.ts';
import { badGateway, send, unavailable } from './answers.ts';
import type { BackendPart, Endpoint, LiveBackend } from './backend.ts';
import type { AnswerHandler, Break, UpstreamConnection } from './connection.ts';
import { clientHeaders, endToEndTrailers } from './headers.ts';
import { lines, Upload } from './upload.ts';
import type { Upstream, Upstreams } from './upstreams.ts';

/** One request on its way. */
export interface ExchangeInput {
  readonly request: IncomingMessage;
  readonly response: ServerResponse;
  /** In origin form. */
  readonly path: string;
  /** Flat: name, value, name, value. */
  readonly headers: readonly string[];
  readonly expectsContinue: boolean;
  readonly backend: LiveBackend;
  readonly part: BackendPart;
  readonly endpoints: readonly Endpoint[];
}

const REPEATABLE: ReadonlySet<string> = new Set(['GET', 'HEAD', 'OPTIONS', 'TRACE', 'PUT', 'DELETE']);
const NONE: ReadonlySet<Upstream> = new Set();

/** Takes one request to an upstream and its answer back. One object a request: this is the hot path. */
export class Exchange implements AnswerHandler {
  private tried: Set<Upstream> | undefined;
  private readonly hasBody: boolean;
  private readonly isChunked: boolean;
  private upstream: Upstream | undefined;
  private connection: UpstreamConnection | undefined;
  private upload: Upload | undefined;
  private repeated = false;
  private gone = false;
  private answered = false;
  private headWaits = false;
  private declaredLength: number | undefined;
  private carriesTrailers = false;

  constructor(
    private readonly input: ExchangeInput,
    private readonly upstreams: Upstreams,
  ) {
    const { headers } = input.request;
    const length = headers['content-length'];
    this.isChunked = headers['transfer-encoding'] !== undefined;
    this.hasBody = this.isChunked || (length !== undefined && length !== '0');
  }

  start(): void {
    const { backend, endpoints } = this.input;
    const upstream = this.upstreams.pick(backend.id, endpoints, this.tried ?? NONE);
    if (upstream === undefined) {
      const reason = endpoints.length === 0 ? 'none of it is running' : 'it refuses connections';
      this.fail(unavailable(this.about(), reason, 1));
      return;
    }
    const kept = upstream.pool.take();
    if (kept === undefined) this.connect(upstream);
    else this.ask(kept, upstream);
  }

  /** The client went away: the upstream must not go on for nobody. */
  clientGone(): void {
    this.gone = true;
    if (this.answered) return;
    this.upload?.stop();
    this.connection?.abandon();
  }

  onInformation({ status, headers }: AnswerHead): void {
    const { request, response } = this.input;
    if (status !== 103 || request.httpVersion === '1.0') return;
    const links = headers.filter((_, index) => index % 2 === 1 && headers[index - 1]?.toLowerCase() === 'link');
    if (links.length === 0) return;
    try {
      response.writeEarlyHints({ link: links });
    } catch {
      // A hint that Node won't repeat is only a hint.
    }
  }

  onHead(head: AnswerHead): void {
    const { request, response } = this.input;
    const { status } = head;
    this.declaredLength = head.length;
    this.carriesTrailers =
      head.isChunked && request.httpVersion !== '1.0' && request.method !== 'HEAD' && status !== 204 && status !== 304;
    const reason = NOT_IN_REASON.test(head.reason) ? '' : head.reason;
    response.writeHead(status, reason, clientHeaders(head.headers, { status, trailersFollow: this.carriesTrailers }));
    // It travels with the first bytes where these are here already, and alone where they aren't.
    this.headWaits = true;
  }

  onBody(chunk: Buffer): void {
    const { response } = this.input;
    this.headWaits = false;
    if (chunk.length === this.declaredLength) {
      this.answered = true;
      // As one string with the headers, a small answer is one write instead of a gathered one.
      if (chunk.length <= ONE_WRITE_BYTES) response.end(chunk.toString('latin1'), 'latin1');
      else response.end(chunk);
      return;
    }
    const { connection } = this;
    if (response.write(chunk) || connection === undefined) return;
    connection.pause();
    response.once('drain', () => {
      if (connection === this.connection) connection.resume();
    });
  }

  onPause(): void {
    if (!this.headWaits) return;
    this.headWaits = false;
    this.input.response.flushHeaders();
  }

  onComplete(trailers: readonly string[]): void {
    const { response } = this.input;
    this.answered = true;
    this.connection = undefined;
    this.upload?.stop();
    if (response.writableEnded) return;
    if (this.carriesTrailers && trailers.length > 0) response.addTrailers(pairs(endToEndTrailers(trailers)));
    response.end();
  }

  onBreak(reason: Break): void {
    const { response } = this.input;
    this.connection = undefined;
    this.upload?.stop();
    if (this.gone || this.answered || response.destroyed) return;
    if (this.mayRepeat(reason)) {
      this.repeated = true;
      // Another kept connection may have been closed in the same moment.
      if (this.upstream !== undefined) this.connect(this.upstream);
      return;
    }
    if (reason === 'timeout') this.fail({ status: 504, text: `${this.about()} took too long to answer.` });
    else this.fail(badGateway(this.about(), REASONS[reason]));
  }

  private connect(upstream: Upstream): void {
    upstream.pool.connect((connection) => {
      if (connection === undefined) this.passOver(upstream);
      else if (this.gone) connection.release();
      else this.ask(connection, upstream);
    });
  }

  private ask(connection: UpstreamConnection, upstream: Upstream): void {
    const { request, response, path, headers, expectsContinue } = this.input;
    const method = request.method ?? 'GET';
    this.connection = connection;
    this.upstream = upstream;
    const framing = this.isChunked ? CHUNKED : KEEP_ALIVE;
    connection.begin(method, `${method} ${path} HTTP/1.1\r\n${lines(headers)}${framing}\r\n`, !this.hasBody, this);
    if (!this.hasBody) return;
    if (expectsContinue) response.writeContinue();
    this.upload = new Upload(request, connection, this.isChunked);
  }

  /** It never got there, so any request may go elsewhere. */
  private passOver(upstream: Upstream): void {
    if (this.gone) return;
    this.upstreams.markDead(upstream);
    this.tried ??= new Set();
    this.tried.add(upstream);
    this.start();
  }

  /** The upstream closed an idle connection in the moment in which we used it: nothing was done there. */
  private mayRepeat(reason: Break): boolean {
    return reason === 'unused' && !this.repeated && !this.hasBody && REPEATABLE.has(this.input.request.method ?? '');
  }

  private fail(answer: Parameters<typeof send>[1]): void {
    const { response, expectsContinue } = this.input;
    // Who was never told to go on may leave the body out, so the next request's start would be a guess.
    const headers =
      expectsContinue && this.upload === undefined ? { ...answer.headers, connection: 'close' } : answer.headers;
    this.answered = true;
    send(response, headers === undefined ? answer : { ...answer, headers });
  }

  private about(): string {
    return `service ${this.input.part.name} of ${this.input.backend.title}`;
  }
}

// RFC 9112 §4: Node refuses to write anything else.
const NOT_IN_REASON = /[^\t\x20-\x7e\x80-\xff]/;
const ONE_WRITE_BYTES = 16_384;
const KEEP_ALIVE = 'connection: keep-alive\r\n';
const CHUNKED = `${KEEP_ALIVE}transfer-encoding: chunked\r\n`;

const REASONS: Readonly<Record<Exclude<Break, 'timeout'>, string>> = {
  'too-large': 'the headers of its answer are too large',
  'not-http': 'its answer is not HTTP',
  'unknown-encoding': 'its answer has an encoding that is not known here',
  closed: 'it closed the connection',
  unused: 'it closed the connection',
};

function pairs(flat: readonly string[]): [string, string][] {
  const out: [string, string][] = [];
  for (let i = 0; i + 1 < flat.length; i += 2) out.push([flat[i] ?? '', flat[i + 1] ?? '']);
  return out;
}
