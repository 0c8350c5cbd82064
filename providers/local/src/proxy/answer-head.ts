/** The head of an upstream's answer. */
export interface AnswerHead {
  readonly status: number;
  readonly reason: string;
  /** Flat: name, value, name, value; as the upstream wrote them. */
  readonly headers: readonly string[];
  /** From Content-Length. */
  readonly length: number | undefined;
  readonly isChunked: boolean;
  /** Whether the upstream keeps the connection. */
  readonly keepsAlive: boolean;
  /** How long the upstream says that it keeps an idle connection, from the Keep-Alive header. */
  readonly keepsAliveSeconds: number | undefined;
}

/** Why an answer can't be read. */
export type AnswerFault = 'too-large' | 'not-http' | 'unknown-encoding';

/** Thrown by the parser, caught by the connection. */
export class UnreadableAnswer extends Error {
  constructor(readonly fault: AnswerFault) {
    super(fault);
  }
}

/**
 * Reads a head by the letter of RFC 9112: what two readers could take in two ways is refused, never mended.
 * @param text - Latin-1, without the empty line at its end.
 * @throws UnreadableAnswer
 */
export function parseHead(text: string): AnswerHead {
  const statusEnd = lineEnd(text, 0);
  const match = STATUS_LINE.exec(text.slice(0, statusEnd));
  if (match === null) throw new UnreadableAnswer('not-http');
  const headers = parseFields(text, statusEnd + 2);
  let length: number | undefined;
  let encoding: string | undefined;
  let connection = '';
  let keepsAliveSeconds: number | undefined;
  for (let i = 0; i < headers.length; i += 2) {
    const name = headers[i] ?? '';
    const value = headers[i + 1] ?? '';
    // Most names are told apart by their length alone.
    if (name.length === 14 && isNamed(name, 'content-length')) {
      if (length !== undefined || !LENGTH.test(value)) throw new UnreadableAnswer('not-http');
      length = Number(value);
    } else if (name.length === 17 && isNamed(name, 'transfer-encoding')) {
      encoding = encoding === undefined ? value : `${encoding}, ${value}`;
    } else if (name.length === 10 && isNamed(name, 'connection')) {
      connection = connection === '' ? value : `${connection}, ${value}`;
    } else if (name.length === 10 && isNamed(name, 'keep-alive')) {
      keepsAliveSeconds = secondsOf(value);
    }
  }
  // Both at once is how one answer is made to look like two.
  if (encoding !== undefined && length !== undefined) throw new UnreadableAnswer('not-http');
  if (encoding !== undefined && encoding.toLowerCase() !== 'chunked') throw new UnreadableAnswer('unknown-encoding');
  return {
    status: Number(match[2]),
    reason: match[3] ?? '',
    headers,
    length,
    isChunked: encoding !== undefined,
    keepsAlive:
      connection === 'keep-alive' || (match[1] === '1' ? !CLOSE.test(connection) : KEEP_ALIVE.test(connection)),
    keepsAliveSeconds,
  };
}

/**
 * Header or trailer fields, flat.
 * @param text - Whole lines; the last one's end may be left out.
 * @throws UnreadableAnswer
 */
export function parseFields(text: string, start: number): string[] {
  const fields: string[] = [];
  for (let at = start; at < text.length;) {
    const end = lineEnd(text, at);
    const colon = text.indexOf(':', at);
    if (colon === -1 || colon > end) throw new UnreadableAnswer('not-http');
    const name = text.slice(at, colon);
    const value = trimmed(text, colon + 1, end);
    if (!TOKEN.test(name) || NOT_IN_VALUE.test(value)) throw new UnreadableAnswer('not-http');
    fields.push(name, value);
    at = end + 2;
  }
  return fields;
}

function lineEnd(text: string, from: number): number {
  const end = text.indexOf('\r\n', from);
  return end === -1 ? text.length : end;
}

function trimmed(text: string, from: number, to: number): string {
  let start = from;
  let end = to;
  while (start < end && isBlank(text.charCodeAt(start))) start += 1;
  while (end > start && isBlank(text.charCodeAt(end - 1))) end -= 1;
  return text.slice(start, end);
}

function isBlank(code: number): boolean {
  return code === 0x20 || code === 0x09;
}

function isNamed(name: string, lower: string): boolean {
  return name === lower || name.toLowerCase() === lower;
}

function secondsOf(keepAlive: string): number | undefined {
  if (keepAlive === 'timeout=5') return 5; // Node's own servers, so the usual one
  const match = /(?:^|[\s,])timeout=(\d{1,9})(?:$|[\s,])/i.exec(keepAlive);
  return match === null ? undefined : Number(match[1]);
}

const STATUS_LINE = /^HTTP\/1\.([01]) ([1-9]\d\d)(?: ([^\r\n]*))?$/;
const TOKEN = /^[!#$%&'*+\-.^_`|~0-9A-Za-z]+$/;
const NOT_IN_VALUE = /[^\t\x20-\x7e\x80-\xff]/;
const LENGTH = /^\d{1,15}$/;
const CLOSE = /(?:^|,)\s*close\s*(?:,|$)/i;
const KEEP_ALIVE = /(?:^|,)\s*keep-alive\s*(?:,|$)/i;
