import { expect, test } from '@jest/globals';
import { ProviderError } from '@clusternator/core/provider';
import { errorOf } from './errors.ts';

const attempt = { doing: 'make the network n', timeoutSeconds: 30, signal: new AbortController().signal };
const answer = (statusCode: number, message: string) =>
  Object.assign(new Error(`(HTTP code ${statusCode}) server error - ${message} `), { statusCode, json: { message } });

test.each([
  [500, 'write /var/lib/docker/x: no space left on device', 'quota', /docker system df/],
  [500, 'all predefined address pools have been fully subnetted', 'quota', /default-address-pools/],
  [500, 'could not find an available, non-overlapping IPv4 address pool among the defaults', 'quota', /network prune/],
  [
    500,
    'driver failed: Bind for 127.0.0.1:80 failed: port is already allocated',
    'conflict',
    /another port|another one/,
  ],
  [400, 'OCI runtime create failed: exec: "nope": executable file not found in $PATH: unknown', 'invalid', /command/],
  [400, 'OCI runtime create failed: exec: "/x": permission denied: unknown', 'invalid', /executable/],
  [404, 'no such container: x', 'not-found', undefined],
  [409, 'something else', 'conflict', undefined],
  [503, 'shutting down', 'unavailable', undefined],
  [500, 'something else', 'internal', undefined],
] as const)('an answer %d with %j is %s', (status, message, code, hint) => {
  const error = errorOf(answer(status, message), attempt);
  expect(error).toMatchObject({ code, message: `could not make the network n: ${message}` });
  if (hint) expect(error.detail.hint).toMatch(hint);
});

test.each([
  ['ECONNREFUSED', 'unavailable', 'none'],
  ['ENOENT', 'unavailable', 'none'],
  ['ECONNRESET', 'unavailable', 'unknown'],
  ['EPIPE', 'unavailable', 'unknown'],
  ['EACCES', 'denied', 'none'],
])('a connection that fails with %s is %s, with effect %s', (code, expected, effect) => {
  expect(errorOf(Object.assign(new Error(code), { code }), attempt)).toMatchObject({ code: expected, effect });
});

test('what was told already is told as it is', () => {
  const error = new ProviderError('owned-by-other', 'not ours');
  expect(errorOf(error, attempt)).toBe(error);
});
