import { STATUS_CODES } from 'node:http';
import type { ServerResponse } from 'node:http';

/** An answer of the proxy's own, as plain text. */
export interface Answer {
  readonly status: number;
  readonly text: string;
  readonly headers?: Readonly<Record<string, string>>;
}

/** Names no host that exists: whoever can reach the port must not learn them. */
export const UNKNOWN_HOST: Answer = {
  status: 404,
  text: 'No environment or slot answers for this host.\nRun `clusternator env list` to see the environments and their URLs.',
};
export const NO_BACKEND: Answer = {
  status: 503,
  text: 'The environment behind this host is not there any more.\nRun `clusternator env list` to see the environments and their URLs.',
  headers: { 'retry-after': '5' },
};

/** A slot that is known, with nothing behind it. */
export function vacant(text: string): Answer {
  return { status: 503, text, headers: { 'retry-after': '5' } };
}

export function noPart(title: string): Answer {
  return { status: 404, text: `No part of ${title} has a route for this path.` };
}

/** @param about - Names environment and part, such as `service api of environment 1a2b3c4d5e6f`. */
export function unavailable(about: string, reason: string, retryAfterSeconds: number): Answer {
  return {
    status: 503,
    text: `${about} is not available: ${reason}.`,
    headers: { 'retry-after': String(retryAfterSeconds) },
  };
}

export function badGateway(about: string, reason: string): Answer {
  return { status: 502, text: `${about} did not answer: ${reason}.`, headers: { 'retry-after': '1' } };
}

export function badRequest(reason: string, status = 400): Answer {
  return { status, text: `${reason}.`, headers: { connection: 'close' } };
}

/** Sends `answer` unless a response has begun: then all that is left is to break it off, so that it can't pass for whole. */
export function send(response: ServerResponse, answer: Answer): void {
  if (response.headersSent) {
    response.destroy();
    return;
  }
  const body = `${answer.text}\n`;
  // Named, because a reason phrase that could not be passed on may still be set.
  response.writeHead(answer.status, STATUS_CODES[answer.status] ?? '', {
    'content-type': 'text/plain; charset=utf-8',
    'content-length': Buffer.byteLength(body),
    'cache-control': 'no-store',
    'x-content-type-options': 'nosniff',
    ...answer.headers,
  });
  response.end(response.req.method === 'HEAD' ? undefined : body);
}

/** The same for a connection whose request could not be parsed. */
export function rawAnswer(status: number, text: string): string {
  const body = `${text}\n`;
  return (
    `HTTP/1.1 ${String(status)} ${STATUS_CODES[status] ?? ''}\r\nconnection: close\r\n` +
    `content-type: text/plain; charset=utf-8\r\ncontent-length: ${String(Buffer.byteLength(body))}\r\n\r\n${body}`
  );
}
