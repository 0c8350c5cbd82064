import { ProviderError, type Call, type ErrorCode, type Host } from '@clusternator/core/provider';
import { z } from 'zod';

export interface Ask<T> {
  readonly method: 'GET' | 'PUT' | 'POST' | 'DELETE' | 'PATCH';
  readonly path: string;
  readonly schema: z.ZodType<T>;
  readonly body?: unknown;
  readonly ifMatch?: string;
  readonly ifNew?: boolean;
}

/** A request that was not answered as was hoped for. Without a `status` there is no answer that can be read. */
class Failure extends Error {
  constructor(
    message: string,
    readonly isMutation: boolean,
    readonly status?: number,
    /** The cloud's own code. */
    readonly word = '',
    readonly retryAfterSeconds?: number,
    cause?: unknown,
  ) {
    super(message, { cause });
  }
}

const refusalSchema = z.object({ error: z.string() });

/** Speaks the cloud's HTTP and JSON. */
export class CloudClient {
  constructor(
    private readonly endpoint: string,
    private readonly host: Host,
  ) {}

  async ask<T>({ method, path, schema, body, ifMatch, ifNew }: Ask<T>, call: Call): Promise<T> {
    const what = `${method} ${path}`;
    const isMutation = method !== 'GET';
    call.signal.throwIfAborted(); // nothing was sent
    const headers = {
      authorization: `Bearer ${this.host.env.MEMORY_TOKEN ?? ''}`,
      ...(ifMatch !== undefined && { 'if-match': ifMatch }),
      ...(ifNew && { 'if-none-match': '*' }),
    };
    const request = { method, headers, signal: call.signal, body: body === undefined ? null : JSON.stringify(body) };
    const { response, text } = await this.#send(path, request).catch((cause: unknown) => {
      const effect = isMutation ? 'unknown' : 'none';
      if (call.signal.aborted) throw new ProviderError('cancelled', `${what} was interrupted`, { effect, cause });
      throw new Failure(`${what}: the connection broke off`, isMutation, undefined, 'Gone', undefined, cause);
    });
    const answer = jsonOf(text);
    if (response.ok) {
      const found = schema.safeParse(answer);
      if (found.success) return found.data;
      throw new Failure(`${what}: the answer can't be read`, isMutation, undefined, '', undefined, found.error);
    }
    const word = refusalSchema.safeParse(answer).data?.error;
    const message = `${what} was answered ${String(response.status)} ${word ?? ''}`;
    const retryAfter = response.headers.get('retry-after');
    throw new Failure(message, isMutation, response.status, word, retryAfter === null ? undefined : Number(retryAfter));
  }

  /** Undefined only when the cloud itself says that there is none. */
  async find<T>(path: string, schema: z.ZodType<T>, call: Call): Promise<T | undefined> {
    try {
      return await this.ask({ method: 'GET', path, schema }, call);
    } catch (error) {
      if (isMissing(error)) return undefined;
      throw error;
    }
  }

  /** All pages: one that is empty may not be the last. */
  async *list<T>(
    collection: string,
    filter: Readonly<Record<string, string>>,
    schema: z.ZodType<T>,
    call: Call,
  ): AsyncGenerator<T> {
    const page = z.object({ items: z.array(schema), next: z.coerce.string().optional() });
    let after: string | undefined;
    do {
      const query = new URLSearchParams({ ...filter, ...(after !== undefined && { after }) });
      const path = `${collection}?${query.toString()}`;
      const { items, next } = await this.ask({ method: 'GET', path, schema: page }, call);
      yield* items;
      after = next;
    } while (after !== undefined);
  }

  async #send(path: string, request: RequestInit): Promise<{ readonly response: Response; readonly text: string }> {
    const response = await this.host.fetch(`${this.endpoint}/v1/${path}`, request);
    return { response, text: await response.text() };
  }
}

/** Whether the cloud says that somebody else was first. */
export function isConflict(error: unknown): boolean {
  return error instanceof Failure && error.status === 412;
}

/** Whether the cloud says that it is not there (any more). */
export function isMissing(error: unknown): boolean {
  return error instanceof Failure && error.status === 404 && error.word === 'NotFound';
}

/** By the cloud's word, or else by its status. */
const CODES: Readonly<Record<string, ErrorCode>> = {
  ...{ Gone: 'unavailable', NotFound: 'not-found', QuotaExceeded: 'quota', NotVisible: 'unavailable' },
  ...{ 401: 'unauthenticated', 403: 'denied', 409: 'conflict', 412: 'conflict', 422: 'invalid', 429: 'throttled' },
};

/** The cloud's words as ours. A 404 of something else than the cloud's interface is no word of the cloud. */
export function errorOf(cause: unknown): ProviderError | undefined {
  if (!(cause instanceof Failure)) return undefined;
  const { status = 0, word, isMutation, retryAfterSeconds, message } = cause;
  const code = CODES[word] ?? CODES[status] ?? (status >= 500 ? 'unavailable' : 'internal');
  const isUnknown = isMutation && (status === 0 || status >= 500);
  return new ProviderError(code, message, {
    cause,
    effect: isUnknown ? 'unknown' : 'none',
    ...(word === 'NotVisible' && { retry: 'safe' }), // made a moment ago, and seen in another
    ...(word === 'BadTtl' && { path: 'ttlSeconds' }),
    ...(retryAfterSeconds !== undefined && { retryAfterSeconds }),
  });
}

function jsonOf(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
