import { mkdir, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';

import { processesOf } from './leftovers.ts';
import { Sandbox } from './sandbox.ts';

let sandbox: Sandbox;
beforeEach(async () => {
  sandbox = await Sandbox.open();
});
afterEach(async () => sandbox.dispose());

const service = 'web: { command: node web.mjs, port: 8080, route: / }';

async function refusal(
  config: string,
  args: readonly string[] = ['env', 'create'],
): Promise<{ exit: number | null; text: string }> {
  await sandbox.repositoryOf({ 'clusternator.config.yaml': config, 'web.mjs': '' });
  const { outcome, error, ok } = await sandbox.json(args);
  expect(ok).toBe(false);
  return { exit: outcome.code, text: JSON.stringify(error) };
}

describe('a config with', () => {
  test.each([
    [
      'an unknown key',
      `project: PROJECT\nprovider: local\nservices:\n  web: { comand: node web.mjs }\n`,
      ['comand', 'command'],
    ],
    [
      'a wrong type',
      `project: PROJECT\nprovider: local\nservices:\n  web: { command: node web.mjs, port: soon }\n`,
      ['services.web.port'],
    ],
    [
      'a cycle in needs',
      `project: PROJECT\nprovider: local\nservices:\n  a: { command: x, port: 1, needs: [b] }\n  b: { command: x, port: 2, needs: [a] }\n`,
      ['a', 'b', 'needs'],
    ],
    [
      'two services on one route',
      `project: PROJECT\nprovider: local\nservices:\n  a: { command: x, port: 1, route: / }\n  b: { command: x, port: 2, route: / }\n`,
      ['route'],
    ],
    [
      'a service named like a site',
      `project: PROJECT\nprovider: local\nservices:\n  ${service}\nsites:\n  web: { dir: ., route: /x }\n`,
      ['web'],
    ],
    [
      'an invalid TTL',
      `project: PROJECT\nprovider: local\nservices:\n  ${service}\nenvironments: { ttl: soon }\n`,
      ['environments.ttl'],
    ],
    [
      'a secret of a cloud, on this machine',
      `project: PROJECT\nprovider: local\nservices:\n  web: { command: node web.mjs, port: 8080, route: /, secrets: { KEY: 'arn:aws:ssm:1' } }\n`,
      ['services.web.secrets.KEY', 'arn:aws:ssm:1'],
    ],
    [
      'a folder outside of the tree',
      `project: PROJECT\nprovider: local\nsites:\n  web: { dir: ../.. }\n`,
      ['sites.web.dir'],
    ],
    [
      'an unknown provider',
      `project: PROJECT\nprovider: locl\nservices:\n  ${service}\n`,
      ['locl', 'local', 'plugins install'],
    ],
    ['no YAML in it', `project: [PROJECT\n`, ['clusternator.config.yaml']],
  ])('%s is refused with exit code 2, and names it', async (_what, config, words) => {
    const { exit, text } = await refusal(config);
    expect([exit, text]).toEqual([2, expect.any(String)]);
    for (const word of words) expect(text).toContain(word);
    expect((await processesOf(sandbox.stateHome)).filter(({ command }) => command.includes('web.mjs'))).toEqual([]);
  });

  test('a project name too long for a host label gets a shorter host, and still works', async () => {
    const name = `a${'-very'.repeat(10)}-long-name`;
    await sandbox.repositoryOf({
      'clusternator.config.yaml': `project: ${name}\nprovider: local\nsites:\n  web: { dir: . }\n`,
      'index.html': 'long\n',
    });
    const { outcome, data, error } = await sandbox.json<{ environment: { url: string } }>(['env', 'create']);
    expect({ exit: outcome.code, error }).toEqual({ exit: 0, error: undefined });
    expect(new URL(data.environment.url).hostname.split('.')[0]!.length).toBeLessThanOrEqual(63);
  }, 60_000);
});

describe('where there is', () => {
  test('no repository', async () => {
    const { outcome, error } = await sandbox.json(['env', 'create'], { cwd: sandbox.folder });
    expect(outcome.code).toBe(2);
    expect(error?.message).toMatch(/repository/);
  });

  test('no config: init is offered', async () => {
    await sandbox.repositoryOf({ 'README.md': 'nothing here\n' });
    const { outcome, error } = await sandbox.json(['env', 'create']);
    expect(outcome.code).toBe(2);
    expect(error?.hint).toContain('clusternator init');
  });

  test('no Docker Engine: config validate warns of the services that need one, and the config is valid', async () => {
    await sandbox.repositoryOf({
      'clusternator.config.yaml': `project: PROJECT\nprovider: local\nservices:\n  ${service}\n  db: { image: postgres, port: 1 }\n  api: { build: ., port: 2 }\n`,
      Dockerfile: 'FROM scratch\n',
    });
    const { outcome, data, warnings } = await sandbox.json<{ valid: boolean }>(['config', 'validate']);
    expect({ exit: outcome.code, valid: data.valid, warnings }).toEqual({
      exit: 0,
      valid: true,
      warnings: [expect.stringMatching(/services db, api need a Docker Engine/)],
    });
    const shown = await sandbox.run(['config', 'validate']);
    expect(shown.stderr).toMatch(/services db, api need a Docker Engine/);
  });

  test('no git', async () => {
    await sandbox.repository('node-service', ['first']);
    const bin = path.join(sandbox.folder, 'bin');
    await mkdir(bin);
    // `env` is what the first line of the bin asks for.
    await writeFile(path.join(bin, 'env'), '#!/bin/sh\nexec /usr/bin/env "$@"\n', { mode: 0o755 });
    const { outcome, error } = await sandbox.json(['env', 'create'], {
      env: { PATH: `${path.dirname(process.execPath)}:${bin}` },
    });
    expect(outcome.code).not.toBe(0);
    expect(`${error?.message} ${error?.hint}`).toMatch(/git/);
  });

  test('an ambiguous prefix: the candidates are told', async () => {
    const { repository } = await sandbox.repository('node-service', ['first']);
    const ids = new Map<string, string>();
    let prefix = '';
    for (let index = 0; index < 2000 && !prefix; index += 1) {
      const id = await repository.git('commit-tree', 'HEAD^{tree}', '-m', `commit ${index}`);
      const short = id.slice(0, 4);
      const other = ids.get(short);
      if (other) {
        prefix = short;
        await repository.git('branch', 'one', other);
        await repository.git('branch', 'another', id);
      }
      ids.set(short, id);
    }
    expect(prefix).not.toBe('');
    const { outcome, error } = await sandbox.json(['env', 'create', '--sha', prefix]);
    expect(outcome.code).toBe(2);
    expect(`${error?.message} ${error?.hint}`).toContain(ids.get(prefix)!.slice(0, 12));
  }, 60_000);

  test('an unknown environment', async () => {
    await sandbox.repository('node-service', ['first']);
    for (const args of [
      ['env', 'show'],
      ['env', 'logs'],
      ['env', 'destroy', '--yes'],
      ['op', 'show'],
    ]) {
      expect([args, (await sandbox.json([...args, 'ffffffff'])).outcome.code]).toEqual([args, 3]);
    }
  }, 60_000);

  test('an unknown command: the nearest is told, exit code 2', async () => {
    const outcome = await sandbox.run(['env', 'craete']);
    expect(outcome.code).toBe(2);
    expect(outcome.stderr).toContain('env create');
  });
});
