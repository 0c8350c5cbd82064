import { existsSync } from 'node:fs';
import path from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';

import { killAtWrite } from './cli.ts';
import { eventually, get } from './http.ts';
import { fileLeftovers } from './leftovers.ts';
import { Sandbox } from './sandbox.ts';

const LINES = 200;
const SERVER = `import { createServer } from 'node:http';
for (let line = 1; line <= ${LINES}; line += 1) console.log('line ' + line + ' ' + process.env.KEY);
process.on('SIGTERM', () => { console.log('last words'); process.exit(0); });
createServer((request, response) => response.end('here')).listen(process.env.PORT, process.env.HOST);
`;

let sandbox: Sandbox;
beforeEach(async () => {
  sandbox = await Sandbox.open();
});
afterEach(async () => sandbox.dispose());

async function repository(logs: string): Promise<void> {
  await sandbox.repositoryOf({
    'clusternator.config.yaml': `project: PROJECT
provider: local
services:
  web: { command: node web.mjs, port: 8080, route: /, secrets: [KEY] }
${logs}
`,
    'web.mjs': SERVER,
  });
}

const withKey = { env: { KEY: 'a-secret-of-the-test' } };

async function create(): Promise<string> {
  const { data, error } = await sandbox.json<{ environment: { id: string; url: string } }>(['env', 'create'], withKey);
  expect(error).toBeUndefined();
  await get(data.environment.url);
  return data.environment.id;
}

async function texts(id: string, ...flags: string[]): Promise<readonly string[]> {
  const { data, error } = await sandbox.json<{ lines: readonly { text: string }[] }>(['env', 'logs', id, ...flags]);
  expect(error).toBeUndefined();
  return data.lines.map(({ text }) => text);
}

/** They are written while the environment starts. */
async function written(id: string): Promise<readonly string[]> {
  return eventually(async () => {
    const found = await texts(id);
    expect(found).toHaveLength(LINES);
    return found;
  });
}

function keptFolder(): string {
  return path.join('projects', `${sandbox.project}--default`, 'logs');
}

describe('logs of an environment that was destroyed', () => {
  test('are read as before, with what its services said last, and without their secrets', async () => {
    await repository('logs: { keep: 30d }');
    const id = await create();
    const before = await written(id);
    const { code, stderr } = await sandbox.run(['env', 'destroy', id, '--yes']);
    expect({ code, stderr }).toEqual({
      code: 0,
      stderr: expect.stringMatching(/Its logs stay until 20\d\d-.*env logs/),
    });

    expect(await texts(id)).toEqual([...before, 'last words']);
    expect((await texts(id)).join()).not.toContain(withKey.env.KEY);
    expect(await texts(id, '--service', 'web', '--since', '1h')).toHaveLength(LINES + 1);
    const { data } = await sandbox.json<{ environment: { logsUntil?: string } }>(['env', 'show', id]);
    const days = (Date.parse(data.environment.logsUntil ?? '') - Date.now()) / 86_400_000;
    expect(Math.round(days)).toBe(30);
    await sandbox.json(['gc']);
    expect(await fileLeftovers(sandbox.stateHome)).toEqual([`${keptFolder()}/${id}-1`]);

    await create();
    expect(await texts(id, '--previous')).toEqual([...before, 'last words']);
  }, 120_000);

  test('are not kept unless the config asks for it', async () => {
    await repository('');
    const id = await create();
    await written(id);
    await sandbox.destroy(id);
    const { outcome, error } = await sandbox.json(['env', 'logs', id]);
    expect(outcome.code).toBe(3);
    expect(`${error?.message} ${error?.hint}`).toMatch(/nothing is kept of its logs.*keep/s);
    expect(existsSync(path.join(sandbox.stateHome, keptFolder()))).toBe(false);
    await sandbox.expectNothingIsLeft();
  }, 120_000);

  test('are whole, and there once, wherever the destroy was killed', async () => {
    await repository('logs: { keep: 1d }');
    let kills = 0;
    for (let n = 1; n < 60; n += 2) {
      const id = await create();
      const before = await written(id);
      const killer = killAtWrite(n, path.join(sandbox.stateHome, 'projects', `${sandbox.project}--default`));
      const { signal } = await sandbox.run(['env', 'destroy', id, '--yes'], {
        onStart: (child) => killer.onStart(child),
      });
      killer.stop();
      if (signal !== null) await sandbox.destroy(id);
      expect(await texts(id)).toEqual([...before, 'last words']);
      if (signal === null) break;
      kills += 1;
    }
    expect(kills).toBeGreaterThan(2);
  }, 600_000);
});
