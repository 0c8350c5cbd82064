import path from 'node:path';
import { afterEach, beforeAll, beforeEach, expect, test } from '@jest/globals';

import { ensureBaseImage } from './base-image.ts';
import type { EnvironmentAnswer } from './cli.ts';
import { EngineCable } from './engine-cable.ts';
import { eventually, get } from './http.ts';
import { engineLeftovers, processesOf } from './leftovers.ts';
import { Sandbox } from './sandbox.ts';

let sandbox: Sandbox;
beforeAll(ensureBaseImage);
beforeEach(async () => {
  sandbox = await Sandbox.open();
});
afterEach(async () => sandbox.dispose());

function repository(dockerfile: string): Record<string, string> {
  return {
    'clusternator.config.yaml':
      'project: PROJECT\nprovider: local\nservices:\n  web: { build: ., port: 8080, route: /, health: { path: /, within: 5s } }\n',
    Dockerfile: `FROM clusternator/example-base:1\nSTOPSIGNAL SIGKILL\n${dockerfile}\n`,
  };
}

async function expectNothingIsLeft(): Promise<void> {
  await sandbox.expectNothingIsLeft();
  await eventually(async () => expect(await engineLeftovers(sandbox.project)).toEqual([]));
}

test('a container that exits: the service, its own last lines, exit code 5', async () => {
  await sandbox.repositoryOf(repository('CMD ["/bin/busybox", "sh", "-c", "echo the yeast is dead; exit 4"]'));
  const { outcome, error } = await sandbox.json(['env', 'create']);
  expect(outcome.code).toBe(5);
  expect(`${error?.message} ${error?.hint}`).toContain('web');
  expect(`${outcome.stdout}${outcome.stderr}`).toContain('the yeast is dead');
  await expectNothingIsLeft();
}, 120_000);

test('an image that can’t be built: the service, the last lines of the build, exit code 5', async () => {
  await sandbox.repositoryOf(repository('COPY no-such-file /x'));
  const { outcome, error } = await sandbox.json(['env', 'create']);
  expect(outcome.code).toBe(5);
  expect(`${error?.message} ${error?.hint}`).toContain('web');
  expect(`${outcome.stdout}${outcome.stderr}`).toContain('no-such-file');
  await expectNothingIsLeft();
}, 120_000);

test('the daemon is killed: containers go on, and the next command adopts them', async () => {
  await sandbox.repository('docker-service', ['first']);
  const { id, url } = await sandbox.create();
  const before = await engineLeftovers(sandbox.project);
  for (const { pid } of await processesOf(sandbox.stateHome)) process.kill(pid, 'SIGKILL');
  expect(await engineLeftovers(sandbox.project)).toEqual(before);
  await sandbox.run(['env', 'show', id]);
  await eventually(async () => expect((await get(`${url}/version.txt`)).body).toBe('first\n'));
  expect(await engineLeftovers(sandbox.project)).toEqual(before);
  await expectNothingIsLeft();
}, 120_000);

test('the engine stops midway: it is told, and when it is back the same command ends in one environment', async () => {
  await sandbox.repository('docker-service', ['first']);
  const cable = await EngineCable.lay(path.join(sandbox.folder, 'engine.sock'));
  try {
    const env = { DOCKER_HOST: cable.host };
    for (const afterMs of [200, 500, 900]) {
      const creating = sandbox.json(['env', 'create', '--timeout', '20s'], { env });
      await new Promise((resolve) => setTimeout(resolve, afterMs));
      cable.cut();
      const { outcome, error } = await creating;
      const told = outcome.code === 9 ? /goes on in the background/ : /docker|engine|timed? ?out/i;
      if (outcome.code !== 0) expect(`${error?.message} ${error?.hint}`).toMatch(told);
      cable.mend();
      const again = await sandbox.json<{ environment: EnvironmentAnswer }>(['env', 'create'], { env });
      expect({ exit: again.outcome.code, error: again.error }).toEqual({ exit: 0, error: undefined });
      await eventually(async () =>
        expect((await get(`${again.data.environment.url}/version.txt`)).body).toBe('first\n'),
      );
      await sandbox.destroy(again.data.environment.id);
    }
    await expectNothingIsLeft();
  } finally {
    await cable.remove();
  }
}, 240_000);
