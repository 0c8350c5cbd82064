import type { FilesArtefact } from '../artefact/artefact.ts';
import type { Identity, NativeSettings } from './resource.ts';
import type { Secret } from './secret.ts';

/** The last argument of every driver method. A method that ended, by an error too, has no request under way any more: what is written after it
 *  would otherwise be undone. After an abort nobody can know. */
export interface Call {
  /** The signal ends waits at once: a person aborted, or it is the deadline. `operation` is an id, to trace. */
  readonly signal: AbortSignal;
  readonly deadline: Date;
  readonly operation: string;
  /** Of [a-z0-9-], at most 36: the same for the same step of the same operation, also after a crash. `use` tells apart several requests
   *  of one step. @see https://docs.aws.amazon.com/AmazonECS/latest/APIReference/API_CreateService.html (clientToken: 36 characters) */
  token(use?: string): string;
  progress(to: {
    readonly message: string;
    readonly done?: number;
    readonly total?: number;
    readonly unit?: 'bytes' | 'items';
  }): void;
}
/** Made for a project and stage. A driver's side effects go through it or through the cloud's own client. */
export interface Host {
  readonly project: string;
  readonly stage: string;
  readonly fetch: typeof fetch;
  /** For credentials that the cloud's client does not find itself. */
  readonly env: Readonly<Record<string, string | undefined>>;
  now(): Date;
  sleep(seconds: number, call: Call): Promise<void>;
  /** Waits for its turn under `Provider.rateLimits[limit]`. */
  pace(limit: string, call: Call): Promise<void>;
  log(level: 'debug' | 'info' | 'warn', message: string, fields?: Readonly<Record<string, unknown>>): void;
  /** Of [a-z0-9-], a letter first, no two hyphens in a row: words, then a hash. The same for the same words of this project and stage alone. */
  name(words: readonly string[], rule: { readonly maxLength: number; readonly hyphens?: boolean }): string;
  /** Whose a resource is, by its tags. Undefined: not this project's and stage's. */
  identify(tags: Readonly<Record<string, string | undefined>> | null | undefined): Identity | undefined;
  /** The value of a secret without a `reference`, for the cloud's secret store and nothing else. */
  reveal(secret: Secret, call: Call): Promise<string>;
  /** A read-only folder with the artefact's files, checked against its digest. */
  folder(artefact: FilesArtefact, call: Call): Promise<string>;
  /** For ending the cloud's client. */
  onClose(end: () => void | Promise<void>): void;
  /** The request with the config's `native:` settings laid over it, deeply. Lists are replaced. */
  merge<T extends object>(request: T, native: NativeSettings | undefined): T;
}
