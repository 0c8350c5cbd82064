import type { IncomingMessage } from 'node:http';
import { badRequest } from './answers.ts';
import type { Answer } from './answers.ts';
import { ambiguity } from './headers.ts';

/** What a request is for, in origin form. `host` is as the client wrote it. */
export interface RequestTarget {
  readonly host: string | undefined;
  readonly path: string;
}

const MAX_TARGET_BYTES = 16_384;

/** Reads a request's target, or says why it is refused: it must mean the same to us and to the upstream. */
export function readTarget(request: IncomingMessage): RequestTarget | { readonly refusal: Answer } {
  const wrong = ambiguity(request);
  if (wrong !== undefined) return { refusal: badRequest(wrong.reason, wrong.status) };
  const target = request.url ?? '/';
  if (target.length > MAX_TARGET_BYTES) return { refusal: badRequest('The URL is too long', 414) };
  if (target.startsWith('/')) {
    if (target.includes('#')) return { refusal: badRequest('The request target has a fragment') };
    return { host: request.headers.host, path: target };
  }
  if (target === '*' && request.method === 'OPTIONS') {
    return { refusal: { status: 204, text: '', headers: { allow: 'GET, HEAD, POST, PUT, PATCH, DELETE, OPTIONS' } } };
  }
  return absoluteForm(target);
}

/** RFC 9112 §3.2.2: the host in the target wins over the Host header. */
function absoluteForm(target: string): RequestTarget | { readonly refusal: Answer } {
  const match = /^http:\/\/([^/?#@]+)(\/[^#]*|\?[^#]*)?$/i.exec(target);
  if (match?.[1] === undefined) return { refusal: badRequest('The request target is not valid') };
  const rest = match[2] ?? '/';
  return { host: match[1], path: rest.startsWith('?') ? `/${rest}` : rest };
}
