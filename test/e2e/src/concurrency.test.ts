import { afterEach, beforeEach, expect, test } from '@jest/globals';

import type { EnvironmentAnswer } from './cli.ts';
import { get } from './http.ts';
import { processesOf } from './leftovers.ts';
import { Sandbox } from './sandbox.ts';

let sandbox: Sandbox;
beforeEach(async () => {
  sandbox = await Sandbox.open();
});
afterEach(async () => sandbox.dispose());

test('twenty different commits created at once are all ready, each with its own bytes', async () => {
  const versions = Array.from({ length: 20 }, (_, index) => `v${index}`);
  const { commits } = await sandbox.repository('node-service', versions);
  const made = await Promise.all(commits.map(async (commit) => sandbox.create('--sha', commit)));
  const served = await Promise.all(
    made.map(async ({ url }) => (JSON.parse((await get(url)).body) as { version: string }).version),
  );
  expect(served).toEqual(versions);
  expect(new Set(made.map(({ url }) => url)).size).toBe(20);
  await sandbox.expectNothingIsLeft();
}, 400_000);

test('the same commit created ten times at once is one environment and ten successes', async () => {
  const { commits } = await sandbox.repository('node-service', ['first']);
  const made = await Promise.all(
    Array.from({ length: 10 }, async () =>
      sandbox.json<{ environment: EnvironmentAnswer }>(['env', 'create', '--sha', commits[0]!]),
    ),
  );
  expect(made.map(({ outcome, error }) => ({ exit: outcome.code, error }))).toEqual(
    Array.from({ length: 10 }, () => ({ exit: 0, error: undefined })),
  );
  expect(new Set(made.map(({ data }) => data.environment.url)).size).toBe(1);
  expect(await sandbox.environments()).toHaveLength(1);
  expect((await processesOf(sandbox.stateHome)).filter(({ command }) => command.includes('server.mjs'))).toHaveLength(
    1,
  );
  await sandbox.expectNothingIsLeft();
}, 300_000);
