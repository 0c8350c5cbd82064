import { expect, test } from '@jest/globals';
import { errorOf } from './errors.ts';

/** As the SDK throws what a service says. */
const said = (name: string, status: number, headers: Record<string, string> = {}) =>
  Object.assign(new Error(`of ${name}`), {
    name,
    $metadata: { httpStatusCode: status, requestId: 'r-1' },
    $response: { headers },
  });
const unsent = (code: string) => Object.assign(new Error(code), { name: 'Error', code });

test.each([
  [said('AccessDenied', 403), { code: 'denied', effect: 'none' }],
  [said('ExpiredToken', 400), { code: 'unauthenticated', effect: 'none' }],
  [said('SlowDown', 503), { code: 'throttled', effect: 'none', retry: 'safe' }],
  [said('PriorRequestNotComplete', 400), { code: 'throttled', effect: 'none', retry: 'safe' }],
  [said('PreconditionFailed', 412), { code: 'conflict', effect: 'none' }],
  [said('InternalError', 500), { code: 'unavailable', effect: 'unknown' }],
  [said('ServiceUnavailable', 503), { code: 'unavailable', effect: 'unknown' }],
  [said('Whatever', 429), { code: 'throttled', effect: 'none' }],
  [said('SomethingNew', 403), { code: 'denied' }],
  [said('UnauthorizedOperation', 403), { code: 'denied' }],
  [said('PermanentRedirect', 301), { code: 'denied', effect: 'none' }],
  [said('AuthorizationHeaderMalformed', 400), { code: 'denied', effect: 'none' }],
  [said('SomethingNew', 404), { code: 'internal' }],
  [said('LimitsExceeded', 400), { code: 'quota' }],
  [unsent('ECONNREFUSED'), { code: 'unavailable', effect: 'none' }],
  [unsent('ECONNRESET'), { code: 'unavailable', effect: 'unknown' }],
  [new Error('Region is missing'), { code: 'invalid', effect: 'none', detail: { path: 'provider.region' } }],
  [Object.assign(new Error('late'), { name: 'TimeoutError' }), { code: 'unavailable', effect: 'unknown' }],
  [Object.assign(new Error('no keys'), { name: 'CredentialsProviderError' }), { code: 'unauthenticated' }],
])('%s', (cause, expected) => {
  expect(errorOf(cause)).toMatchObject(expected);
});

test.each([
  ['ec2.eu-centrall-1.amazonaws.com', { code: 'denied', effect: 'none', detail: { path: 'provider.region' } }],
  ['ecs.cn-nord-1.amazonaws.com.cn', { code: 'denied', retry: 'never' }],
  ['route53.amazonaws.com', { code: 'unavailable', effect: 'none' }],
  ['registry.example', { code: 'unavailable', effect: 'none' }],
])('a name that is not found is a wrong region where it has one: %s', (hostname, expected) => {
  expect(errorOf(Object.assign(unsent('ENOTFOUND'), { hostname }))).toMatchObject(expected);
});

test('when to come again, which request it was, and what to do are told', () => {
  expect(errorOf(said('Throttling', 400, { 'retry-after': '3' }))?.detail).toMatchObject({
    retryAfterSeconds: 3,
    requestId: 'r-1',
  });
  expect(errorOf(said('InvalidAccessKeyId', 403))?.detail.hint).toContain('aws sso login');
});

test('what is none of AWS is left to the host', () => {
  expect([errorOf(new TypeError('x is undefined')), errorOf('text'), errorOf(undefined)]).toEqual([
    undefined,
    undefined,
    undefined,
  ]);
});
