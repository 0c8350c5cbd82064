import { ulid } from 'ulid';
import type { z } from 'zod';
import { systemClock, type Clock } from '../engine/clock.ts';
import { messageOf } from '../engine/thrown.ts';
import { ProviderError } from '../provider/error.ts';
import type { Call } from '../provider/host.ts';
import type { StateStore } from './store.ts';
import { putSurely } from './sure-put.ts';

/** One kind of document, and how older ones of it become today's. */
export interface DocumentKind<T extends { readonly schema: number }> {
  /** For messages. */
  readonly name: string;
  /** Of the keys, as `env/`. Empty with `singleton`. */
  readonly prefix: string;
  readonly schema: z.ZodType<T>;
  /** The schema version of today. */
  readonly version: T['schema'];
  /** From the version that is the key to the next one. */
  readonly upgrades: Readonly<Record<number, (older: Readonly<Record<string, unknown>>) => Record<string, unknown>>>;
}

/** A document as it was read, and what a change of it is conditional on. */
export interface Stored<T> {
  readonly id: string;
  readonly document: T;
  readonly revision: string;
}

/** Of the ids that begin with `prefix`, those after `after`. */
export interface ListOptions {
  readonly prefix?: string;
  readonly after?: string;
  readonly unreadable?: (id: string, error: ProviderError) => void;
}

/** How often `update` reads again when others change the document too. */
const UPDATE_TRIES = 20;

/** Typed documents of one kind. Every put carries a write id, by which a put whose answer was lost is found again. */
export class DocumentStore<T extends { readonly schema: number }> {
  constructor(
    private readonly store: StateStore,
    private readonly kind: DocumentKind<T>,
    private readonly clock: Clock = systemClock,
  ) {}

  /**
   * Undefined: there is none.
   * @throws `unsupported` (a newer version wrote it), `internal` (it doesn't read as what it should be), and what the store throws.
   */
  async get(id: string, call: Call): Promise<Stored<T> | undefined> {
    const found = await this.store.get(this.key(id), call);
    return found && { id, document: this.parse(id, found.value), revision: found.revision };
  }

  /** @throws `conflict`: there is one already. */
  create(id: string, document: T, call: Call): Promise<Stored<T>> {
    return this.put(id, document, null, call);
  }

  /**
   * Writes it if its revision is still the expected one (null: if there is none).
   * @throws `conflict` with effect `none` (lost), or `unknown` (overtaken, and ours may have been there before); `invalid`, when `document` is
   *   not one of its schema.
   */
  async put(id: string, document: T, expected: string | null, call: Call): Promise<Stored<T>> {
    const writeId = ulid().toLowerCase();
    const key = this.key(id);
    const value = JSON.stringify({ ...this.checked(id, document), writeId });
    const revision = await putSurely(this.store, { key, value, writeId, expected }, readWriteId, this.clock, call);
    return { id, document: this.parse(id, value), revision };
  }

  /**
   * Reads, changes and writes, again whenever somebody else was faster.
   * @param mutate - May be called several times, and on its own earlier result. Undefined leaves the document as it is.
   * @returns The document as it now is.
   * @throws `not-found`, and what `mutate` throws.
   */
  async update(id: string, mutate: (document: T) => T | undefined, call: Call): Promise<Stored<T>> {
    for (let tries = 1; ; tries++) {
      const current = await this.get(id, call);
      if (!current) throw new ProviderError('not-found', `there is no ${this.kind.name} ${id}`);
      const next = mutate(current.document);
      if (next === undefined) return current;
      try {
        return await this.put(id, next, current.revision, call);
      } catch (error) {
        if (!ProviderError.is(error) || error.code !== 'conflict' || tries === UPDATE_TRIES) throw error;
        await this.clock.sleep(Math.random() * 0.01 * tries, call.signal);
      }
    }
  }

  /** @throws `conflict`. */
  async delete(stored: Pick<Stored<T>, 'id' | 'revision'>, call: Call): Promise<void> {
    await this.store.delete(this.key(stored.id), stored.revision, call);
  }

