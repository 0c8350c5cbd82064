import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import { request } from 'node:http';
import { existsSync } from 'node:fs';
import path from 'node:path';
import type { Environment, EnvironmentSpec } from '@clusternator/core';
import { processesMarked } from './daemon/process-table.ts';
import { LocalEnvironments } from './environments.ts';
import { TestDaemon } from './testing/daemon.ts';
import { Specs, testCall, testHost } from './testing/specs.ts';

let daemon: TestDaemon;
let specs: Specs;
let environments: LocalEnvironments;
beforeEach(() => {
  daemon = new TestDaemon();
  specs = new Specs(daemon.stateFolder);
  environments = new LocalEnvironments(testHost(specs, daemon.env), daemon.client);
});
afterEach(() => daemon[Symbol.asyncDispose]());

const ensure = (spec: EnvironmentSpec): Promise<Environment> => environments.ensure(spec, testCall());

/** Through the proxy, as a browser would. */
function get(environment: Environment, target = '/'): Promise<{ status: number; text: string }> {
  const url = new URL(environment.url ?? '');
  const { promise, resolve, reject } = Promise.withResolvers<{ status: number; text: string }>();
  const sent = request({ host: '127.0.0.1', port: url.port, path: target, headers: { host: url.host }, agent: false });
  sent.once('error', reject);
  sent.once('response', (response) => {
    let text = '';
    response.on('data', (piece: Buffer) => (text += piece.toString()));
    response.once('end', () => {
      resolve({ status: response.statusCode ?? 0, text });
    });
  });
  sent.end();
  return promise;
}

describe('an environment of processes', () => {
  test('serves its content, and nothing is left of it after it was destroyed', async () => {
    const spec = specs.environment('aaaaaaaa0000-1', { web: specs.web({ env: { CONTENT: 'a' } }) });
    const environment = await ensure(spec);
    expect(environment).toMatchObject({ phase: 'active', parts: { web: { phase: 'active' } } });
    expect(await get(environment)).toEqual({ status: 200, text: 'content of a' });

    await environments.destroy(spec, testCall());
    expect(await environments.read(spec, testCall())).toBeUndefined();
    expect(processesMarked(`${daemon.client.paths.home}:`)).toEqual([]);
    expect(existsSync(path.join(daemon.client.paths.environments, environment.handle.environment ?? ''))).toBe(false);
    expect((await get(environment)).status).toBe(404);
  });
});
