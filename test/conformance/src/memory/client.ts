import { ProviderError, type Call, type Host, type Identity } from '@clusternator/core/provider';
import { z } from 'zod';

/** What the cloud says of a thing. */
export const itemSchema = z.object({
  name: z.string(),
  version: z.number(),
  state: z.enum(['active', 'pending', 'deleting', 'deleted']),
  tags: z.record(z.string(), z.string()),
  spec: z.looseObject({}),
});
export type Item = z.output<typeof itemSchema>;
/** An answer other than 2xx: `error` is the cloud's own code. */
class Refused extends Error {
  constructor(
    readonly status: number,
    readonly error: string,
    readonly isMutation: boolean,
    readonly retryAfterSeconds: number | undefined,
  ) {
    super(`the cloud answered ${String(status)} ${error}`);
  }
}
/** A request without an answer that can be read. */
class Lost extends Error {
  constructor(
    readonly isMutation: boolean,
    readonly kind: 'gone' | 'unreadable',
    cause: unknown,
  ) {
    super(kind === 'gone' ? 'the connection broke off' : 'the answer can not be read', { cause });
  }
}
export interface Ask<T> {
  readonly method: 'GET' | 'PUT' | 'POST' | 'DELETE' | 'PATCH';
  readonly path: string;
  readonly schema: z.ZodType<T>;
  readonly body?: unknown;
  readonly ifMatch?: string;
  readonly ifNew?: boolean;
}

const errorSchema = z.object({ error: z.string() });

/** Speaks the cloud's HTTP and JSON. */
export class CloudClient {
  constructor(
    private readonly endpoint: string,
    private readonly host: Host,
  ) {}

  async ask<T>({ method, path, schema, body, ifMatch, ifNew }: Ask<T>, call: Call): Promise<T> {
    const isMutation = method !== 'GET';
    let status: number;
    let headers: Headers;
    let text: string;
    call.signal.throwIfAborted(); // nothing was sent
    try {
      const response = await this.host.fetch(`${this.endpoint}/v1/${path}`, {
        method,
        signal: call.signal,
        headers: {
          authorization: `Bearer ${this.host.env.MEMORY_TOKEN ?? ''}`,
          ...(ifMatch !== undefined && { 'if-match': ifMatch }),
          ...(ifNew && { 'if-none-match': '*' }),
        },
        ...(body !== undefined && { body: JSON.stringify(body) }),
      });
      ({ status, headers } = response);
      text = await response.text();
    } catch (cause) {
      if (call.signal.aborted) {
        throw new ProviderError('cancelled', `${method} ${path} was interrupted`, {
          effect: isMutation ? 'unknown' : 'none',
          cause,
        });
      }
      throw new Lost(isMutation, 'gone', cause);
    }
    const parsed = jsonOf(text);
    if (status < 300) {
      const found = schema.safeParse(parsed);
      if (!found.success) throw new Lost(isMutation, 'unreadable', found.error);
      return found.data;
    }
    const { data } = errorSchema.safeParse(parsed);
    const retryAfter = headers.get('retry-after');
    throw new Refused(status, data?.error ?? '', isMutation, retryAfter === null ? undefined : Number(retryAfter));
  }

  /** Undefined only when the cloud itself says that there is none. */
  async find<T>(path: string, schema: z.ZodType<T>, call: Call): Promise<T | undefined> {
    try {
      return await this.ask({ method: 'GET', path, schema }, call);
    } catch (error) {
      if (error instanceof Refused && error.status === 404 && error.error === 'NotFound') return undefined;
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
    const page = z.object({ items: z.array(schema), next: z.union([z.string(), z.number()]).optional() });
    let after: string | undefined;
    do {
      const query = new URLSearchParams({ ...filter, ...(after !== undefined && { after }) });
      const { items, next } = await this.ask(
        { method: 'GET', path: `${collection}?${query.toString()}`, schema: page },
        call,
      );
      yield* items;
      after = next === undefined ? undefined : String(next);
    } while (after !== undefined);
  }
}

/** Whether the cloud says that somebody else was first. */
export function isConflict(error: unknown): boolean {
  return error instanceof Refused && error.status === 412;
}
/** Whether the cloud says that it is not there (any more). */
export function isMissing(error: unknown): boolean {
  return error instanceof Refused && error.status === 404 && error.error === 'NotFound';
}

/** @throws ProviderError `owned-by-other`. */
export function assertOurs(host: Host, item: Pick<Item, 'name' | 'tags'>): Identity {
  const identity = host.identify(item.tags);
  if (identity) return identity;
  throw new ProviderError('owned-by-other', `${item.name} is there already, and not ours`, {
    hint: 'rename or remove it, or choose another project name',
  });
}

const CODES = {
  401: 'unauthenticated',
  403: 'denied',
  404: 'not-found',
  409: 'conflict',
  412: 'conflict',
  422: 'invalid',
  429: 'throttled',
} as const;

/** The cloud's words as ours. */
export function errorOf(cause: unknown): ProviderError | undefined {
  if (cause instanceof Lost) {
    const code = cause.kind === 'gone' ? 'unavailable' : 'internal';
    return new ProviderError(code, cause.message, {
      cause,
      effect: cause.isMutation ? 'unknown' : 'none',
      retry: 'after-read',
    });
  }
  if (!(cause instanceof Refused)) return undefined;
  const { status, error, isMutation, retryAfterSeconds } = cause;
  if (error === 'QuotaExceeded') return new ProviderError('quota', cause.message, { cause });
  // Something that was made a moment ago and that the cloud does not see yet.
  if (error === 'NotVisible')
    return new ProviderError('unavailable', cause.message, { cause, effect: 'none', retry: 'safe' });
  if (error === 'BadTtl') return new ProviderError('invalid', cause.message, { cause, path: 'ttlSeconds' });
  if (status >= 500)
    return new ProviderError('unavailable', cause.message, { cause, effect: isMutation ? 'unknown' : 'none' });
  // A 404 of something else than the cloud's interface is no word of the cloud.
  if (status === 404 && error === '') return new ProviderError('internal', cause.message, { cause, effect: 'none' });
  const code = status in CODES ? CODES[status as keyof typeof CODES] : 'internal'; // just looked up
  return new ProviderError(code, cause.message, {
    cause,
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