  /** By id. One that vanishes in between is left out. One that can't be read ends the list, unless `unreadable` is there to be told. */
  async *list(call: Call, options: ListOptions = {}): AsyncGenerator<Stored<T>> {
    for await (const id of this.ids(call, options)) {
      const found = await this.store.get(this.key(id), call);
      const document = found && this.parseOr(id, found.value, options.unreadable);
      if (document) yield { id, document, revision: found.revision };
    }
  }

  /** As `list`, without reading the documents. */
  async *ids(call: Call, options: ListOptions = {}): AsyncGenerator<string> {
    for await (const { key } of this.store.list(this.key(options.prefix ?? ''), call)) {
      const id = key.slice(this.kind.prefix.length);
      if (options.after === undefined || id > options.after) yield id;
    }
  }

  private key(id: string): string {
    return `${this.kind.prefix}${id}`;
  }

  private checked(id: string, document: T): object {
    const { writeId: _, ...plain } = JSON.parse(JSON.stringify(document)) as Record<string, unknown>; // a document is an object
    const parsed = this.kind.schema.safeParse(plain);
    if (parsed.success) return plain;
    throw new ProviderError('invalid', `${this.kind.name} ${id} can't be written: ${issueOf(parsed.error)}`, {
      cause: parsed.error,
    });
  }

  private parse(id: string, value: string): T {
    const { writeId: _, ...plain } = this.objectOf(id, value);
    const parsed = this.kind.schema.safeParse(this.upgraded(id, plain));
    if (parsed.success) return parsed.data;
    throw this.unreadable(id, issueOf(parsed.error), parsed.error);
  }

  private parseOr(id: string, value: string, unreadable: ListOptions['unreadable']): T | undefined {
    try {
      return this.parse(id, value);
    } catch (error) {
      if (!unreadable || !ProviderError.is(error)) throw error;
      unreadable(id, error);
      return undefined;
    }
  }

  private objectOf(id: string, value: string): Record<string, unknown> {
    try {
      const parsed: unknown = JSON.parse(value);
      if (typeof parsed === 'object' && parsed !== null && !Array.isArray(parsed)) return { ...parsed };
    } catch (error) {
      throw this.unreadable(id, messageOf(error), error);
    }
    throw this.unreadable(id, 'it is no object');
  }

  private upgraded(id: string, document: Record<string, unknown>): Record<string, unknown> {
    const { name, version, upgrades } = this.kind;
    const written = document.schema;
    if (typeof written !== 'number' || !Number.isSafeInteger(written))
      throw this.unreadable(id, 'it has no schema version');
    if (written > version) {
      throw new ProviderError(
        'unsupported',
        `${name} ${id} has schema ${written}; this clusternator knows schema ${version}`,
        {
          hint: 'A newer clusternator wrote it. Upgrade this one: npm install clusternator@latest',
        },
      );
    }
    let current = document;
    for (let from = written; from < version; from++) {
      const upgrade = upgrades[from];
      if (!upgrade) throw this.unreadable(id, `nothing upgrades its schema ${from}`);
      current = { ...upgrade(current), schema: from + 1 };
    }
    return current;
  }

  private unreadable(id: string, why: string, cause?: unknown): ProviderError {
    return new ProviderError('internal', `${this.kind.name} ${id} in the state can't be read: ${why}`, {
      effect: 'none',
      cause,
      hint: '`clusternator state export` writes down all documents as they are; with the store moved away `clusternator state rebuild` makes them again from what runs.',
    });
  }
}

function readWriteId(value: string): unknown {
  try {
    const parsed: unknown = JSON.parse(value);
    return typeof parsed === 'object' && parsed !== null && 'writeId' in parsed ? parsed.writeId : undefined;
  } catch {
    return undefined; // not ours, whatever it is
  }
}

function issueOf(error: z.ZodError): string {
  const [first] = error.issues;
  return first ? `${first.path.join('.') || 'document'}: ${first.message}` : error.message;
}
