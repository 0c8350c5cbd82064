import { setTimeout as sleep } from 'node:timers/promises';
import type { Fault, WireCall } from './wire.ts';

/** A cloud's answer, as it comes. */
export interface Answer {
  readonly status: number;
  readonly headers: Readonly<Record<string, string | readonly string[]>>;
  readonly body: AsyncIterable<Buffer>;
  /** Once the body has ended. */
  trailers(): Readonly<Record<string, string>>;
}
/** The side of whoever asked. */
export interface Reply {
  start(status: number, headers: Answer['headers']): void;
  write(piece: Buffer): Promise<void>;
  end(trailers: Readonly<Record<string, string>>): Promise<void>;
  /** Breaks the connection off. */
  reset(): void;
}
export interface Upstream {
  send(call: WireCall): Promise<Answer>;
}
type Refused = (Fault & { kind: 'refuse' })['refusal'];
interface Remembered {
  readonly at: number;
  readonly status: number;
  readonly headers: Answer['headers'];
  readonly body: Buffer;
  readonly trailers: Readonly<Record<string, string>>;
}

const LARGEST_REMEMBERED_BYTES = 1024 * 1024;

/** Carries one call to the cloud and its answer back, through whatever befalls it. */
export class Carrier {
  /** What reads were answered, for those that are to be stale. */
  readonly #memory = new Map<string, Remembered[]>();

  constructor(private readonly upstream: Upstream) {}

  async carry(call: WireCall, fault: Fault | undefined, reply: Reply): Promise<void> {
    if (fault?.kind === 'delay') await sleep(fault.seconds * 1000);
    if (fault?.kind === 'interrupt' && fault.at === 'before') return interrupt(fault, reply);
    if (fault && 'after' in fault && !fault.after) return fail(fault, reply, call);
    if (fault?.kind === 'stale') {
      const old = this.#asOf(call, fault.asOf);
      if (old) return replay(old, reply);
    }
    const answer = await this.upstream.send(call);
    if (fault && 'after' in fault) {
      await drain(answer);
      return fail(fault, reply, call);
    }
    if (fault?.kind === 'interrupt' && fault.at === 'after') {
      await drain(answer);
      return interrupt(fault, reply);
    }
    await this.#pass(call, answer, reply);
    if (fault?.kind === 'interrupt') await fault.act();
  }

  async #pass(call: WireCall, answer: Answer, reply: Reply): Promise<void> {
    reply.start(answer.status, answer.headers);
    const pieces: Buffer[] = [];
    let bytes = 0;
    for await (const piece of answer.body) {
      bytes += piece.length;
      if (bytes <= LARGEST_REMEMBERED_BYTES) pieces.push(piece);
      await reply.write(piece);
    }
    const trailers = answer.trailers();
    if (call.mutation === undefined && bytes <= LARGEST_REMEMBERED_BYTES) {
      const { status, headers } = answer;
      const remembered = { at: call.at, status, headers, body: Buffer.concat(pieces), trailers };
      const key = keyOf(call);
      this.#memory.set(key, [...(this.#memory.get(key) ?? []), remembered]);
    }
    await reply.end(trailers);
  }

  #asOf(call: WireCall, at: number): Remembered | undefined {
    return this.#memory.get(keyOf(call))?.findLast((one) => one.at < at);
  }
}

/** gRPC tells its reads apart by their bodies alone. */
function keyOf({ method, path, body }: WireCall): string {
  return `${method} ${path} ${body.toString('base64')}`;
}

async function interrupt(fault: Fault & { kind: 'interrupt' }, reply: Reply): Promise<void> {
  await fault.act();
  reply.reset();
}

async function fail(
  fault: Fault & { kind: 'refuse' | 'reset' | 'silence' },
  reply: Reply,
  call: WireCall,
): Promise<void> {
  if (fault.kind === 'reset') reply.reset();
  if (fault.kind === 'refuse') await refuse(fault.refusal, reply, call);
}

async function refuse(refusal: Refused, reply: Reply, call: WireCall): Promise<void> {
  const { status, headers, body = '', grpcStatus } = typeof refusal === 'function' ? refusal(call) : refusal;
  const isGrpc = call.protocol === 'grpc';
  reply.start(status, { 'content-type': isGrpc ? 'application/grpc' : 'application/json', ...headers });
  if (!isGrpc && body !== '') await reply.write(Buffer.from(body));
  await reply.end(
    isGrpc && grpcStatus !== undefined ? { 'grpc-status': String(grpcStatus), 'grpc-message': body } : {},
  );
}

async function replay(old: Remembered, reply: Reply): Promise<void> {
  reply.start(old.status, old.headers);
  await reply.write(old.body);
  await reply.end(old.trailers);
}

async function drain(answer: Answer): Promise<void> {
  await Array.fromAsync(answer.body);
}
