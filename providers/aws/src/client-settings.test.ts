import { expect, test } from '@jest/globals';
import type { Host } from '@clusternator/core/provider';
import { clientSettings } from './client-settings.ts';

const hostWith = (env: Record<string, string>): Host => ({ env }) as unknown as Host;
const KEYS = { AWS_ACCESS_KEY_ID: 'id', AWS_SECRET_ACCESS_KEY: 'secret' };

test('the environment of the project says what the SDK would read from the process', () => {
  const env = { ...KEYS, AWS_SESSION_TOKEN: 'token', AWS_REGION: 'eu-west-1', AWS_ENDPOINT_URL: 'http://localhost:1' };
  expect(clientSettings({}, hostWith(env), 'S3')).toEqual({
    maxAttempts: 1,
    region: 'eu-west-1',
    endpoint: 'http://localhost:1',
    credentials: { accessKeyId: 'id', secretAccessKey: 'secret', sessionToken: 'token' },
  });
  expect(clientSettings({}, hostWith({ ...env, AWS_ENDPOINT_URL_S3: 'http://s3' }), 'S3').endpoint).toBe('http://s3');
});

test('what the config says wins, and a profile that it names wins over keys', () => {
  const host = hostWith({ ...KEYS, AWS_REGION: 'eu-west-1', AWS_PROFILE: 'mine' });
  expect(clientSettings({ region: 'eu-central-1', profile: 'team' }, host, 'S3')).toEqual({
    maxAttempts: 1,
    region: 'eu-central-1',
    profile: 'team',
    credentials: expect.any(Function),
  });
});

test('without any, the SDK looks for itself, once for all clients of a host', () => {
  const host = hostWith({});
  const settings = clientSettings({}, host, 'ROUTE_53');
  expect(settings).toEqual({ maxAttempts: 1, credentials: expect.any(Function) });
  expect(clientSettings({}, host, 'S3').credentials).toBe(settings.credentials);
  expect(clientSettings({ profile: 'team' }, host, 'S3').credentials).not.toBe(settings.credentials);
  expect(clientSettings({}, hostWith({}), 'S3').credentials).not.toBe(settings.credentials);
});
