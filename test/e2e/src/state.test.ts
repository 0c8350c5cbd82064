import { readFile, stat, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';

import { Sandbox } from './sandbox.ts';
import { seedEnvironments } from './seed.ts';

let sandbox: Sandbox;
beforeEach(async () => {
  sandbox = await Sandbox.open();
});
afterEach(async () => sandbox.dispose());

function stateFile(): string {
  return path.join(sandbox.stateHome, 'projects', `${sandbox.project}--default`, 'state.db');
}

test('with 10,000 environments the list pages and stays usable, and gc can be tried', async () => {
  await sandbox.repository('node-service', ['first']);
  await sandbox.create();
  seedEnvironments(sandbox.stateHome, sandbox.project, 10_000);
  const first = await sandbox.json<{ environments: readonly { id: string }[]; next: string }>([
    'env',
    'list',
    '--limit',
    '100',
  ]);
  expect(first.outcome.code).toBe(0);
  expect(first.data.environments).toHaveLength(100);
  const second = await sandbox.json<{ environments: readonly { id: string }[] }>([
    'env',
    'list',
    '--limit',
    '100',
    '--after',
    first.data.next,
  ]);
  const ids = [...first.data.environments, ...second.data.environments].map(({ id }) => id);
  expect(new Set(ids).size).toBe(200);
  const all = await sandbox.json<{ environments: readonly unknown[] }>(['env', 'list', '--limit', '10000']);
  expect(all.data.environments).toHaveLength(10_000);
  expect((await sandbox.json(['gc', '--dry-run'])).outcome.code).toBe(0);
}, 180_000);

describe('a state store', () => {
  test('with a document of a newer version is refused, and says so', async () => {
    await sandbox.repository('node-service', ['first']);
    const { id } = await sandbox.create();
    const database = new DatabaseSync(stateFile());
    database.exec(`UPDATE documents SET value = json_set(value, '$.schema', 99) WHERE key = 'env/${id}'`);
    database.close();
    const { outcome, error } = await sandbox.json(['env', 'show', id]);
    expect(outcome.code).not.toBe(0);
    expect(`${error?.message} ${error?.hint}`).toMatch(/newer/);
  }, 120_000);

  test('that is damaged is told, never overwritten, and export is offered', async () => {
    await sandbox.repository('node-service', ['first']);
    const { id } = await sandbox.create();
    await sandbox.run(['daemon', 'stop']);
    await writeFile(stateFile(), 'this is no database, but somebody may still need it\n'.repeat(500));
    const before = await readFile(stateFile());
    for (const args of [
      ['env', 'list'],
      ['env', 'create'],
      ['env', 'destroy', id, '--yes'],
      ['gc'],
      ['state', 'rebuild'],
    ]) {
      const { outcome, error } = await sandbox.json(args);
      expect([args, outcome.code]).not.toEqual([args, 0]);
      expect(`${error?.message} ${error?.hint}`).toMatch(/damaged|corrupt/i);
      expect(`${error?.message} ${error?.hint}`).toContain('state export');
    }
    expect(await readFile(stateFile())).toEqual(before);
  }, 120_000);

  test('is readable by its owner alone', async () => {
    await sandbox.repository('node-service', ['first']);
    await sandbox.create();
    expect((await stat(stateFile())).mode & 0o777).toBe(0o600);
    expect((await stat(sandbox.stateHome)).mode & 0o777).toBe(0o700);
  }, 120_000);
});
