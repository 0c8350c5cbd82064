import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';

import { eventually, get } from './http.ts';
import { processesOf } from './leftovers.ts';
import { Sandbox } from './sandbox.ts';

let sandbox: Sandbox;
beforeEach(async () => {
  sandbox = await Sandbox.open();
});
afterEach(async () => sandbox.dispose());

function config(service: string): string {
  return `project: PROJECT\nprovider: local\nservices:\n  web: { ${service} }\n`;
}

describe('a service that', () => {
  test('never becomes healthy: its name, its own last lines, exit code 5, and no process stays after destroy', async () => {
    await sandbox.repositoryOf({
      'clusternator.config.yaml': config(
        'command: node web.mjs, port: 8080, route: /, health: { path: /ready, within: 3s }',
      ),
      'web.mjs': `import { createServer } from 'node:http';
console.log('the oven is cold');
createServer((_, response) => response.writeHead(503).end('no')).listen(process.env.PORT, process.env.HOST);\n`,
    });
    const { outcome, error } = await sandbox.json(['env', 'create']);
    expect(outcome.code).toBe(5);
    expect(`${error?.message} ${error?.hint}`).toContain('web');
    expect(`${outcome.stdout}${outcome.stderr}`).toContain('the oven is cold');
    await sandbox.expectNothingIsLeft();
  }, 120_000);

  test('exits: its name, its own last lines, exit code 5', async () => {
    await sandbox.repositoryOf({
      'clusternator.config.yaml': config(
        'command: node web.mjs, port: 8080, route: /, health: { path: /, within: 5s }',
      ),
      'web.mjs': `console.error('no flour left'); process.exit(3);\n`,
    });
    const { outcome, error } = await sandbox.json(['env', 'create']);
    expect(outcome.code).toBe(5);
    expect(`${error?.message} ${error?.hint}`).toContain('web');
    expect(`${outcome.stdout}${outcome.stderr}`).toContain('no flour left');
    await sandbox.expectNothingIsLeft();
  }, 120_000);

  test('cannot be installed: the last lines of its install step', async () => {
    await sandbox.repositoryOf({
      'clusternator.config.yaml': config('install: node install.mjs, command: node web.mjs, port: 8080, route: /'),
      'install.mjs': `console.error('the mill is closed'); process.exit(1);\n`,
    });
    const { outcome, error } = await sandbox.json(['env', 'create']);
    expect(outcome.code).toBe(5);
    expect(`${error?.message} ${error?.hint}`).toContain('web');
    expect(`${outcome.stdout}${outcome.stderr}`).toContain('the mill is closed');
    await sandbox.expectNothingIsLeft();
  }, 120_000);

  test('needs an engine where none answers: exit code 7, the service and the way out, and nothing is made', async () => {
    await sandbox.repositoryOf({
      'clusternator.config.yaml': config('build: ., port: 8080, route: /'),
      Dockerfile: 'FROM scratch\n',
    });
    const env = { DOCKER_HOST: 'unix:///no/such/engine.sock' };
    const { outcome, error } = await sandbox.json(['env', 'create'], { env });
    expect(outcome.code).toBe(7);
    expect(error?.message).toContain('web');
    expect(await sandbox.environments()).toEqual([]);
  }, 120_000);
});

test('a site whose build fails: its name, the last lines of the build, exit code 5, and no scratch stays', async () => {
  await sandbox.repositoryOf({
    'clusternator.config.yaml':
      'project: PROJECT\nprovider: local\nsites:\n  front: { build: node build.mjs, dir: dist }\n',
    'build.mjs': `console.error('burnt'); process.exit(2);\n`,
  });
  const { outcome, error } = await sandbox.json(['env', 'create']);
  expect(outcome.code).toBe(5);
  expect(`${error?.message} ${error?.path}`).toContain('front');
  expect(`${outcome.stdout}${outcome.stderr}`).toContain('burnt');
  await sandbox.expectNothingIsLeft();
}, 120_000);

test('a service that crashes later is started again', async () => {
  await sandbox.repositoryOf({
    'clusternator.config.yaml': config('command: node web.mjs, port: 8080, route: /, health: /'),
    'web.mjs': `import { createServer } from 'node:http';
createServer((request, response) => {
  response.end(String(process.pid));
  if (request.url === '/crash') setTimeout(() => process.exit(1), 20);
}).listen(process.env.PORT, process.env.HOST);\n`,
  });
  const { url } = await sandbox.create();
  const first = (await get(url)).body;
  await get(`${url}/crash`);
  await eventually(async () => {
    const reply = await get(url);
    expect(reply.status).toBe(200);
    expect(reply.body).not.toBe(first);
  });
  expect((await processesOf(sandbox.stateHome)).filter(({ command }) => command.includes('web.mjs'))).toHaveLength(1);
  await sandbox.expectNothingIsLeft();
}, 120_000);

test('what is refused, and what is only planned, leaves nothing of its commit', async () => {
  const repository = await sandbox.repositoryOf({
    'clusternator.config.yaml': `${config('command: node web.mjs, volumes: { data: /data }')}volumes: { data: { size: 1Gi } }\n`,
    'web.mjs': '',
  });
  const refused = await sandbox.json(['env', 'create']);
  expect(refused.error?.path).toBe('services.web.volumes.data');
  await sandbox.expectNothingIsLeft();
  await repository.write(
    'clusternator.config.yaml',
    `project: ${sandbox.project}\nprovider: local\nsites: { all: { dir: . } }\n`,
  );
  await repository.commit('A site');
  expect((await sandbox.json(['env', 'create', '--dry-run'])).error).toBeUndefined();
  await sandbox.expectNothingIsLeft();
}, 120_000);
