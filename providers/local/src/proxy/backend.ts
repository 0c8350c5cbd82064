import { ProviderError } from '@clusternator/core/provider';
import { type TrafficCounter } from './traffic.ts';

/** Where one instance of a service listens. */
export interface Endpoint {
  readonly host: string;
  readonly port: number;
}
/** What answers for a part. `fallback` is a path inside `folder`, which answers unknown paths with 200. */
export type Target =
  | { readonly kind: 'service'; readonly endpoints: readonly Endpoint[] }
  | { readonly kind: 'site'; readonly folder: string; readonly fallback?: string }
  | { readonly kind: 'unavailable'; readonly reason: string; readonly retryAfterSeconds?: number };
/** A service or site under its path prefix. A service gets the whole path, a site the path behind its prefix. */
export interface BackendPart {
  readonly name: string;
  readonly prefix: string;
  readonly target: Target;
}
/** What a host can be routed to: an environment. `title` names it in messages, such as `environment 1a2b3c4d5e6f`. */
export interface Backend {
  readonly id: string;
  readonly title: string;
  readonly parts: readonly BackendPart[];
}

/** A backend as the table holds it: longest prefix first, with counters that outlive a change of its parts. */
export interface LiveBackend {
  readonly id: string;
  readonly title: string;
  readonly parts: readonly BackendPart[];
  readonly traffic: TrafficCounter;
}

/** @throws ProviderError `invalid` with the `path` of what is wrong. */
export function toLiveBackend(backend: Backend, traffic: TrafficCounter): LiveBackend {
  const parts = backend.parts.map((part, index) => ({ ...part, prefix: normalPrefix(part.prefix, index) }));
  const seen = new Set<string>();
  for (const [index, part] of parts.entries()) {
    if (seen.has(part.prefix)) throw invalid(`two parts of ${backend.title} have the route ${part.prefix}`, index);
    seen.add(part.prefix);
  }
  return {
    id: backend.id,
    title: backend.title,
    parts: parts.toSorted((one, other) => other.prefix.length - one.prefix.length),
    traffic,
  };
}

/** The part whose prefix is the longest that covers `path` on segment borders: `/api` covers `/api` and `/api/x`, never `/apis`. */
export function partFor(backend: LiveBackend, path: string): BackendPart | undefined {
  const bare = withoutQuery(path);
  return backend.parts.find((part) => covers(part.prefix, bare));
}

/** The length of the longest of these that covers `path`; 0 when none does. */
export function longestPrefix(prefixes: readonly string[], path: string): number {
  if (prefixes.length === 0) return 0;
  const bare = withoutQuery(path);
  let longest = 0;
  for (const prefix of prefixes) if (prefix.length > longest && covers(prefix, bare)) longest = prefix.length;
  return longest;
}

function withoutQuery(path: string): string {
  const end = path.indexOf('?');
  return end === -1 ? path : path.slice(0, end);
}

function covers(prefix: string, path: string): boolean {
  if (prefix === '/') return true;
  return path.startsWith(prefix) && (path.length === prefix.length || path.charCodeAt(prefix.length) === SLASH);
}

export function normalPrefix(prefix: string, index: number): string {
  if (!prefix.startsWith('/') || /[\s?#]/.test(prefix)) {
    throw invalid(`route ${JSON.stringify(prefix)} must be a path that starts with /`, index);
  }
  return prefix.length > 1 ? prefix.replace(/\/+$/, '') || '/' : prefix;
}

function invalid(message: string, index: number): ProviderError {
  return new ProviderError('invalid', message, { path: `parts.${String(index)}.prefix` });
}

const SLASH = 0x2f;
