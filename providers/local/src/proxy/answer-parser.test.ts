import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { UnreadableAnswer } from './answer-head.ts';
import { AnswerParser } from './answer-parser.ts';

interface Heard {
  readonly information: number[];
  status?: number;
  headers?: readonly string[];
  body: string;
  trailers?: readonly string[];
  isReusable?: boolean;
}

/** What is heard of `text`, cut after the bytes at `cuts`. */
function read(text: string, { method = 'GET', cuts = [] as readonly number[], ends = false } = {}): Heard {
  const heard: Heard = { information: [], body: '' };
  const parser = new AnswerParser({
    onInformation: ({ status }) => heard.information.push(status),
    onHead({ status, headers }) {
      heard.status = status;
      heard.headers = headers;
    },
    onBody: (chunk) => (heard.body += chunk.toString('latin1')),
    onComplete(trailers, isReusable) {
      heard.trailers = trailers;
      heard.isReusable = isReusable;
    },
  });
  parser.expect(method);
  const bytes = Buffer.from(text, 'latin1');
  let at = 0;
  for (const cut of [...cuts, bytes.length].toSorted((one, other) => one - other)) {
    if (cut > at) parser.execute(bytes.subarray(at, cut));
    at = Math.max(at, cut);
  }
  if (ends) parser.finish();
  return heard;
}

const answers = {
  length: 'HTTP/1.1 200 OK\r\nContent-Length: 11\r\nX: \xe9\r\n\r\nhello world',
  chunked:
    'HTTP/1.1 103 Early Hints\r\nLink: <a>\r\n\r\n' +
    'HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n00a;x="y"\r\n world\r\n..\r\n0\r\nA: 1\r\nB:2 \r\n\r\n',
  bare: 'HTTP/1.1 200\r\nTransfer-Encoding: Chunked\r\n\r\n1\r\nx\r\n0\r\n\r\n',
  empty: 'HTTP/1.1 304 Not Modified\r\nContent-Length: 5\r\n\r\n',
};

describe('an answer reads the same however it is cut', () => {
  test.each(Object.entries(answers))('%s', (_, text) => {
    const whole = read(text);
    expect(whole.isReusable).toBe(true);
    for (let cut = 1; cut < text.length; cut++) expect(read(text, { cuts: [cut] })).toEqual(whole);
    fc.assert(
      fc.property(fc.array(fc.nat(text.length)), (cuts) => {
        expect(read(text, { cuts })).toEqual(whole);
      }),
    );
  });

  test('and as it was meant', () => {
    expect(read(answers.chunked)).toEqual({
      information: [103],
      status: 200,
      headers: ['Transfer-Encoding', 'chunked'],
      body: 'hello world\r\n..',
      trailers: ['A', '1', 'B', '2'],
      isReusable: true,
    });
    expect(read(answers.length)).toMatchObject({ headers: ['Content-Length', '11', 'X', '\xe9'], body: 'hello world' });
    expect(read(answers.empty)).toMatchObject({ status: 304, body: '' });
    expect(read(answers.length.replace('hello world', ''), { method: 'HEAD' })).toMatchObject({ isReusable: true });
  });
});

test.each([
  ['Content-Length: 2\r\n\r\nok', true],
  ['Content-Length: 2\r\nConnection: Close\r\n\r\nok', false],
  ['Content-Length: 2\r\nConnection: x, close\r\n\r\nok', false],
  ['Content-Length: 2\r\n\r\nokHTTP/1.1 200 OK\r\n', false],
])('with %j the connection may be used again: %s', (rest, isReusable) => {
  let reusable: boolean | undefined;
  try {
    reusable = read(`HTTP/1.1 200 OK\r\n${rest}`).isReusable;
  } catch {
    reusable = false; // what came behind it answers nobody
  }
  expect(reusable).toBe(isReusable);
});

test('HTTP/1.0 keeps a connection only where it says so', () => {
  expect(read('HTTP/1.0 200 OK\r\nContent-Length: 0\r\n\r\n').isReusable).toBe(false);
  expect(read('HTTP/1.0 200 OK\r\nConnection: keep-alive\r\nContent-Length: 0\r\n\r\n').isReusable).toBe(true);
});

test('without framing, the end of the connection is the end of the answer', () => {
  expect(read('HTTP/1.1 200 OK\r\n\r\nso far').isReusable).toBeUndefined();
  expect(read('HTTP/1.1 200 OK\r\n\r\nso far', { ends: true })).toMatchObject({ body: 'so far', isReusable: false });
});

describe('what could be read in two ways is refused', () => {
  test.each([
    'Content-Length: 2\r\nContent-Length: 2\r\n\r\nok',
    'Content-Length: +2\r\n\r\nok',
    'Content-Length: 2, 2\r\n\r\nok',
    'Content-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\n',
    'Content-Length : 2\r\n\r\nok',
    ' X: folded\r\n\r\n',
    'X: a\r\n folded\r\n\r\n',
    'X: a\rContent-Length: 2\r\n\r\n',
    'X: a\nContent-Length: 2\r\n\r\n',
    'X\r\n\r\n',
    'X: \0\r\n\r\n',
    'Transfer-Encoding: chunked\r\n\r\n-1\r\n',
    'Transfer-Encoding: chunked\r\n\r\n0x1\r\nx\r\n',
    'Transfer-Encoding: chunked\r\n\r\n1\r\nxy\r\n',
    'Transfer-Encoding: chunked\r\n\r\n1\nx\r\n',
    'Transfer-Encoding: chunked\r\n\r\n\r\n',
    'Transfer-Encoding: chunked\r\n\r\n0\r\nbad trailer\r\n\r\n',
    'Transfer-Encoding: chunked\r\n\r\nfffffffffffff\r\n',
  ])('%j', (rest) => {
    expect(() => read(`HTTP/1.1 200 OK\r\n${rest}\r\n\r\n`)).toThrow(new UnreadableAnswer('not-http'));
  });

  test.each(['Transfer-Encoding: gzip, chunked', 'Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked'])(
    '%j',
    (header) => {
      expect(() => read(`HTTP/1.1 200 OK\r\n${header}\r\n\r\n`)).toThrow(new UnreadableAnswer('unknown-encoding'));
    },
  );

  test.each([
    'HTTP/2 200 OK',
    'HTTP/1.1  200 OK',
    'http/1.1 200 OK',
    'HTTP/1.1 2000 OK',
    'HTTP/1.1 101 Switching Protocols',
  ])('%j', (line) => {
    expect(() => read(`${line}\r\nContent-Length: 0\r\n\r\n`)).toThrow(new UnreadableAnswer('not-http'));
  });

  test('a head without an end', () => {
    const cuts = Array.from({ length: 90 }, (_, index) => index * 1000);
    const endless = `HTTP/1.1 200 OK\r\nX: ${'y'.repeat(90_000)}`;
    expect(() => read(endless, { cuts })).toThrow(new UnreadableAnswer('too-large'));
    expect(() => read(endless)).toThrow(new UnreadableAnswer('too-large'));
  });
});
